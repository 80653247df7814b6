# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible-core lines that can be tested here, each in an environment below build/cores/."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = "own"


@dataclass(frozen=True)
class Core:
    """One line of ansible-core, and the interpreter it is tested on."""

    line: str
    python: str

    @property
    def lock(self) -> Path:
        """Return the lock that its environment is installed from."""
        return ROOT / f"requirements/core-{self.line}.txt"

    @property
    def folder(self) -> Path:
        """Return where its environment is."""
        return ROOT / "build/cores" / self.line

    def why_not(self) -> str:
        """Return why it cannot be tested here; empty when it can."""
        if not self.lock.is_file():
            return f"{self.lock.name} does not exist"
        found = shutil.which(self.python)
        if not found:
            return f"{self.python} is not on this machine"
        ran = subprocess.run([found, "-c", ""], capture_output=True, check=False)
        return "" if ran.returncode == 0 else f"{self.python} does not run"

    def playbook_command(self) -> Path:
        """Return its ansible-playbook, installing the environment when it is not there."""
        command = self.folder / "bin/ansible-playbook"
        stamp = self.folder / "complete"
        if not stamp.is_file() or stamp.stat().st_mtime < self.lock.stat().st_mtime:
            shutil.rmtree(self.folder, ignore_errors=True)
            subprocess.run([self.python, "-m", "venv", str(self.folder)], check=True)
            pip = [str(self.folder / "bin/python"), "-m", "pip", "install", "-qq"]
            subprocess.run([*pip, "--require-hashes", "-r", str(self.lock)], check=True)
            stamp.touch()
        return command


CORES = (
    Core("2.16", "python3.11"),
    Core("2.18", "python3.11"),
    Core("2.21", "python3.12"),
)


def main() -> None:
    """Say which lines this machine can test, and why not the others."""
    for core in CORES:
        reason = core.why_not()
        sys.stdout.write(f"{core.line} on {core.python}: {reason or 'can be tested'}\n")


if __name__ == "__main__":
    main()
