# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: listed, made, attached, grown, deleted."""

from __future__ import annotations

from . import rows as new
from .api import LIST, OWNER, Call, command, given, keyword, tagged
from .errors import INTERNAL, PARAMETER, ApiError, unmodelled
from .model import Row
from .scope import listed, owner_for
from .views import volume

_FILTERS = ("name", "type", "virtualmachineid", "zoneid", "state", "storageid", "diskofferingid")


@command("listVolumes", f"id ids tags retrieveonlyresourcecount {' '.join(_FILTERS)} {LIST}")
def list_volumes(call: Call) -> Row:
    """List volumes."""
    rows = [
        row
        for row in listed(call.state, call.user, "volumes", call.params)
        if given(call, row, *_FILTERS) and keyword(call, row, "name") and tagged(call, row)
    ]
    return call.listed("volume", rows, volume)


@command("createVolume", f"name diskofferingid size zoneid {OWNER}")
def create(call: Call) -> Row:
    """Create a data volume; it is allocated until it is attached."""
    owner = owner_for(call.state, call.user, call.params)
    offering = call.row("disk_offerings", "diskofferingid")
    size = call.params.get("size") if offering["iscustomized"] else offering["disksize"]
    if not size:
        raise ApiError(PARAMETER, "This disk offering requires a custom size specified")
    zone = call.row("zones", "zoneid")
    place = {**owner, "zoneid": zone["id"]}
    name = call.get("name", f"DATA-{call.state.count('data')}")
    row = new.volume(call.state, place, name, call.now, size=size * new.GIB, attached=False)
    row["diskofferingid"] = offering["id"]
    return call.job("volume", lambda: volume(call, row), created=row["id"])


@command("attachVolume", "id virtualmachineid deviceid")
def attach(call: Call) -> Row:
    """Attach a volume to an instance of the same owner."""
    row, machine = call.row("volumes"), call.row("machines", "virtualmachineid")

    def begin() -> None:
        _refuse_attached(row)
        if machine["state"] not in ("Running", "Stopped"):
            raise ApiError(PARAMETER, "Please specify a VM that is either running or stopped.")
        if row["accountid"] != machine["accountid"]:
            text = "Unable to attach the volume: it belongs to another account than the VM"
            raise ApiError(PARAMETER, text)
        if call.params.get("deviceid") in _taken(call, machine):
            text = f"deviceId {call.params['deviceid']} is used by vm {machine['id']}"
            raise ApiError(INTERNAL, text)

    def effect() -> Row:
        taken = _taken(call, machine)
        free = next(number for number in range(1, 64) if number not in taken)
        row["deviceid"] = call.get("deviceid", free)
        row["virtualmachineid"], row["state"] = machine["id"], "Ready"
        row["storageid"] = row["storageid"] or next(iter(call.state.tables["pools"]))
        return volume(call, row)

    return call.job("volume", effect, begin=begin)


def _taken(call: Call, machine: Row) -> set[int]:
    return {
        each["deviceid"]
        for each in call.state.rows("volumes")
        if each["virtualmachineid"] == machine["id"]
    }


def _refuse_attached(row: Row) -> None:
    if row["virtualmachineid"]:
        raise ApiError(PARAMETER, "Please specify a volume that is not attached to any VM.")


@command("detachVolume", "id")
def detach(call: Call) -> Row:
    """Detach a data volume."""
    row = call.row("volumes")
    if row["type"] == "ROOT":
        raise unmodelled("Detaching a root volume")

    def begin() -> None:
        if not row["virtualmachineid"]:
            raise ApiError(PARAMETER, "The specified volume is not attached to a VM.")

    def effect() -> Row:
        row["virtualmachineid"] = row["deviceid"] = None
        return volume(call, row)

    return call.job("volume", effect, begin=begin)


@command("resizeVolume", "id size shrinkok")
def resize(call: Call) -> Row:
    """Grow a volume; shrinking needs shrinkok, and a root volume never shrinks."""
    row = call.row("volumes")
    size = call.params.get("size")
    if size is None:
        raise unmodelled("Resizing by offering alone")

    def begin() -> None:
        if size * new.GIB < row["size"] and not (call.get("shrinkok") and row["type"] != "ROOT"):
            text = f"Going from existing size of {row['size']} to size of {size * new.GIB}"
            raise ApiError(
                PARAMETER, f"{text} would shrink the volume. Need to sign off by supplying shrinkok"
            )

    def effect() -> Row:
        row["size"] = size * new.GIB
        return volume(call, row)

    return call.job("volume", effect, begin=begin)


@command("updateVolume", "id name")
def update(call: Call) -> Row:
    """Rename a volume."""
    row = call.row("volumes")

    def effect() -> Row:
        row["name"] = call.get("name", row["name"])
        return volume(call, row)

    return call.job("volume", effect)


@command("deleteVolume", "id")
def delete(call: Call) -> Row:
    """Delete a volume that is not attached, at once."""
    row = call.row("volumes")
    _refuse_attached(row)
    call.state.remove("volumes", row["id"])
    return {"success": "true"}


@command("destroyVolume", "id expunge")
def destroy(call: Call) -> Row:
    """Destroy a volume; it is kept unless expunged."""
    row = call.row("volumes")

    def begin() -> None:
        _refuse_attached(row)

    def effect() -> Row:
        row["state"] = "Destroy"
        shown = volume(call, row)
        if call.get("expunge"):
            call.state.remove("volumes", row["id"])
        return shown

    return call.job("volume", effect, begin=begin)
