# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous jobs: they start with an id, run on the virtual clock and end with a result."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.state import transaction
from .api import Call, command
from .errors import CAPACITY, INTERNAL, PARAMETER, PERMISSION, ApiError, invalid, told
from .model import Row, stamp
from .scope import visible

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
_NEED_ROOM = frozenset(
    {
        "deployVirtualMachine",
        "migrateVirtualMachine",
        "restoreVirtualMachine",
        "scaleVirtualMachine",
        "startVirtualMachine",
    }
)
_KINDS = {
    "createAffinityGroup": "AffinityGroup",
    "createVMSnapshot": "VmSnapshot",
    "createVolume": "Volume",
    "deployVirtualMachine": "VirtualMachine",
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
        begin: Callable[[], Any] | None = None,
        undo: Callable[[], Any] | None = None,
    ) -> Row:
        """Start a job: `begin` runs at once, `effect` at its end, `undo` if that fails.

        What `begin` refuses fails the job and not the request, as with the real server, which
        looks at states only while it executes. `effect` returns the object of the result (None:
        only a success), `created` is the id of the row that a create command has made already.
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
            "completed": None,
        }
        call.state.tables["jobs"][ident] = job
        job = call.state.tables["jobs"][ident]
        if self._began(call, job, begin):
            self._schedule(call, job, key, effect, undo)
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

    def _began(self, call: Call, job: Row, begin: Callable[[], Any] | None) -> bool:
        try:
            with transaction():
                if begin:
                    begin()
        except ApiError as error:
            self._fail(call, job, error)
            return False
        return True

    def _schedule(
        self, call: Call, job: Row, key: str, effect: Any, undo: Callable[[], Any] | None
    ) -> None:
        path = call.sim.path_of(call.command.name)
        if self._sim.faults.take("endless_job", "POST", path):
            return
        failing = self._failure(call.command.name, path)
        length = SECONDS.get(call.command.name, 2.0)

        def run() -> None:
            try:
                if failing:
                    raise failing
                with transaction():
                    result = effect()
            except ApiError as error:
                if undo:
                    undo()
                self._fail(call, job, error)
                return
            self._finish(job, DONE, 0, {"success": True} if result is None else {key: result})

        self._sim.clock.schedule(length, run, name=job["id"])

    def _failure(self, command: str, path: str) -> ApiError | None:
        """Return the error with which a fault ends the job."""
        if command in _NEED_ROOM and self._sim.faults.take("capacity", "POST", path):
            return ApiError(CAPACITY, "Unable to create a deployment for VM instance")
        rule = self._sim.faults.take("fail_job", "POST", path)
        if rule is None:
            return None
        text = str(rule.args.get("text", "virtsim: job failed on request"))
        return ApiError(int(rule.args.get("code", INTERNAL)), text)

    def _fail(self, call: Call, job: Row, error: ApiError) -> None:
        text = told(error, call.user["role"])
        self._finish(job, FAILED, error.code, {"errorcode": error.code, "errortext": text})

    def _finish(self, job: Row, status: int, code: int, result: Row) -> None:
        job["status"], job["code"], job["result"] = status, code, result
        job["completed"] = stamp(self._sim.clock.now())


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
        shown["completed"] = job["completed"]
    if job["instanceid"]:
        kind = _KINDS.get(job["command"], "None")
        shown |= {"jobinstancetype": kind, "jobinstanceid": job["instanceid"]}
    return shown


@command("queryAsyncJobResult", "jobid")
def query(call: Call) -> Row:
    """Tell how a job goes."""
    wanted = call.params.get("jobid")
    job = call.state.tables["jobs"].get(wanted)
    hidden = call.sim.faults.take("unknown_job", "POST", call.sim.path_of(call.command.name))
    if job is None or hidden:
        raise invalid(call.command.name, "jobid", wanted)
    if job["accountid"] != call.user["accountid"] and call.user["role"] != "Admin":
        raise ApiError(PERMISSION, "Account is not authorized to see job id")
    return _view(job)


@command("listAsyncJobs", "listall page pagesize")
def list_jobs(call: Call) -> Row:
    """List the jobs of the caller that are pending; with listall those of everybody seen."""
    mine = call.user["accountid"]
    rows = [
        job
        for job in call.state.rows("jobs")
        if job["status"] == PENDING
        and (
            visible(call.state, call.user, job) if call.get("listall") else mine == job["accountid"]
        )
    ]
    return call.listed("asyncjobs", rows, lambda _call, job: _view(job))
