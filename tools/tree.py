# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the checkout to where Ansible's tools look for a collection.

``ansible-test`` refuses a checkout that does not lie below ``ansible_collections/virtbridge/core``,
and tests nothing at all, silently, in a tree of symlinks. So it gets a copy.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = Path("ansible_collections/virtbridge/core")
COLLECTION = (
    "plugins",
    "meta",
    "playbooks",
    "changelogs",
    "galaxy.yml",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "requirements",
)


def tracked(root: Path = ROOT) -> list[Path]:
    """Return what git tracks or would track below ``root``, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted({Path(name) for name in listed.split("\0") if name})
    return [name for name in names if (root / name).is_file()]


def build(into: Path, only: tuple[str, ...] = COLLECTION) -> Path:
    """Copy the files below ``only`` into a fresh tree, and return the collection's folder."""
    place = into / PLACE
    shutil.rmtree(into, ignore_errors=True)
    for name in tracked():
        if name.parts[0] in only:
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return place


if __name__ == "__main__":
    sys.stdout.write(f"{build(ROOT / 'build/tree')}\n")
