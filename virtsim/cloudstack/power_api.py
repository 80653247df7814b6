# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, stopping, rebooting, migrating, destroying and recovering instances."""

from __future__ import annotations

from collections.abc import Callable

from .api import Call, command
from .errors import INTERNAL, PARAMETER, PERMISSION, ApiError, unmodelled
from .model import Row
from .views import machine


@command("startVirtualMachine", "id hostid")
def start(call: Call) -> Row:
    """Start an instance; one that runs is left alone."""
    row = call.row("machines")

    def begin() -> None:
        _require(row, "start", "Running", "Stopped")
        if row["state"] == "Stopped":
            row["state"] = "Starting"

    def effect() -> Row:
        if row["state"] != "Running":
            row["state"] = "Running"
            row["hostid"] = call.params.get("hostid") or row["lasthostid"] or first_host(call)
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


@command("stopVirtualMachine", "id forced")
def stop(call: Call) -> Row:
    """Stop an instance: by the guest, or at once when forced."""
    row = call.row("machines")

    def begin() -> None:
        known = ("Starting", "Stopping", "Error") if call.get("forced") else ()
        _require(row, "stop", "Running", "Stopped", *known)
        if row["state"] == "Running":
            row["state"] = "Stopping"

    def effect() -> Row:
        halt(row)
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


@command("rebootVirtualMachine", "id forced")
def reboot(call: Call) -> Row:
    """Reboot an instance that runs."""
    row = call.row("machines")

    def begin() -> None:
        if row["state"] != "Running":
            text = f"Unable to reboot instance {row['name']}: it is not running"
            raise ApiError(PARAMETER, f"{text} (state {row['state']})")

    return call.job("virtualmachine", lambda: machine(call, row), begin=begin)


@command("destroyVirtualMachine", "id expunge volumeids")
def destroy(call: Call) -> Row:
    """Destroy an instance; it can be recovered until it is expunged."""
    row = call.row("machines")
    extra = call.get("volumeids", [])

    def begin() -> None:
        if call.get("expunge") and call.user["role"] == "User":
            text = "Parameter expunge can be passed by Admin only. Or when the"
            raise ApiError(PERMISSION, f"{text} allow.user.expunge.recover.vm key is set.")
        if row["deleteprotection"]:
            text = f"Instance [id = {row['id']}, name = {row['name']}] has delete protection"
            raise ApiError(PARAMETER, f"{text} enabled and cannot be deleted.")
        _require(row, "destroy", "Running", "Stopped", "Error", "Destroyed")
        own = {volume["id"] for volume in attached(call, row) if volume["type"] != "ROOT"}
        if not own.issuperset(extra):
            text = "The following supplied volumes are not DATADISK attached to the VM:"
            raise ApiError(PARAMETER, f"{text} {'; '.join(sorted(set(extra) - own))}")
        if row["state"] == "Running":
            row["state"] = "Stopping"

    def effect() -> Row:
        halt(row)
        _detach_data(call, row)
        for ident in extra:
            call.state.get("volumes", ident)["state"] = "Destroy"
        row["state"] = "Destroyed"
        shown = machine(call, row)
        if call.get("expunge"):
            _expunge(call, row)
            for ident in extra:
                call.state.remove("volumes", ident)
        return shown

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


@command("expungeVirtualMachine", "id")
def expunge(call: Call) -> Row:
    """Remove what is left of a destroyed instance."""
    row = call.row("machines")

    def begin() -> None:
        if row["state"] not in ("Destroyed", "Expunging", "Error"):
            text = f"Please destroy vm with specified ID {row['id']} before expunging it"
            raise ApiError(PARAMETER, text)
        row["state"] = "Expunging"

    def effect() -> None:
        _expunge(call, row)

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


@command("recoverVirtualMachine", "id")
def recover(call: Call) -> Row:
    """Bring a destroyed instance back, stopped."""
    row = call.row("machines")
    if row["state"] != "Destroyed":
        raise ApiError(PARAMETER, f"unable to recover instance {row['name']}: not destroyed")
    row["state"] = "Stopped"
    return {"virtualmachine": machine(call, row)}


@command("migrateVirtualMachine", "virtualmachineid hostid")
def migrate(call: Call) -> Row:
    """Move an instance that runs to another host."""
    row = call.row("machines", "virtualmachineid")
    host = call.params.get("hostid")
    if host is None:
        raise unmodelled("Migration without hostid")

    def begin() -> None:
        if row["state"] != "Running":
            raise ApiError(PARAMETER, "VM is not Running, unable to migrate the vm")
        if host == row["hostid"]:
            raise ApiError(PARAMETER, "Cannot migrate VM, destination host is the current one")
        row["state"] = "Migrating"

    def effect() -> Row:
        row["hostid"], row["state"] = host, "Running"
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


def restoring(row: Row) -> Callable[[], None]:
    """Return what brings an instance back to the state that it has now."""
    before = row["state"]

    def undo() -> None:
        row["state"] = before

    return undo


def halt(row: Row) -> None:
    """Stop an instance; where it ran is remembered."""
    row["lasthostid"] = row["hostid"] or row["lasthostid"]
    row["state"], row["hostid"] = "Stopped", None


def attached(call: Call, row: Row) -> list[Row]:
    """Return the volumes of an instance."""
    return [each for each in call.state.rows("volumes") if each["virtualmachineid"] == row["id"]]


def first_host(call: Call) -> str:
    """Return the host on which what has never run is started."""
    return str(next(iter(call.state.tables["hosts"])))


def _detach_data(call: Call, row: Row) -> None:
    for volume in attached(call, row):
        if volume["type"] != "ROOT":
            volume["virtualmachineid"] = volume["deviceid"] = None


def _expunge(call: Call, row: Row) -> None:
    _detach_data(call, row)
    for volume in attached(call, row):
        call.state.remove("volumes", volume["id"])
    for snapshot in list(call.state.rows("machine_snapshots")):
        if snapshot["virtualmachineid"] == row["id"]:
            call.state.remove("machine_snapshots", snapshot["id"])
    call.state.remove("machines", row["id"])


def _require(row: Row, verb: str, *states: str) -> None:
    if row["state"] not in states:
        text = f"Unable to {verb} instance {row['name']} in state {row['state']}"
        raise ApiError(INTERNAL, text)
