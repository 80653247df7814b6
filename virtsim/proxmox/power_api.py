# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power of a guest: status, start, stop and what lies between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import pending
from .api import Call, operation
from .errors import ApiError
from .guest_config import check_lock
from .guest_view import status_row
from .model import Guest, Task

CLEANUP_SECONDS = 1.0
STATUS = "/nodes/{node}/qemu/{vmid}/status"


@operation(f"GET {STATUS}")
def status_index(call: Call) -> Any:
    """List what can be asked and done."""
    call.guest()
    names = ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")
    return [{"subdir": name} for name in names]


@operation(f"GET {STATUS}/current")
def current(call: Call) -> Any:
    """Show the present state."""
    call.sim.clock.poll()
    guest = call.guest()
    row = status_row(call, guest)
    row["ha"] = {"managed": 0}
    if guest.running:
        row |= {"running-machine": "pc-i440fx-9.2+pve1", "running-qemu": "9.2.0"}
    return row


def boot(call: Call, guest: Guest) -> None:
    """Start the process of a guest with all that waited for it."""
    pending.apply(guest, call.sim.disks)
    guest.status, guest.paused, guest.started = "running", False, call.now
    guest.pid = call.state.count("pid")
    guest.conf.pop("lock", None) if guest.conf.get("lock") == "suspended" else None
    guest.conf.pop("vmstate", None)


def halt(call: Call, guest: Guest) -> None:
    """End the process of a guest; what waited takes effect."""
    guest.status, guest.paused, guest.started = "stopped", False, 0.0
    pending.apply(guest, call.sim.disks)


def _found(call: Call) -> Guest:
    """Find the guest inside a task, where a missing one is a failed task."""
    return call.guest()


def _lock(call: Call, guest: Guest) -> None:
    if guest.conf.get("lock") != "suspended":
        check_lock(guest, call)


def _skiplock(call: Call) -> None:
    if call.flag("skiplock"):
        call.root_only(f"/vms/{call.vmid}, VM.PowerMgmt")


@operation(f"POST {STATUS}/start")
def start(call: Call) -> Any:
    """Start a guest."""
    _skiplock(call)

    def effect(_task: Task) -> None:
        guest = _found(call)
        _lock(call, guest)
        if guest.template:
            raise ApiError("you can't start a vm if it's a template\n")
        if guest.running:
            raise ApiError(f"VM {guest.vmid} already running\n")
        boot(call, guest)

    return call.sim.worker.start(call, "qmstart", str(call.vmid), effect)


@operation(f"POST {STATUS}/stop")
def stop(call: Call) -> Any:
    """Cut the power; a stopped guest is fine, too."""
    _skiplock(call)

    def effect(_task: Task) -> None:
        guest = _found(call)
        _lock(call, guest)
        if guest.running:
            halt(call, guest)

    return call.sim.worker.start(call, "qmstop", str(call.vmid), effect)


@operation(f"POST {STATUS}/shutdown")
def shutdown(call: Call) -> Any:
    """Ask the guest to go; a deaf one needs `forceStop`."""
    _skiplock(call)

    def effect(task: Task) -> None:
        guest = _found(call)
        _lock(call, guest)
        if not guest.running:
            raise ApiError(f"VM {guest.vmid} not running\n")
        if _deaf(guest):
            if not call.flag("forceStop"):
                raise ApiError("VM quit/powerdown failed - got timeout\n")
            task.log.append("VM quit/powerdown failed - terminating now with SIGTERM")
        halt(call, guest)

    seconds = None
    known = call.state.guests.get(call.vmid)
    if known is not None and _deaf(known):
        seconds = float(call.params.get("timeout", 180))
    return call.sim.worker.start(call, "qmshutdown", str(call.vmid), effect, seconds=seconds)


def _deaf(guest: Guest) -> bool:
    """Tell whether the guest ignores requests (seeded guests without system do)."""
    return bool(guest.agent and guest.agent.get("deaf"))


@operation(f"POST {STATUS}/reboot")
def reboot(call: Call) -> Any:
    """Shut down; the node's cleanup then starts the guest again, in a task of its own."""

    def effect(_task: Task) -> None:
        guest = _found(call)
        _lock(call, guest)
        if not guest.running:
            raise ApiError(f"VM {guest.vmid} not running\n")
        if _deaf(guest):
            raise ApiError("VM quit/powerdown failed - got timeout\n")
        if call.sim.faults.take("idle_reboot", "POST", call.path):
            return
        halt(call, guest)
        call.sim.clock.schedule(CLEANUP_SECONDS, again, name="cleanup")

    def again() -> None:
        fails = call.sim.faults.take("fail_start", "POST", call.path)

        def start_again(_task: Task) -> None:
            if fails:
                raise ApiError("start failed: virtsim: asked to fail\n")
            boot(call, _found(call))

        path = call.path.removesuffix("reboot") + "start"
        cleanup = replace(call, user="root@pam", path=path)
        call.sim.worker.start(cleanup, "qmstart", str(call.vmid), start_again)

    return call.sim.worker.start(call, "qmreboot", str(call.vmid), effect)


@operation(f"POST {STATUS}/reset")
def reset(call: Call) -> Any:
    """Press the reset button: nothing that waits is applied."""
    _skiplock(call)
    guest = call.guest()
    _require_running(guest)

    def effect(_task: Task) -> None:
        _lock(call, guest)
        guest.started = call.now

    return call.sim.worker.start(call, "qmreset", str(call.vmid), effect)


@operation(f"POST {STATUS}/suspend")
def suspend(call: Call) -> Any:
    """Pause a guest, or write its state to disk and stop it."""
    _skiplock(call)
    guest, to_disk = call.guest(), call.flag("todisk")
    _require_running(guest)

    def effect(_task: Task) -> None:
        check_lock(guest, call)
        if to_disk:
            guest.status, guest.paused = "stopped", False
            guest.conf["lock"] = "suspended"
        else:
            guest.paused = True

    kind = "qmsuspend" if to_disk else "qmpause"
    return call.sim.worker.start(call, kind, str(call.vmid), effect)


@operation(f"POST {STATUS}/resume")
def resume(call: Call) -> Any:
    """Let a paused or suspended guest go on."""
    _skiplock(call)
    guest = call.guest()
    if not guest.running and guest.conf.get("lock") != "suspended":
        raise ApiError(f"VM {guest.vmid} not running\n")

    def effect(_task: Task) -> None:
        if guest.conf.get("lock") == "suspended":
            boot(call, guest)
        guest.paused = False

    return call.sim.worker.start(call, "qmresume", str(call.vmid), effect)


def _require_running(guest: Guest) -> None:
    if not guest.running:
        raise ApiError(f"VM {guest.vmid} not running\n")
