# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .api import Call, operation
from .config_text import digest
from .errors import ApiError, missing
from .guest_config import check_lock, typed
from .model import Guest, Task

SNAPSHOT = "/nodes/{node}/qemu/{vmid}/snapshot"
ONE = f"{SNAPSHOT}/{{snapname}}"
# What a snapshot adds to the configuration it keeps.
OWN = frozenset({"description", "parent", "snaptime", "vmstate", "snapstate", "runningmachine"})


def _find(guest: Guest, name: str) -> dict[str, str]:
    if name not in guest.snapshots:
        raise missing(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


@operation(f"GET {SNAPSHOT}")
def snapshots(call: Call) -> Any:
    """List snapshots and the present as `current`."""
    guest = call.guest()
    rows = [_row(name, snap) for name, snap in guest.snapshots.items()]
    here: dict[str, Any] = {
        "name": "current",
        "description": "You are here!",
        "digest": digest(guest),
        "running": int(guest.running),
    }
    if "parent" in guest.conf:
        here["parent"] = guest.conf["parent"]
    return [*rows, here]


def _row(name: str, snap: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "description": snap.get("description", "").removesuffix("\n"),
        "snaptime": int(snap.get("snaptime", "0")),
        "vmstate": int("vmstate" in snap),
    }
    if "parent" in snap:
        row["parent"] = snap["parent"]
    if "snapstate" in snap:
        row["snapstate"] = snap["snapstate"]
    return row


@operation(f"POST {SNAPSHOT}")
def snapshot_create(call: Call) -> Any:
    """Take a snapshot."""
    name = str(call.params["snapname"])
    if name in {"current", "pending"}:
        raise ApiError(f"unable to use snapshot name '{name}' (reserved name)\n")

    def effect(_task: Task) -> None:
        guest = call.guest()
        check_lock(guest, call)
        if name in guest.snapshots:
            raise ApiError(f"snapshot name '{name}' already used\n")
        kept = {k: v for k, v in guest.conf.items() if k not in OWN and k != "lock"}
        kept = {k: v for k, v in kept.items() if not k.startswith("unused")}
        kept["snaptime"] = str(int(call.now))
        if "parent" in guest.conf:
            kept["parent"] = guest.conf["parent"]
        if call.text("description"):
            kept["description"] = str(call.params["description"])
        if call.flag("vmstate") and guest.running:
            kept["vmstate"] = f"{_state_storage(call)}:vm-{guest.vmid}-state-{name}"
        guest.snapshots[name] = kept
        guest.conf["parent"] = name

    return call.sim.worker.start(call, "qmsnapshot", str(call.vmid), effect)


def _state_storage(call: Call) -> str:
    images = (n for n, row in call.state.storages.items() if "images" in row["content"])
    return next(images, "local")


@operation(f"GET {ONE}")
def snapshot_index(call: Call) -> Any:
    """List what a snapshot offers."""
    _find(call.guest(), str(call.params["snapname"]))
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@operation(f"GET {ONE}/config")
def snapshot_config(call: Call) -> Any:
    """Show the configuration a snapshot keeps."""
    snap = _find(call.guest(), str(call.params["snapname"]))
    return {k: typed(call, k, v) for k, v in snap.items()}


@operation(f"PUT {ONE}/config")
def snapshot_update(call: Call) -> None:
    """Change the description of a snapshot."""
    snap = _find(call.guest(), str(call.params["snapname"]))
    text = call.text("description")
    if text:
        snap["description"] = text
    elif text is not None:
        snap.pop("description", None)


@operation(f"DELETE {ONE}")
def snapshot_delete(call: Call) -> Any:
    """Remove a snapshot; its children take over its parent."""
    name = str(call.params["snapname"])

    def effect(_task: Task) -> None:
        guest = call.guest()
        check_lock(guest, call)
        gone = _find(guest, name)
        parent = gone.get("parent")
        for conf in (guest.conf, *guest.snapshots.values()):
            if conf.get("parent") == name:
                conf.pop("parent")
                if parent:
                    conf["parent"] = parent
        guest.snapshots.pop(name)

    return call.sim.worker.start(call, "qmdelsnapshot", str(call.vmid), effect)


@operation(f"POST {ONE}/rollback")
def rollback(call: Call) -> Any:
    """Go back to a snapshot."""
    name = str(call.params["snapname"])

    def effect(_task: Task) -> None:
        guest = call.guest()
        check_lock(guest, call)
        if guest.template:
            raise ApiError("unable to rollback a template\n")
        _restore(call, guest, name, _find(guest, name))

    return call.sim.worker.start(call, "qmrollback", str(call.vmid), effect)


def _restore(call: Call, guest: Guest, name: str, snap: dict[str, str]) -> None:
    disks = call.sim.disks
    before = [v for _, v in disks.volumes(guest.conf)]
    unused = {k: v for k, v in guest.conf.items() if k.startswith("unused")}
    guest.conf.clear()
    guest.conf.update({k: v for k, v in snap.items() if k not in OWN} | unused)
    guest.conf["parent"] = name
    guest.pending.clear()
    for volume in before:
        if "-cloudinit" not in volume:
            disks.park(guest, volume)
    guest.paused = False
    runs = "vmstate" in snap or call.flag("start")
    guest.status, guest.started = ("running", call.now) if runs else ("stopped", 0.0)
