# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`run_get` and `run_cancel`: a call that takes longer than its caller waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..envelope import ok, running
from .running import KEPT, Running, Runs, state_of
from .spec import Call, Refusal, Schema, Tool, schema

_LONGEST_WAIT = 90
_LOG_LINES = 100
_STOP_SECONDS = 15.0
_POLL = 0.5
_RUN_ID: Schema = {
    "type": "string",
    "maxLength": 64,
    "description": "run_id of an answer",
}
_GET = schema(
    {
        "run_id": _RUN_ID,
        "wait": {
            "type": "integer",
            "minimum": 0,
            "maximum": _LONGEST_WAIT,
            "default": 0,
            "description": "seconds to wait for its end",
        },
        "show": {"type": "string", "enum": ["result", "log"], "default": "result"},
    },
    required=("run_id",),
)
_CANCEL = schema({"run_id": _RUN_ID}, required=("run_id",))


class _RunTools:
    """Answers from the bridge's own memory; no run is started."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def get(self, call: Call) -> Mapping[str, Any]:
        found = self._found(call)
        _wait(found, call, call.arguments.get("wait", 0))
        if call.arguments.get("show") == "log":
            lines = found.log.splitlines()[-_LOG_LINES:]
            status = "ok" if found.ended.is_set() else "running"
            return ok({"log": lines}, status=status, run_id=found.run_id)
        if found.ended.is_set() and found.answer is not None:
            return found.answer.body
        return running(str(found.run_id), state_of(found))

    def cancel(self, call: Call) -> Mapping[str, Any]:
        found = self._found(call)
        if found.ended.is_set():
            return ok({"tool": found.tool}, status="unchanged", run_id=found.run_id)
        found.cancel()
        _wait(found, call, _STOP_SECONDS)
        if not found.ended.is_set():
            return running(str(found.run_id), state_of(found))
        return ok({"tool": found.tool}, status="changed", run_id=found.run_id)

    def _found(self, call: Call) -> Running:
        run_id = call.arguments["run_id"]
        found = self._runs.get(run_id, call.caller.principal)
        if found is None:
            raise Refusal(
                "not_found",
                f"There is no run {run_id!r} of yours; the last {KEPT} since the start of this "
                "server are kept.",
                "Take the run_id from an answer. What a run did is also in the operator's audit.",
            )
        return found


def _wait(found: Running, call: Call, seconds: float) -> None:
    until = time.monotonic() + seconds
    said = ""
    while not found.ended.is_set() and not call.signals.cancelled.is_set():
        left = until - time.monotonic()
        if left <= 0:
            return
        if found.doing != said:
            said = found.doing
            call.signals.progress(said)
        found.ended.wait(min(left, _POLL))


def tools(runs: Runs) -> tuple[Tool, ...]:
    """Return the two tools in their order."""
    answers = _RunTools(runs)
    return (
        Tool(
            name="run_get",
            title="Get the answer of a run",
            description=(
                "Gives the answer of a call by its run_id, as that call would have, or status "
                "running. wait: waits for it. show: log gives what the run printed."
            ),
            input_schema=_GET,
            answer=answers.get,
            starts_run=False,
        ),
        Tool(
            name="run_cancel",
            title="Stop a run",
            description=(
                "Stops a running call. What the platform has begun may still be finished there: "
                "read the VM afterwards. unchanged when it had ended already."
            ),
            input_schema=_CANCEL,
            answer=answers.cancel,
            read_only=False,
            destructive=True,
            starts_run=False,
        ),
    )
