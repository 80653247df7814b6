# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible-core lines that can be tested here, each in an environment below build/cores/."""

from __future__ import annotations

import fcntl
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = "own"


@dataclass(frozen=True)
class Core:
    """One line of ansible-core, and the interpreter it is tested on; ``also`` is one more of it."""

    line: str
    python: str
    also: bool = False

    @property
    def name(self) -> str:
        """Return what it is called."""
        return f"{self.line}-{self.python}" if self.also else self.line

    @property
    def lock(self) -> Path:
        """Return the lock that its environment is installed from."""
        return ROOT / f"requirements/core-{self.line}.txt"

    @property
    def folder(self) -> Path:
        """Return where its environment is."""
        return ROOT / "build/cores" / self.name

    @property
    def interpreter(self) -> Path:
        """Return the Python of its environment, which runs the modules."""
        return self.folder / "bin/python"

    def why_not(self) -> str:
        """Return why it cannot be tested here; empty when it can."""
        if not self.lock.is_file():
            return f"{self.lock.name} does not exist"
        return "" if interpreter(self.python) else f"no {self.python} on this machine runs"

    def playbook_command(self) -> Path:
        """Return its ansible-playbook, installing the environment when it is not there."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.name}.lock").open("w") as lock:
            # Two test processes must not install the same one.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._installed()

    def _installed(self) -> Path:
        command = self.folder / "bin/ansible-playbook"
        stamp = self.folder / "complete"
        if not stamp.is_file() or stamp.stat().st_mtime < self.lock.stat().st_mtime:
            shutil.rmtree(self.folder, ignore_errors=True)
            python = interpreter(self.python)
            if python is None:
                raise LookupError(f"ansible-core {self.line}: {self.why_not()}")
            subprocess.run([python, "-m", "venv", str(self.folder)], check=True)
            pip = [str(self.interpreter), "-m", "pip", "install", "-qq"]
            subprocess.run([*pip, "--require-hashes", "-r", str(self.lock)], check=True)
            stamp.touch()
        return command

    def bridge_python(self) -> Path:
        """Return a Python that has the bridge, and beside it this line's ansible-playbook.

        The bridge takes the ansible-playbook that lies beside its own interpreter. So this is our
        own environment once more, under another name, with another command in it.
        """
        command = self.playbook_command()
        folder = self.folder / "bridge"
        python = folder / "bin/python"
        beside = folder / "bin/ansible-playbook"
        if not beside.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
            lib = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
            ours = site.getsitepackages()[0]
            paths = folder / lib / "bridge.pth"
            paths.write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
            beside.symlink_to(command)
        return python


@cache
def interpreter(name: str) -> Path | None:
    """Return the first Python of that name that runs; a pyenv shim may be there and not run."""
    for path in _candidates(name):
        if path.is_file() and os.access(path, os.X_OK):
            ran = subprocess.run([path, "-c", ""], capture_output=True, check=False)
            if ran.returncode == 0:
                return path
    return None


def _candidates(name: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        yield Path(folder) / name
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    version = name.removeprefix("python")
    for found in sorted((pyenv / "versions").glob(f"{version}.*"), reverse=True):
        yield found / "bin" / name


CORES = (
    Core("2.16", "python3.11"),
    Core("2.18", "python3.11"),
    Core("2.21", "python3.12"),
)
# The same line on another Python: for what depends on how Python itself works.
ALSO = (Core("2.21", "python3.13", also=True),)


def main() -> None:
    """Say which lines this machine can test, and why not the others."""
    for core in (*CORES, *ALSO):
        reason = core.why_not()
        sys.stdout.write(f"{core.line} on {core.python}: {reason or 'can be tested'}\n")


if __name__ == "__main__":
    main()
