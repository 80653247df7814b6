# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what is meant, with limits that a machine that stands still does not use up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_PAUSE = 0.02
# A longer time between two looks was the machine's own.
_LONGEST = 0.1


def wait_for(condition: Callable[[], Any], seconds: float = 40.0) -> Any:
    """Return the first true answer of a condition; fail once it was looked at for so long."""
    answer = came_true(condition, seconds)
    assert answer, f"it did not happen in {seconds} s"
    return answer


def came_true(condition: Callable[[], Any], seconds: float) -> Any:
    """Return the first true answer of a condition, or the last one."""
    left, last = seconds, time.monotonic()
    while True:
        answer = condition()
        if answer or left <= 0:
            return answer
        time.sleep(_PAUSE)
        now = time.monotonic()
        left, last = left - min(now - last, _LONGEST), now


class Attended:
    """How many seconds went by in which this process could have done something."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Attended:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _count(self) -> None:
        last = time.monotonic()
        while not self._over.wait(_PAUSE):
            now = time.monotonic()
            self.seconds, last = self.seconds + min(now - last, _LONGEST), now
