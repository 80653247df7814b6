# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is: so many runs at once, first come first served, one writer of an object."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import Busy
from ..lease import sweep

_POLL = 0.1


class Turns:
    """Gives turns to jobs. Who waits for an object holds up nobody else.

    Objects are locked by files below ``folder``, so that several bridges on one state folder
    respect each other too.
    """

    def __init__(self, folder: Path, at_once: int, queue: int) -> None:
        self._folder, self._at_once, self._queue = folder, at_once, queue
        self._news = threading.Condition()
        self._waiting: list[Turn] = []
        self._running: set[Turn] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A bridge that was killed has left those of its runs.
        sweep(folder)

    def take(
        self, objects: frozenset[str], seconds: float, stopped: Callable[[], bool]
    ) -> Turn | None:
        """Return a turn, to be ended; None when it was ``stopped`` or the time was over before.

        Raises Busy, without waiting, when as many wait as may.
        """
        turn = Turn(self, objects)
        until = time.monotonic() + seconds
        with self._news:
            self._waiting.append(turn)
            try:
                if self._begins(turn):
                    return turn
                if len(self._waiting) > self._queue:
                    raise self._busy()
                while time.monotonic() < until and not stopped():
                    self._news.wait(_POLL)
                    if self._begins(turn):
                        return turn
            finally:
                self._waiting.remove(turn)
                self._news.notify_all()
        return None

    def quiet(self, seconds: float) -> bool:
        """Wait until nothing runs; whether that came true."""
        with self._news:
            return self._news.wait_for(lambda: not self._running, seconds)

    def _begins(self, turn: Turn) -> bool:
        """Whether it is this one's turn now; if so, it has begun."""
        if len(self._running) >= self._at_once or self._is_before(turn):
            return False
        if not turn.lock(self._folder):
            return False
        self._running.add(turn)
        self._news.notify_all()
        return True

    def _is_before(self, turn: Turn) -> bool:
        """Whether another has to begin first, or to end."""
        held = {key for each in self._running for key in each.objects}
        for each in self._waiting:
            if each is turn:
                return bool(held & turn.objects)
            if not held & each.objects and not each.elsewhere:
                return True
            held |= each.objects
        return True

    def _busy(self) -> Busy:
        running, waiting = len(self._running), len(self._waiting) - 1
        return Busy(
            f"{running} runs are going on and {waiting} wait, the most that runner.concurrency "
            f"({self._at_once}) and runner.queue ({self._queue}) allow; nothing was run"
        )

    def ended(self, turn: Turn) -> None:
        """Let the next one begin."""
        with self._news:
            self._running.discard(turn)
            turn.unlock()
            self._news.notify_all()


class Turn:
    """One job's turn, and the locks of what it writes.

    ``files`` are the open files of these locks: a process that inherits them keeps the lock.
    """

    def __init__(self, turns: Turns, objects: frozenset[str]) -> None:
        self._turns = turns
        self.objects = objects
        self.files: list[int] = []
        self.elsewhere = False
        self._paths: list[Path] = []

    def end(self) -> None:
        """Give the turn back."""
        self._turns.ended(self)

    def lock(self, folder: Path) -> bool:
        """Lock all objects, or none of them when another bridge writes one."""
        for key in sorted(self.objects):
            path = folder / hashlib.sha256(key.encode()).hexdigest()
            file = _locked(path)
            if file is None:
                self.elsewhere = True
                self.unlock()
                return False
            self.files.append(file)
            self._paths.append(path)
        self.elsewhere = False
        return True

    def unlock(self) -> None:
        """Let others write."""
        for path in self._paths:
            # Under the lock: whoever opened it before sees that it is gone.
            with suppress(OSError):
                path.unlink()
        for file in self.files:
            os.close(file)
        self.files, self._paths = [], []


def _locked(path: Path) -> int | None:
    """Return the open file of a lock that is ours now; None when another has it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_ino == path.stat().st_ino:
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except FileNotFoundError:
            pass
        os.close(file)
