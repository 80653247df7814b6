# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the dependencies into locks with hashes: one for this repository, one per core line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.cores import CORES, ROOT, interpreter

OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--no-strip-extras",
    "--allow-unsafe",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
)


def resolve(source: Path, into: Path, *more: str, python: str = sys.executable) -> None:
    """Write the lock ``into`` for what ``source`` asks for, as ``python`` would install it."""
    subprocess.run(
        [python, "-m", "piptools", "compile", *OPTIONS, *more, "-o", str(into), source.name],
        cwd=source.parent,
        check=True,
    )


def resolver(name: str, scratch: Path) -> str:
    """Return a Python of the wanted line that has our resolver; ours when it is of that line.

    The resolver looks at the Python that it runs with, so a lock for another needs that one.
    """
    if name == f"python{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = interpreter(name)
    if found is None:
        raise LookupError(f"no {name} on this machine runs, and its lock needs one")
    place = scratch / name
    subprocess.run([found, "-m", "venv", str(place)], check=True)
    wanted = [f"{each}=={version(each)}" for each in ("pip", "pip-tools")]
    python = str(place / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


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
        for core in CORES:
            if not wanted or core.line in wanted:
                asked = Path(scratch) / f"core-{core.line}.in"
                modules = (ROOT / "requirements/modules.txt").read_text("utf-8")
                asked.write_text(f"ansible-core=={core.line}.*\n{modules}", encoding="utf-8")
                resolve(asked, core.lock, python=resolver(core.python, Path(scratch)))


if __name__ == "__main__":
    main(sys.argv[1:])
