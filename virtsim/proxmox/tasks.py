# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Background tasks: they start with a UPID, run on the virtual clock and end with a status."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.clock import Event
from ..core.state import transaction
from .errors import ApiError
from .model import Task

if TYPE_CHECKING:
    from .api import Call
    from .simulator import ProxmoxSimulator

Effect = Callable[[Task], None]
UPID = re.compile(
    r"UPID:([a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):"
    r"([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):"
)
SECONDS = {
    "qmclone": 8.0,
    "qmcreate": 3.0,
    "qmmove": 5.0,
    "qmreboot": 6.0,
    "qmshutdown": 5.0,
    "qmstart": 2.0,
    "vzdump": 20.0,
}


def well_formed(upid: str) -> bool:
    """Tell whether a text is a UPID."""
    return UPID.fullmatch(upid) is not None


class Worker:
    """Start, finish and stop tasks of one simulator."""

    def __init__(self, sim: ProxmoxSimulator) -> None:
        """Remember the simulator whose clock and faults count."""
        self._sim = sim
        self._running: dict[str, tuple[Event, Effect | None]] = {}

    def clear(self) -> None:
        """Forget what runs."""
        self._running.clear()

    def start(
        self,
        call: Call,
        kind: str,
        name: str,
        effect: Effect,
        *,
        undo: Effect | None = None,
        seconds: float | None = None,
    ) -> str:
        """Start a task; its effect takes place at its end, `undo` after a failure."""
        task = self._new(call, kind, name)
        length = SECONDS.get(kind, 1.0) if seconds is None else seconds
        method, path = call.operation.method, call.path
        failing = self._sim.faults.take("fail_task", method, path)
        warned = self._sim.faults.take("warn_task", method, path)
        endless = self._sim.faults.take("endless_task", method, path)
        if endless:
            return task.upid
        if failing:
            length *= float(failing.args.get("at", 50)) / 100
            text = str(failing.args.get("exitstatus", "virtsim: task failed on request"))

            def run() -> None:
                self._finish(task, text, undo)
        else:

            def run() -> None:
                self._apply(task, effect, undo, bool(warned))

        event = self._sim.clock.schedule(length, run, name=task.upid)
        self._running[task.upid] = (event, undo)
        return task.upid

    def _new(self, call: Call, kind: str, name: str) -> Task:
        state, now = call.state, int(call.now)
        pid = state.count("pid")
        upid = (
            f"UPID:{call.node}:{pid:08X}:{now % 0xFFFFFF:08X}:{now:08X}:{kind}:{name}:{call.user}:"
        )
        task = Task(upid, call.node, kind, name, call.user, pid, now % 0xFFFFFF, now)
        state.tasks[upid] = task
        return task

    def _apply(self, task: Task, effect: Effect, undo: Effect | None, warned: bool) -> None:
        try:
            with transaction():
                effect(task)
        except ApiError as error:
            self._finish(task, error.message.split("\n")[0], undo)
            return
        self._finish(task, "WARNINGS: 1" if warned or _warned(task) else "OK", None)

    def _finish(self, task: Task, status: str, undo: Effect | None) -> None:
        self._running.pop(task.upid, None)
        if undo:
            undo(task)
        task.endtime = int(self._sim.clock.now())
        task.exitstatus = status
        self._sim.state.ended.append(task.upid)
        failed = status != "OK" and not status.startswith("WARNINGS")
        task.log.append(f"TASK {'ERROR: ' if failed else ''}{status}")

    def stop(self, task: Task) -> None:
        """Interrupt a running task."""
        event, undo = self._running.pop(task.upid, (None, None))
        if event is not None:
            self._sim.clock.cancel(event)
        self._finish(task, "interrupted by signal", undo)


def _warned(task: Task) -> bool:
    return any(line.startswith("WARN") for line in task.log)
