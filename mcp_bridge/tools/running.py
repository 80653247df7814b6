# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls on their way and those that ended lately, so that none is lost by being slow.

Each call works in a thread of its own. Whoever asked waits as long as it has patience, and then
gets the id of the run, by which the answer can be asked for later.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..envelope import failed, running
from .spec import Answer, Call, Signals

KEPT = 200
MOST_LIVE = 64
_FOLLOW = "Call run_get with this run_id and wait; it gives the answer of this call."
_BUSY = "Wait with run_get for one of them, or stop one with run_cancel."
# How often to look whether a call that is slow to start has its run id.
_START = 1.0


class Running:
    """One call: what it does now, and its answer once there is one."""

    def __init__(self, call: Call) -> None:
        self.tool = call.tool
        self.principal = call.caller.principal
        self.run_id: str | None = None
        self.targets: tuple[str, ...] = ()
        self.doing = "started"
        self.log = ""
        self.answer: Answer | None = None
        self.ended = threading.Event()
        self._cancelled = call.signals.cancelled
        self._begin = time.monotonic()
        self._seconds: float | None = None
        self._defect: Exception | None = None
        self._news = threading.Condition()

    @property
    def seconds(self) -> float:
        """Return how long it has run, or ran."""
        return round(self._seconds or time.monotonic() - self._begin, 1)

    def work(self, do: Callable[[], Answer]) -> None:
        """Do it, and keep what comes of it."""
        try:
            self.answer = do()
        except Exception as error:
            self._defect = error
        self._seconds = time.monotonic() - self._begin
        with self._news:
            self.ended.set()
            self._news.notify_all()

    def say(self, message: str) -> None:
        """Note what it does now."""
        with self._news:
            self.doing = message
            self._news.notify_all()

    def cancel(self) -> None:
        """Ask it to end."""
        self._cancelled.set()

    def wait(self, tell: Callable[[str], None], patience: float | None) -> Answer | None:
        """Return the answer, or None when patience ends before it and a run id can stand for it.

        Raises what a defect of the bridge raised in the call.
        """
        until = None if patience is None else time.monotonic() + patience
        told = self.doing
        while not self.ended.is_set():
            left = None if until is None else until - time.monotonic()
            if left is not None and self.run_id is None:
                left = max(left, _START)
            if left is not None and left <= 0:
                return None
            with self._news:
                self._news.wait_for(partial(self._has_news, told), left)
            if self.doing != told:
                told = self.doing
                tell(told)
        if self._defect is not None:
            raise self._defect
        return self.answer

    def _has_news(self, told: str) -> bool:
        return self.ended.is_set() or self.doing != told


class Runs:
    """All calls that run, and the last ones that ran, for as long as the bridge lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: set[Running] = set()
        self._by_id: OrderedDict[str, Running] = OrderedDict()

    def perform(self, call: Call, work: Callable[[Call], Answer]) -> Answer:
        """Answer a call; with its run's id when that takes longer than the caller waits."""
        running_call = Running(call)
        with self._lock:
            if len(self._live) >= MOST_LIVE:
                text = f"{MOST_LIVE} calls are running, which is the most at once."
                return Answer(failed("busy", text, next_step=_BUSY))
            self._live.add(running_call)
        signals = Signals(
            progress=running_call.say,
            cancelled=call.signals.cancelled,
            started=lambda run_id, targets: self._started(running_call, run_id, targets),
            logged=lambda text: setattr(running_call, "log", text),
        )
        inner = replace(call, signals=signals)
        thread = threading.Thread(
            target=self._work, args=(running_call, lambda: work(inner)), daemon=True
        )
        thread.start()
        answer = running_call.wait(call.signals.progress, call.signals.patience)
        return answer or Answer(running(str(running_call.run_id), state_of(running_call)))

    def get(self, run_id: str, principal: str) -> Running | None:
        """Return a call by the id of its run; nobody sees the runs of others."""
        with self._lock:
            found = self._by_id.get(run_id)
        return found if found is not None and found.principal == principal else None

    def stop(self, seconds: float) -> None:
        """Ask every call to end, and return when all did or the time is over."""
        with self._lock:
            live = list(self._live)
        for each in live:
            each.cancel()
        deadline = time.monotonic() + seconds
        for each in live:
            each.ended.wait(max(0.0, deadline - time.monotonic()))

    def _started(self, call: Running, run_id: str, targets: tuple[str, ...]) -> None:
        call.run_id, call.targets = run_id, targets
        with self._lock:
            self._by_id[run_id] = call
            ended = [old for old, each in self._by_id.items() if each.ended.is_set()]
            for old in ended[: max(0, len(self._by_id) - KEPT)]:
                del self._by_id[old]

    def _work(self, call: Running, do: Callable[[], Answer]) -> None:
        call.work(do)
        with self._lock:
            self._live.discard(call)


def state_of(call: Running) -> dict[str, object]:
    """Return what is known of a call that has not ended."""
    return {
        "tool": call.tool,
        "targets": list(call.targets),
        "seconds": call.seconds,
        "doing": call.doing,
        "next": _FOLLOW,
    }
