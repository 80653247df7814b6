# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of a node: list, status, log, stop."""

from __future__ import annotations

from typing import Any

from .api import Call, operation
from .errors import BAD_PARAMETERS, ApiError
from .model import Task
from .tasks import well_formed

TASKS = "/nodes/{node}/tasks"
ONE = f"{TASKS}/{{upid}}"


def _owner(task: Task) -> str:
    return task.user.partition("!")[0]


def _visible(call: Call, task: Task) -> bool:
    mine = _owner(task) == call.user.partition("!")[0]
    return mine or call.may(f"/nodes/{task.node}", "Sys.Audit")


def _kind(status: str | None) -> str:
    if status is None:
        return "unknown"
    if status == "OK":
        return "ok"
    return "warning" if status.startswith("WARNINGS: ") else "error"


@operation("GET /cluster/tasks")
def cluster_tasks(call: Call) -> Any:
    """List recent tasks of all nodes."""
    call.sim.clock.settle()
    rows = [_row(t) for t in call.state.tasks.values() if _visible(call, t)]
    return sorted(rows, key=lambda r: r["starttime"], reverse=True)[:25]


def _row(task: Task) -> dict[str, Any]:
    row = task.row()
    owner, _, token = task.user.partition("!")
    row["user"] = owner
    if token:
        row["tokenid"] = token
    return row


@operation(f"GET {TASKS}")
def tasks(call: Call) -> Any:
    """List tasks of a node, newest first."""
    params, source = call.params, call.text("source") or "archive"
    running = [t for t in call.state.tasks.values() if t.endtime is None]
    ended = [call.state.tasks[upid] for upid in reversed(call.state.ended)]
    found = []
    for task in (*reversed(running), *ended):
        done = task.endtime is not None
        if task.node != call.node or not _visible(call, task):
            continue
        if (source == "archive" and not done) or (source == "active" and done):
            continue
        if _matches(call, task):
            found.append(task)
    start, limit = int(params.get("start", 0)), int(params.get("limit", 50))
    call.extra["total"] = len(found)
    return [_row(t) for t in found[start : start + limit]]


def _matches(call: Call, task: Task) -> bool:
    params = call.params
    wanted_states = [w for w in str(params.get("statusfilter", "")).split(",") if w]
    return (
        ("vmid" not in params or task.id == str(params["vmid"]))
        and ("typefilter" not in params or task.type == params["typefilter"])
        and ("userfilter" not in params or str(params["userfilter"]) in task.user)
        and (not call.flag("errors") or task.exitstatus != "OK")
        and (not wanted_states or _kind(task.exitstatus) in wanted_states)
        and task.starttime >= int(params.get("since", 0))
        and ("until" not in params or task.starttime <= int(params["until"]))
    )


def _upid(call: Call) -> str:
    upid = str(call.params["upid"])
    if not well_formed(upid):
        raise ApiError(BAD_PARAMETERS, 400, {"upid": "unable to parse worker upid"})
    return upid


def _find(call: Call) -> Task:
    task = call.state.tasks.get(_upid(call))
    if task is None or call.sim.faults.take("unknown_task", call.operation.method, call.path):
        raise ApiError(BAD_PARAMETERS, 400, {"upid": "no such task"})
    if not _visible(call, task):
        call.need(f"/nodes/{call.node}", ["Sys.Audit"])
    return task


@operation(f"GET {ONE}")
def task_index(call: Call) -> Any:
    """List what a task offers."""
    _upid(call)
    return [{"name": "log"}, {"name": "status"}]


@operation(f"GET {ONE}/status")
def task_status(call: Call) -> Any:
    """Show whether a task runs and how it ended."""
    task = _find(call)
    if task.endtime is None:
        call.sim.clock.poll()
    row = _row(task)
    row.pop("endtime", None)
    row["status"] = "running" if task.endtime is None else "stopped"
    if task.endtime is not None:
        row["exitstatus"] = task.exitstatus
    return row


@operation(f"GET {ONE}/log")
def task_log(call: Call) -> Any:
    """Show lines of a task's log."""
    task = call.state.tasks.get(_upid(call))
    if task is not None and not _visible(call, task):
        call.need(f"/nodes/{call.node}", ["Sys.Audit"])
    absent = ["unable to open file - No such file or directory"]
    lines = absent if task is None else task.log
    start, limit = int(call.params.get("start", 0)), int(call.params.get("limit", 50))
    call.extra["total"] = len(lines)
    rows = [{"n": n, "t": line} for n, line in enumerate(lines, 1)]
    if start == 0 and not rows:
        return [{"n": 1, "t": "no content"}]
    return rows[start:] if limit == 0 else rows[start : start + limit]


@operation(f"DELETE {ONE}")
def task_stop(call: Call) -> None:
    """Stop a task; one that ended is left alone."""
    upid = _upid(call)
    task = call.state.tasks.get(upid)
    if task is None:
        return
    if _owner(task) != call.user.partition("!")[0]:
        call.need(f"/nodes/{call.node}", ["Sys.Modify"])
    if task.endtime is None:
        call.sim.worker.stop(task)
