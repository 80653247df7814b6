# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder of one run: made fresh, locked while the run lives, removed at its end."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import RunnerBroken

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is private and checked
_LOCK = "lock"
_YOUNG = 10.0
# What fits into one message to the fork server.
MOST_LOCKS = 200
CONFIG = "[defaults]\n"


class Workspace:
    """One run's folder. While its lock is held, by bridge or guard, nobody else removes it.

    ``locks`` are the open files that the guard has to hold: this one, and those of the run's turn.
    """

    def __init__(self, base: Path, run_id: str, locks: Sequence[int] = ()) -> None:
        self.path = base / run_id
        self.path.mkdir(mode=0o700)
        self.lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.locks = (self.lock, *locks)[:MOST_LOCKS]
        for part in ("home", "tmp", "project", "inventory"):
            (self.path / part).mkdir(mode=0o700)
        self.write("ansible.cfg", CONFIG)

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read, and return its path."""
        path = self.path / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def remove(self) -> None:
        """Remove the folder with all that is in it; also when parts of it are gone already."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            os.close(self.lock)


def base_folder(state_dir: Path, shared: Path = SHARED_MEMORY) -> Path:
    """Return the folder for run folders: in memory where that is possible, else in the state."""
    candidates = [state_dir / "runs"]
    if shared.is_dir() and os.access(shared, os.W_OK):
        candidates.insert(0, shared / f"virtbridge-{os.geteuid()}")
    reasons = []
    for path in candidates:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = path.lstat()
        except OSError as error:
            reasons.append(f"{path}: {error.strerror}")
            continue
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if private and status.st_uid == os.geteuid():
            return path
        reasons.append(f"{path}: not a private folder of this user")
    raise RunnerBroken(f"There is no folder for runs: {'; '.join(reasons)}. Set runner.state_dir.")


def recover(base: Path) -> list[str]:
    """Remove the folders of runs whose bridge and guard are dead; return their run ids."""
    removed = []
    for path in dead(base):
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path.name)
    return removed


def dead(base: Path) -> Iterator[Path]:
    """Yield the folders of runs whose bridge and guard are dead."""
    for path in sorted(base.iterdir()):
        with suppress(OSError):
            # A folder is made a moment before its lock is taken.
            if path.is_symlink() or time.time() - path.stat().st_mtime < _YOUNG:
                continue
            if _abandoned(path / _LOCK):
                yield path


def _abandoned(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
