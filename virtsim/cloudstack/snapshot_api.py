# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of instances."""

from __future__ import annotations

from .api import LIST, Call, command, given, keyword
from .errors import PARAMETER, ApiError
from .model import Row
from .scope import listed, owner_view
from .views import machine


@command("listVMSnapshot", f"vmsnapshotid vmsnapshotids virtualmachineid name state {LIST}")
def list_snapshots(call: Call) -> Row:
    """List snapshots; the name that is asked for is the one shown to people."""
    one = call.params.get("vmsnapshotid")
    wanted = [one] if one else call.get("vmsnapshotids")
    rows = [
        row
        for row in listed(call.state, call.user, "machine_snapshots", call.params)
        if given(call, row, "virtualmachineid", "state")
        and call.params.get("name") in (None, row["displayname"])
        and (not wanted or row["id"] in wanted)
        and keyword(call, row, "displayname")
    ]
    return call.listed("vmSnapshot", rows, _view)


@command("createVMSnapshot", "virtualmachineid name description snapshotmemory quiescevm")
def create(call: Call) -> Row:
    """Take a snapshot; the row is made at once."""
    row = call.row("machines", "virtualmachineid")
    if row["state"] not in ("Running", "Stopped"):
        text = f"Creating vm snapshot failed due to VM:{row['id']} is not in the running or Stopped"
        raise ApiError(PARAMETER, f"{text} state")
    if call.get("snapshotmemory") and row["state"] != "Running":
        text = "VM Snapshot memory cannot be taken of an instance that is not running"
        raise ApiError(PARAMETER, text)
    name = call.params.get("name") or f"{row['instancename']}_VS_{int(call.now)}"
    if any(each["displayname"] == name for each in _of(call, row["id"])):
        text = f"Creating vm snapshot failed due to snapshot with name {name} already exists"
        raise ApiError(PARAMETER, text)
    snapshot = call.state.add("machine_snapshots", _row(call, row, name))

    def effect() -> Row:
        for each in _of(call, row["id"]):
            each["current"] = False
        snapshot["state"], snapshot["current"] = "Ready", True
        return _view(call, snapshot)

    def undo() -> None:
        snapshot["state"] = "Error"

    return call.job("vmsnapshot", effect, created=snapshot["id"], undo=undo)


def _row(call: Call, row: Row, name: str) -> Row:
    parent = next((each for each in _of(call, row["id"]) if each["current"]), None)
    return {
        "displayname": name,
        "name": f"{row['instancename']}_VS_{int(call.now)}",
        "description": call.params.get("description"),
        "virtualmachineid": row["id"],
        "accountid": row["accountid"],
        "projectid": row["projectid"],
        "type": "DiskAndMemory" if call.get("snapshotmemory") else "Disk",
        "state": "Creating",
        "current": False,
        "parent": parent["id"] if parent else None,
        "memory": row["memory"],
        "cpunumber": row["cpunumber"],
        "serviceofferingid": row["serviceofferingid"],
        "created": call.stamp,
    }


@command("deleteVMSnapshot", "vmsnapshotid")
def delete(call: Call) -> Row:
    """Delete a snapshot; those above it move down."""
    snapshot = call.row("machine_snapshots", "vmsnapshotid")

    def effect() -> None:
        for each in _of(call, snapshot["virtualmachineid"]):
            if each["parent"] == snapshot["id"]:
                each["parent"] = snapshot["parent"]
        call.state.remove("machine_snapshots", snapshot["id"])

    return call.job("vmsnapshot", effect)


@command("revertToVMSnapshot", "vmsnapshotid")
def revert(call: Call) -> Row:
    """Bring an instance back; one with memory must run, one without must be stopped."""
    snapshot = call.row("machine_snapshots", "vmsnapshotid")
    row = call.state.get("machines", snapshot["virtualmachineid"])

    def begin() -> None:
        if row["state"] == "Running" and snapshot["type"] == "Disk":
            text = "VM Snapshot revert not allowed. This will result in VM state change. You can"
            raise ApiError(
                PARAMETER, f"{text} revert running VM to disk and memory type snapshot only."
            )

    def effect() -> Row:
        for name in ("memory", "cpunumber", "serviceofferingid"):
            row[name] = snapshot[name]
        for each in _of(call, row["id"]):
            each["current"] = each["id"] == snapshot["id"]
        if snapshot["type"] == "DiskAndMemory":
            row["state"] = "Running"
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


def _of(call: Call, ident: str) -> list[Row]:
    return [
        each for each in call.state.rows("machine_snapshots") if each["virtualmachineid"] == ident
    ]


def _view(call: Call, row: Row) -> Row:
    parent = call.state.get("machine_snapshots", row["parent"])
    instance = call.state.get("machines", row["virtualmachineid"])
    shown = {
        name: row[name]
        for name in (
            "id",
            "name",
            "displayname",
            "description",
            "virtualmachineid",
            "type",
            "state",
            "current",
            "parent",
            "created",
        )
    }
    shown |= {
        "virtualmachinename": instance.get("name"),
        "parentName": parent.get("displayname"),
        "zoneid": instance.get("zoneid"),
        **owner_view(call.state, row),
    }
    return {name: value for name, value in shown.items() if value is not None}
