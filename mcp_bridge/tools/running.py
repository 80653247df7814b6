# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls on their way and those that ended lately, so that none is lost by being slow.

Each call works in a thread of its own. Whoever asked waits as long as it has patience, and then
gets the id of the run, by which the answer can be asked for later. The store has what must be
known also after this process, and by others: each run before it begins, and how it ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..envelope import failed, running
from ..errors import StoreBroken
from ..plaintext import clean_text
from ..redact import Redactor
from ..run_store import RunStore, StoredRun
from .spec import Answer, Begun, Call, Signals

KEPT = 200
_FOLLOW = "Call run_get with this run_id and wait; it gives the answer of this call."
# How often to look whether a call that is slow to start has its run id.
_START = 1.0
# How often to look whether another process wants one of our runs to end.
_LOOK = 0.5
DEFECT = "The bridge failed in the midst of the call; its log on stderr has the traceback."
_log = logging.getLogger(__name__)


class Running:
    """One call: what it does now, and its answer once there is one."""

    def __init__(self, call: Call) -> None:
        self.tool = call.tool
        self.caller = (call.caller.principal, call.caller.client)
        self.runs: dict[str, bool] = {}
        self.run_id: str | None = None
        self.targets: tuple[str, ...] = ()
        self.doing = "started"
        self.log = ""
        self.how: str | None = None
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

    def work(self, do: Callable[[], Answer], keep: Callable[[], None]) -> None:
        """Do it, and keep what comes of it; whoever waits hears of it after that."""
        try:
            self.answer = do()
        except Exception as error:
            self._defect = error
        try:
            keep()
        finally:
            self._seconds = time.monotonic() - self._begin
            with self._news:
                self.ended.set()
                self._news.notify_all()

    def log_as(self, text: str, how: str) -> None:
        """Note what its run printed, and by which back end it ran."""
        self.log, self.how = text, how

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
    """All calls that run, and the last ones that ran, for as long as the bridge lives.

    With a store they are also known to later bridges, and can be cancelled by others.
    """

    def __init__(self, store: RunStore | None = None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._live: set[Running] = set()
        self._by_id: OrderedDict[str, Running] = OrderedDict()
        self._watch: threading.Thread | None = None
        self._stopping = False

    def perform(self, call: Call, work: Callable[[Call], Answer]) -> Answer:
        """Answer a call; with its run's id when that takes longer than the caller waits."""
        running_call = Running(call)
        with self._lock:
            self._live.add(running_call)
            if self._stopping:
                running_call.cancel()
        signals = Signals(
            progress=running_call.say,
            cancelled=call.signals.cancelled,
            started=lambda begun: self._started(running_call, begun),
            logged=running_call.log_as,
        )
        inner = replace(call, signals=signals)
        thread = threading.Thread(
            target=self._work, args=(running_call, lambda: work(inner)), daemon=True
        )
        thread.start()
        answer = running_call.wait(call.signals.progress, call.signals.patience)
        return answer or Answer(running(str(running_call.run_id), state_of(running_call)))

    def get(self, run_id: str, principal: str) -> Running | StoredRun | None:
        """Return a call by the id of its run; nobody sees the runs of others."""
        with self._lock:
            found = self._by_id.get(run_id)
        if found is not None:
            return found if found.caller[0] == principal else None
        return self._store.find(run_id, principal) if self._store else None

    def cancel_elsewhere(self, run_id: str) -> None:
        """Ask the other process that has a run to end it."""
        if self._store is not None:
            self._store.cancel(run_id)

    def stop(self, seconds: float) -> bool:
        """Ask every call to end, also each that comes later; whether there was one.

        It returns when all have ended or the time is over.
        """
        with self._lock:
            self._stopping = True
            live = list(self._live)
        for each in live:
            each.cancel()
        deadline = time.monotonic() + seconds
        for each in live:
            each.ended.wait(max(0.0, deadline - time.monotonic()))
        return bool(live)

    def _started(self, call: Running, begun: Begun) -> None:
        if self._store is not None:
            principal, client = call.caller
            self._store.begin(
                begun.run_id,
                caller=(principal, clean_text(Redactor().text(client))),
                what=(call.tool, begun.operation, begun.risk),
                targets=begun.targets,
            )
        call.run_id, call.targets = begun.run_id, begun.targets
        call.runs[begun.run_id] = begun.risk != "read"
        with self._lock:
            self._by_id[begun.run_id] = call
            ended = [old for old, each in self._by_id.items() if each.ended.is_set()]
            for old in ended[: max(0, len(self._by_id) - KEPT)]:
                del self._by_id[old]
            if self._store is not None and self._watch is None:
                self._watch = threading.Thread(target=self._obey, args=(self._store,), daemon=True)
                self._watch.start()

    def _work(self, call: Running, do: Callable[[], Answer]) -> None:
        call.work(do, lambda: self._keep(call))
        with self._lock:
            self._live.discard(call)

    def _keep(self, call: Running) -> None:
        """Write down how a call ended. Its answer is given also when that is impossible."""
        if self._store is None or not call.runs:
            return
        body = call.answer.body if call.answer else failed("internal", DEFECT)
        try:
            self._store.end(call.runs, body, log=Redactor().text(call.log), how=call.how)
        except StoreBroken as error:
            _log.warning("the end of run %s is not kept: %s", call.run_id, error)

    def _obey(self, store: RunStore) -> None:
        """Cancel what other processes want to end, until no call is left."""
        while True:
            time.sleep(_LOOK)
            with self._lock:
                if not self._live:
                    self._watch = None
                    return
            try:
                asked = store.cancelled()
            except StoreBroken as error:
                _log.warning("%s", error)
                asked = []
            for run_id in asked:
                with self._lock:
                    found = self._by_id.get(run_id)
                if found is not None:
                    found.cancel()


def state_of(call: Running | StoredRun) -> dict[str, object]:
    """Return what is known of a call that has not ended."""
    return {
        "tool": call.tool,
        "targets": list(call.targets),
        "seconds": call.seconds,
        "doing": call.doing if isinstance(call, Running) else "runs in another process",
        "next": _FOLLOW,
    }
