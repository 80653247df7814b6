# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`run_get` and `run_cancel`: a call that takes longer than its caller waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..envelope import failed, ok, running
from ..run_store import StoredRun
from .running import DEFECT, Running, Runs, state_of
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
    """Answers from what the bridge remembers; no run is started."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def get(self, call: Call) -> Mapping[str, Any]:
        found = self._wait(self._found(call), call, call.arguments.get("wait", 0))
        if call.arguments.get("show") == "log":
            lines = found.log.splitlines()[-_LOG_LINES:]
            status = "ok" if _ended(found) else "running"
            return ok({"log": lines}, status=status, run_id=found.run_id)
        return _answer(found)

    def cancel(self, call: Call) -> Mapping[str, Any]:
        found = self._found(call)
        if _ended(found):
            return ok({"tool": found.tool}, status="unchanged", run_id=found.run_id)
        if isinstance(found, Running):
            found.cancel()
        else:
            self._runs.cancel_elsewhere(found.run_id)
        found = self._wait(found, call, _STOP_SECONDS)
        if not _ended(found):
            return _answer(found)
        return ok({"tool": found.tool}, status="changed", run_id=found.run_id)

    def _found(self, call: Call) -> Running | StoredRun:
        run_id = call.arguments["run_id"]
        found = self._runs.get(run_id, call.caller.principal)
        if found is None:
            raise Refusal(
                "not_found",
                f"There is no run {run_id!r} of yours, or it is no longer kept.",
                "Take the run_id from an answer. What a run did is also in the operator's audit.",
            )
        return found

    def _wait(self, found: Running | StoredRun, call: Call, seconds: float) -> Running | StoredRun:
        """Wait for the end; return what is known then."""
        until = time.monotonic() + seconds
        said = ""
        while not _ended(found) and not call.signals.cancelled.is_set():
            left = until - time.monotonic()
            if left <= 0:
                break
            if isinstance(found, StoredRun):
                call.signals.cancelled.wait(min(left, _POLL))
                found = self._found(call)
                continue
            if found.doing != said:
                said = found.doing
                call.signals.progress(said)
            found.ended.wait(min(left, _POLL))
        return found


def _ended(found: Running | StoredRun) -> bool:
    return found.state != "running" if isinstance(found, StoredRun) else found.ended.is_set()


def _answer(found: Running | StoredRun) -> Mapping[str, Any]:
    """Return the answer of a call, or that it still runs, or that nobody knows its end."""
    if not _ended(found):
        return running(str(found.run_id), state_of(found))
    if isinstance(found, Running):
        return found.answer.body if found.answer else failed("internal", DEFECT)
    return found.answer or _lost(found)


def _lost(found: StoredRun) -> Mapping[str, Any]:
    where = ", ".join(found.targets)
    if found.risk == "read":
        return failed(
            "uncertain",
            f"The bridge ended before {found.tool} on {where} did. It only read: nothing changed.",
            next_step=f"Call {found.tool} again.",
            run_id=found.run_id,
        )
    return failed(
        "uncertain",
        f"The bridge ended before {found.tool} on {where} did, so nobody knows whether "
        f"{found.operation} was applied there. It is never run again by itself.",
        next_step="Read the object (vm_get, or vm_list) before you do anything again.",
        run_id=found.run_id,
    )


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
