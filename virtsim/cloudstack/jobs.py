# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous jobs: they start with an id, run on the virtual clock and end with a result."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.state import transaction
from .api import Call, command
from .errors import INTERNAL, PARAMETER, ApiError, invalid
from .model import Row

if TYPE_CHECKING:
    from .simulator import CloudStackSimulator

PENDING, DONE, FAILED = 0, 1, 2
SECONDS = {
    "deployVirtualMachine": 8.0,
    "startVirtualMachine": 4.0,
    "stopVirtualMachine": 5.0,
    "rebootVirtualMachine": 6.0,
    "destroyVirtualMachine": 4.0,
    "createVMSnapshot": 5.0,
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Jobs:
    """Start and finish the jobs of one simulator."""

    def __init__(self, sim: CloudStackSimulator) -> None:
        """Remember the simulator whose clock and faults count."""
        self._sim = sim

    def start(
        self,
        call: Call,
        key: str,
        effect: Callable[[], Any],
        *,
        created: str | None = None,
        undo: Callable[[], Any] | None = None,
    ) -> Row:
        """Start a job; `effect` runs at its end, `undo` after a failure.

        `effect` returns the object of the result (None: only a success), `created` is the id of
        the row that a create command has made already.
        """
        ident = self._ident(call)
        job: Row = {
            "id": ident,
            "cmd": f"org.apache.cloudstack.api.command.{call.command.name}Cmd",
            "command": call.command.name,
            "userid": call.user["id"],
            "accountid": call.user["accountid"],
            "status": PENDING,
            "created": call.stamp,
            "instanceid": created,
            "code": 0,
            "result": None,
        }
        call.state.tables["jobs"][ident] = job
        self._schedule(call, call.state.tables["jobs"][ident], key, effect, undo)
        return {**({"id": created} if created else {}), "jobid": ident}

    def _ident(self, call: Call) -> str:
        chosen = call.params.get("customjobid")
        if chosen is None:
            return call.state.new_id("jobs")
        if not _UUID.fullmatch(chosen):
            raise ApiError(PARAMETER, f"UUID: {chosen} doesn't fulfill the requirements")
        if chosen in call.state.tables["jobs"]:
            raise ApiError(PARAMETER, f"UUID: {chosen} already exists so can't create with it")
        return str(chosen)

    def _schedule(
        self, call: Call, job: Row, key: str, effect: Any, undo: Callable[[], Any] | None
    ) -> None:
        path = call.sim.path_of(call.command.name)
        if self._sim.faults.take("endless_job", "POST", path):
            return
        failing = self._sim.faults.take("fail_job", "POST", path)
        length = SECONDS.get(call.command.name, 2.0)

        def run() -> None:
            try:
                if failing:
                    text = str(failing.args.get("text", "virtsim: job failed on request"))
                    raise ApiError(int(failing.args.get("code", INTERNAL)), text)
                with transaction():
                    result = effect()
            except ApiError as error:
                if undo:
                    undo()
                self._finish(job, FAILED, error.code, _error(error))
                return
            self._finish(job, DONE, 0, {"success": True} if result is None else {key: result})

        self._sim.clock.schedule(length, run, name=job["id"])

    @staticmethod
    def _finish(job: Row, status: int, code: int, result: Row) -> None:
        job["status"], job["code"], job["result"] = status, code, result


def _error(error: ApiError) -> Row:
    return {"errorcode": error.code, "errortext": error.text}


def _view(job: Row) -> Row:
    shown = {
        "accountid": job["accountid"],
        "userid": job["userid"],
        "cmd": job["cmd"],
        "jobstatus": job["status"],
        "jobprocstatus": 0,
        "jobresultcode": job["code"],
        "created": job["created"],
        "jobid": job["id"],
    }
    if job["result"] is not None:
        shown |= {"jobresulttype": "object", "jobresult": job["result"]}
    if job["instanceid"]:
        shown |= {"jobinstancetype": "VirtualMachine", "jobinstanceid": job["instanceid"]}
    return shown


@command("queryAsyncJobResult")
def query(call: Call) -> Row:
    """Tell how a job goes."""
    wanted = call.params.get("jobid")
    job = call.state.tables["jobs"].get(wanted)
    hidden = call.sim.faults.take("unknown_job", "POST", call.sim.path_of(call.command.name))
    if job is None or hidden:
        raise invalid(call.command.name, "jobid", wanted)
    if job["accountid"] != call.user["accountid"] and call.user["role"] != "Admin":
        raise ApiError(531, "Account is not authorized to see job id")
    return _view(job)


@command("listAsyncJobs")
def list_jobs(call: Call) -> Row:
    """List the jobs of the caller that are pending."""
    rows = [
        job
        for job in call.state.rows("jobs")
        if job["status"] == PENDING and job["accountid"] == call.user["accountid"]
    ]
    return call.listed("asyncjobs", rows, lambda _call, job: _view(job))
