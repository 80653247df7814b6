# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, stopping, rebooting, destroying and recovering instances."""

from __future__ import annotations

from .api import Call, command
from .errors import PARAMETER, UNSUPPORTED, ApiError
from .model import Row
from .views import machine


@command("startVirtualMachine")
def start(call: Call) -> Row:
    """Start an instance; one that runs is left alone."""
    row = call.row("machines")
    if row["state"] not in ("Running", "Stopped"):
        raise _wrong_state(row, "start")

    def effect() -> Row:
        if row["state"] != "Running":
            row["state"] = "Running"
            row["hostid"] = call.params.get("hostid") or row["lasthostid"] or _first_host(call)
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("stopVirtualMachine")
def stop(call: Call) -> Row:
    """Stop an instance: by the guest, or at once when forced."""
    row = call.row("machines")
    if row["state"] not in ("Running", "Stopped") and not call.get("forced"):
        raise _wrong_state(row, "stop")

    def effect() -> Row:
        _halt(row)
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("rebootVirtualMachine")
def reboot(call: Call) -> Row:
    """Reboot an instance that runs."""
    row = call.row("machines")
    if row["state"] != "Running":
        text = f"Unable to reboot instance {row['name']}: it is not running (state {row['state']})"
        raise ApiError(PARAMETER, text)
    return call.job("virtualmachine", lambda: machine(call, row))


@command("destroyVirtualMachine")
def destroy(call: Call) -> Row:
    """Destroy an instance; it can be recovered until it is expunged."""
    row = call.row("machines")
    if row["deleteprotection"]:
        text = f"Instance [id = {row['id']}, name = {row['name']}] has delete protection enabled"
        raise ApiError(PARAMETER, f"{text} and cannot be deleted.")
    if call.get("expunge") and call.user["role"] == "User":
        raise ApiError(531, "Parameter expunge can be passed by Admin only")

    def effect() -> Row | None:
        _halt(row)
        for volume in _attached(call, row):
            if volume["id"] in call.get("volumeids", []):
                call.state.remove("volumes", volume["id"])
        row["state"] = "Destroyed"
        shown = machine(call, row)
        if call.get("expunge"):
            _expunge(call, row)
        return shown

    return call.job("virtualmachine", effect)


@command("expungeVirtualMachine")
def expunge(call: Call) -> Row:
    """Remove what is left of a destroyed instance."""
    row = call.row("machines")
    if row["state"] not in ("Destroyed", "Expunging", "Error"):
        text = f"Please destroy vm with specified ID {row['id']} before expunging it"
        raise ApiError(PARAMETER, text)
    return call.job("virtualmachine", lambda: _expunge(call, row))


@command("recoverVirtualMachine")
def recover(call: Call) -> Row:
    """Bring a destroyed instance back, stopped."""
    row = call.row("machines")
    if row["state"] != "Destroyed":
        raise ApiError(PARAMETER, f"unable to recover instance {row['name']}: not destroyed")
    row["state"] = "Stopped"
    return {"virtualmachine": machine(call, row)}


@command("migrateVirtualMachine")
def migrate(call: Call) -> Row:
    """Move an instance that runs to another host."""
    row = call.row("machines", "virtualmachineid")
    if row["state"] != "Running":
        raise ApiError(PARAMETER, "VM is not Running, unable to migrate the vm")
    host = call.params.get("hostid")
    if host is None:
        raise ApiError(UNSUPPORTED, "virtsim: migration without hostid is not modelled")
    if host == row["hostid"]:
        raise ApiError(PARAMETER, "Cannot migrate VM, destination host is the current one")

    def effect() -> Row:
        row["hostid"] = host
        return machine(call, row)

    return call.job("virtualmachine", effect)


def _halt(row: Row) -> None:
    row["lasthostid"] = row["hostid"] or row["lasthostid"]
    row["state"], row["hostid"] = "Stopped", None


def _expunge(call: Call, row: Row) -> None:
    for volume in _attached(call, row):
        if volume["type"] == "ROOT":
            call.state.remove("volumes", volume["id"])
        else:
            volume["virtualmachineid"] = volume["deviceid"] = None
    for snapshot in list(call.state.rows("machine_snapshots")):
        if snapshot["virtualmachineid"] == row["id"]:
            call.state.remove("machine_snapshots", snapshot["id"])
    call.state.remove("machines", row["id"])


def _attached(call: Call, row: Row) -> list[Row]:
    return [each for each in call.state.rows("volumes") if each["virtualmachineid"] == row["id"]]


def _first_host(call: Call) -> str:
    return str(next(iter(call.state.tables["hosts"])))


def _wrong_state(row: Row, verb: str) -> ApiError:
    return ApiError(530, f"Unable to {verb} instance {row['name']} in state {row['state']}")
