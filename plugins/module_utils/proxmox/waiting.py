# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Proxmox VE tasks: their ids, and waiting for their end.

A task has succeeded when its exit status is ``OK`` or ``WARNINGS: n`` (pve-common UPID.pm); it is
asked of the node that its id names, which need not be the one that was called.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.errors import Unavailable, ValidationFailed, WaitTimeout
from .errors import task_error

if TYPE_CHECKING:
    from .api import Client

_UPID = re.compile(
    r"UPID:(?P<node>[^:]+):(?P<pid>[0-9A-Fa-f]{8,}):(?P<pstart>[0-9A-Fa-f]{8,9}):"
    r"(?P<start>[0-9A-Fa-f]{8,}):(?P<type>[^:]+):(?P<id>[^:]*):(?P<user>[^:]+):"
)
_INTERVALS = (0.1, 0.2, 0.5, 1.0, 2.0)
_LOG_LINES = 20


@dataclass(frozen=True)
class Upid:
    """The parts of a task's id that matter here. ``start`` is in seconds since the epoch."""

    text: str
    node: str
    type: str
    id: str
    user: str
    start: int


def is_upid(value: Any) -> bool:
    """Return whether an answer is the id of a task."""
    return isinstance(value, str) and _UPID.fullmatch(value) is not None


def parse_upid(text: str) -> Upid:
    """Return the parts of a task's id; ValidationFailed when it is none."""
    found = _UPID.fullmatch(text)
    if not found:
        raise ValidationFailed(f"{text!r} is not the id of a Proxmox VE task (UPID:node:…).")
    return Upid(
        text,
        found["node"],
        found["type"],
        found["id"],
        found["user"],
        int(found["start"], 16),
    )


def succeeded(exitstatus: str) -> bool:
    """Return whether a task's exit status is a success, with or without warnings."""
    return exitstatus == "OK" or re.fullmatch(r"WARNINGS: \d+", exitstatus) is not None


def wait_until(seen: Callable[[], bool], timeout: float) -> bool:
    """Ask ``seen`` until it is true, at least once; return whether it was within ``timeout``."""
    ends = time.monotonic() + timeout
    turn = 0
    while not seen():
        if time.monotonic() >= ends:
            return False
        _pause(turn, ends)
        turn += 1
    return True


def _pause(turn: int, ends: float) -> None:
    """Sleep before the next look: shortly at first, never beyond ``ends``."""
    pause = _INTERVALS[min(turn, len(_INTERVALS) - 1)]
    time.sleep(max(0.0, min(pause, ends - time.monotonic())))


def wait_for_task(client: Client, text: str, timeout: float, request: str) -> None:
    """Return when the task has succeeded; warn of its warnings.

    Raises OperationFailed (or Locked, Conflict …) with the last log lines, WaitTimeout after
    ``timeout`` seconds. An unreachable node is asked again until then.
    """
    upid = parse_upid(text)
    ends = time.monotonic() + timeout
    turn = 0
    while True:
        status = _status(client, upid, ends)
        if status and status.get("status") == "stopped":
            _conclude(client, upid, str(status.get("exitstatus", "")), request)
            return
        if time.monotonic() >= ends:
            raise WaitTimeout(
                f"{request} was accepted but has not ended within {timeout:g} s. It goes on as "
                f"task {text}; wait for it, or run this again with a longer wait_timeout.",
                request=request,
            )
        _pause(turn, ends)
        turn += 1


def _status(client: Client, upid: Upid, ends: float) -> dict[str, Any] | None:
    try:
        status = client.get(f"/nodes/{upid.node}/tasks/{upid.text}/status")
    except Unavailable:
        if time.monotonic() >= ends:
            raise
        return None
    return status if isinstance(status, dict) else None


def _conclude(client: Client, upid: Upid, exitstatus: str, request: str) -> None:
    if exitstatus == "OK":
        return
    log = _last_lines(client, upid)
    if not succeeded(exitstatus):
        raise task_error(exitstatus, upid.text, log, request)
    client.warn(f"{request} ended with {exitstatus.lower()}: {' | '.join(log[-5:])}")


def _last_lines(client: Client, upid: Upid) -> tuple[str, ...]:
    where = f"/nodes/{upid.node}/tasks/{upid.text}/log"
    try:
        body = client.read(where, {"limit": _LOG_LINES})
        total = int(body.get("total") or 0)
        if total > _LOG_LINES:
            body = client.read(where, {"start": total - _LOG_LINES, "limit": _LOG_LINES})
    except Unavailable:
        return ()
    return tuple(str(line.get("t", "")) for line in body.get("data") or ())
