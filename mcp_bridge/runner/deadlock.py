# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded beside the guard: notices that a run's command waits for somebody who is dead.

A process that is killed while it hands something over leaves the lock of ansible-core's queue
taken, and ``ansible-playbook`` waits for it for ever. It is known by this: the command and all
below it hold still, each thread in a lock or a pipe. While anything goes on, the command looks
every millisecond for what came of it, and so nothing slow is taken for dead. Where the kernel does
not tell where a thread waits, nobody is.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

# A little less than what the guard waits between two looks.
_APART = 0.9
# Looks, and not seconds: a machine that stands still looks no more than who is looked at.
_LOOKS = 5
_LOCK = b"futex_"
_PIPE = (b"pipe_read", b"pipe_wait")
_LARGEST = 1 << 14


class Deadlock:
    """Looks at the command of one run, which is so many levels below the guard's own child."""

    def __init__(self, child: int, levels: int) -> None:
        self._child, self._levels = child, levels
        self._command = (0, 0)
        self._seen: dict[int, bytes] | None = None
        self._times = 0
        self._next = time.monotonic() + _APART

    def found(self) -> int | None:
        """Look, unless it was just done; return the command once it has held still so often."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _APART
        seen = self._look()
        self._times = self._times + 1 if seen is not None and seen == self._seen else 1
        self._seen = seen
        return self._command[0] if seen is not None and self._times >= _LOOKS else None

    def _look(self) -> dict[int, bytes] | None:
        """Return how often each thread of the command and below it ever ran.

        None when there is no command, or when one of them waits for anything else.
        """
        command, parent = self._command
        if not command or _parent(command) != parent:
            command, parent = self._command = self._find()
        if not command or not _where(command).startswith(_LOCK):
            return None
        seen: dict[int, bytes] = {}
        for pid in (command, *_below(command, _parents())):
            still = _still(pid)
            if still is None:
                return None
            seen |= still
        return seen

    def _find(self) -> tuple[int, int]:
        """Return the command and its parent; zeros while there is none."""
        parents = _parents()
        pid, parent = self._child, 0
        for _level in range(self._levels):
            # Whatever else is there has lost its parent, and is younger.
            oldest = min((child for child in parents if parents[child] == pid), default=0)
            if not oldest:
                return 0, 0
            pid, parent = oldest, pid
        return pid, parent


def _still(pid: int) -> dict[int, bytes] | None:
    """Return how often each thread of a process ran, if all wait for a lock or a pipe."""
    found = {}
    try:
        for thread in _numbers(f"/proc/{pid}/task"):
            where = _where(thread)
            if not where.startswith(_LOCK) and not any(name in where for name in _PIPE):
                return None
            status = _read(f"/proc/{thread}/status")
            found[thread] = status.partition(b"\nvoluntary_ctxt_switches:")[2]
    except OSError:
        return None
    return found


def _where(thread: int) -> bytes:
    """Return where in the kernel a thread waits; empty or 0 where that is not told."""
    with suppress(OSError):
        return _read(f"/proc/{thread}/wchan")
    return b""


def _below(pid: int, parents: dict[int, int]) -> list[int]:
    """Return the living descendants of a process."""
    own = [child for child in parents if parents[child] == pid]
    return own + [each for child in own for each in _below(child, parents)]


def _parents() -> dict[int, int]:
    """Return the parent of each living process; empty where /proc does not tell of ours."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):  # noqa: PTH115 - see _read
            return {}
        pids = _numbers("/proc")
    except OSError:
        return {}
    return {pid: parent for pid in pids if (parent := _parent(pid))}


def _parent(pid: int) -> int:
    """Return the parent of a process; 0 when it is dead."""
    with suppress(OSError, ValueError):
        state, parent, *_rest = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        return 0 if state in b"ZX" else int(parent)
    return 0


def _numbers(folder: str) -> list[int]:
    return [int(name) for name in os.listdir(folder) if name.isdigit()]  # noqa: PTH208 - see _read


def _read(file: str) -> bytes:
    # The guard is a fork: what it touches, and be it a library, becomes memory of its own.
    opened = os.open(file, os.O_RDONLY)
    try:
        return os.read(opened, _LARGEST)
    finally:
        os.close(opened)
