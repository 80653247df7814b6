# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the dependencies into locks with hashes: one for this repository, one per core line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORES = {"2.16": "python3.11", "2.18": "python3.11", "2.21": "python3.12"}
OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
)


def resolve(source: Path, into: Path, *more: str) -> None:
    """Write the lock ``into`` for what ``source`` asks for."""
    subprocess.run(
        [sys.executable, "-m", "piptools", "compile", *OPTIONS, *more, "-o", str(into), source],
        cwd=ROOT,
        check=True,
    )


def main(wanted: list[str]) -> None:
    """Resolve the locks named in ``wanted`` (``dev``, ``2.16``, …), or all."""
    with tempfile.TemporaryDirectory() as scratch:
        limits = Path(scratch) / "limits.txt"
        limits.write_text("ansible-core<2.20\n", encoding="utf-8")
        if not wanted or "dev" in wanted:
            resolve(
                ROOT / "pyproject.toml",
                ROOT / "requirements/dev.txt",
                "--extra=dev",
                f"--constraint={limits}",
            )
        for core, python in CORES.items():
            if not wanted or core in wanted:
                asked = Path(scratch) / f"core-{core}.in"
                modules = (ROOT / "requirements/modules.txt").read_text("utf-8")
                asked.write_text(f"ansible-core=={core}.*\n{modules}", encoding="utf-8")
                more = [f"--pip-args=--python-version={python.removeprefix('python')}"]
                more = [] if python == "python3.11" else more
                resolve(asked, ROOT / f"requirements/core-{core}.txt", *more)


if __name__ == "__main__":
    main(sys.argv[1:])
