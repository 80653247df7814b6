# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the bridge that started a run still lives: a file that it holds locked until it ends.

The kernel lets go of a lock when its process dies, however it dies. A process id would not do:
it is used again, and another container that shares the folder counts its own.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Lease:
    """The sign of life of this process, for as long as it is not closed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        while True:
            self.name = uuid.uuid4().hex
            self._file = os.open(folder / self.name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_nlink:
                return
            # It was swept away before it was locked.
            os.close(self._file)

    def close(self) -> None:
        """Give it up."""
        with suppress(OSError):
            (self.folder / self.name).unlink()
        os.close(self._file)


def lives(folder: Path, name: str) -> bool:
    """Whether the holder of a lease is alive; where locks cannot be asked, it is taken for so."""
    try:
        file = os.open(folder / name, _FLAGS)
    except OSError:
        return False
    try:
        return not _free(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def sweep(folder: Path) -> None:
    """Remove the files of the dead."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            file = os.open(path, _FLAGS)
            try:
                if _free(file, fcntl.LOCK_EX):
                    path.unlink()
            finally:
                os.close(file)


def _free(file: int, how: int) -> bool:
    """Take a lock that nobody holds; those who only ask share it, not to seem alive."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
