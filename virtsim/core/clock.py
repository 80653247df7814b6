# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: what is due runs in due order, in real time or by jumping ahead."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .state import on_rollback, transaction

MODES = ("real", "jump")


@dataclass(order=True)
class Event:
    """Something due at ``due`` (virtual epoch seconds). ``live`` is False once cancelled."""

    due: float
    n: int
    name: str = field(compare=False)
    action: Callable[[], Any] = field(compare=False)
    background: bool = field(compare=False, default=False)
    live: bool = field(compare=False, default=True)


class Clock:
    """The time of one simulator, in epoch seconds.

    ``real``: time passes by itself, ``speed`` times as fast as outside. ``jump``: time stands
    still until ``poll`` or ``advance``; a poll moves it to the next due event. Each event runs
    in a transaction of its own and sees ``now()`` as its due time, so that what it schedules
    follows from there. The caller holds the simulator's lock.
    """

    def __init__(
        self, mode: str = "jump", *, speed: float = 1.0, start: float | None = None
    ) -> None:
        self._events: list[Event] = []
        self._counter = itertools.count()
        self._at: float | None = None
        self._base = time.time() if start is None else start
        self._mark = time.monotonic()
        self.mode = "jump"
        self.speed = 1.0
        self.configure(mode=mode, speed=speed)

    def configure(self, *, mode: str | None = None, speed: float | None = None) -> None:
        """Change mode or speed from now on; time already passed stays."""
        if mode is not None and mode not in MODES:
            raise ValueError(f"clock mode must be one of {', '.join(MODES)}, not {mode!r}")
        if speed is not None and not speed > 0:
            raise ValueError(f"clock speed must be greater than 0, not {speed!r}")
        self._base, self._mark = self.now(), time.monotonic()
        self.mode = mode or self.mode
        self.speed = float(speed or self.speed)

    def now(self) -> float:
        """Return the virtual time; during an event, the time at which it was due."""
        if self._at is not None:
            return self._at
        if self.mode == "jump":
            return self._base
        return self._base + (time.monotonic() - self._mark) * self.speed

    def schedule(
        self, delay: float, action: Callable[[], Any], *, name: str = "", background: bool = False
    ) -> Event:
        """Run ``action`` in ``delay`` virtual seconds; not at all if this request is undone.

        A ``background`` event (a periodic one) is never what a poll jumps to.
        """
        event = Event(self.now() + max(0.0, delay), next(self._counter), name, action, background)
        heapq.heappush(self._events, event)
        on_rollback(lambda: setattr(event, "live", False))
        return event

    def cancel(self, event: Event) -> None:
        """Take ``event`` out of the plan; harmless when it already ran."""
        if event.live:
            event.live = False
            on_rollback(lambda: self._revive(event))

    def _revive(self, event: Event) -> None:
        event.live = True
        if event not in self._events:
            heapq.heappush(self._events, event)

    def pending(self) -> list[Event]:
        """Return what is still to come, soonest first."""
        return sorted(event for event in self._events if event.live)

    def settle(self) -> None:
        """Run everything that is due by now."""
        self._run_until(self.now())

    def poll(self) -> None:
        """Run what is due; when the clock jumps, move to the next due event and run it."""
        self.settle()
        if self.mode != "jump" or self._at is not None:
            return
        upcoming = [event.due for event in self._events if event.live and not event.background]
        if upcoming:
            self._run_until(min(upcoming))

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass at once, running what falls due."""
        if seconds < 0:
            raise ValueError(f"time cannot go back: advance must be 0 or more, not {seconds!r}")
        until = self.now() + seconds
        self._run_until(until)
        self._base += max(0.0, until - self.now())

    def clear(self) -> None:
        """Forget all events; the time stays."""
        self._events.clear()

    def describe(self) -> dict[str, Any]:
        """Return mode, speed, time and the plan, as the control plane shows them."""
        return {
            "mode": self.mode,
            "speed": self.speed,
            "now": self.now(),
            "pending": [{"due": event.due, "name": event.name} for event in self.pending()],
        }

    def _run_until(self, until: float) -> None:
        if self._at is not None:
            return
        while self._events and self._events[0].due <= until:
            event = heapq.heappop(self._events)
            if not event.live:
                continue
            event.live = False
            if self.mode == "jump":
                self._base = max(self._base, event.due)
            self._at = event.due
            try:
                with transaction():
                    event.action()
            finally:
                self._at = None
