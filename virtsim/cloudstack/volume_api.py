# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: listed, made, attached, grown, deleted."""

from __future__ import annotations

from . import rows as new
from .api import Call, command, given, keyword, tagged
from .errors import PARAMETER, ApiError
from .model import Row
from .scope import listed, owner_for
from .views import volume


@command("listVolumes")
def list_volumes(call: Call) -> Row:
    """List volumes."""
    rows = [
        row
        for row in listed(call.state, call.user, "volumes", call.params)
        if given(call, row, "name", "type", "virtualmachineid", "zoneid", "state")
        and keyword(call, row, "name")
        and tagged(call, row)
    ]
    return call.listed("volume", rows, volume)


@command("createVolume")
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


@command("attachVolume")
def attach(call: Call) -> Row:
    """Attach a volume to an instance of the same owner."""
    row, machine = call.row("volumes"), call.row("machines", "virtualmachineid")
    if row["virtualmachineid"]:
        raise ApiError(PARAMETER, "Please specify a volume that is not attached to any VM.")

    def effect() -> Row:
        taken = {
            each["deviceid"]
            for each in call.state.rows("volumes")
            if each["virtualmachineid"] == machine["id"]
        }
        row["deviceid"] = next(number for number in range(1, 64) if number not in taken)
        row["virtualmachineid"], row["state"] = machine["id"], "Ready"
        row["storageid"] = row["storageid"] or next(iter(call.state.tables["pools"]))
        return volume(call, row)

    return call.job("volume", effect)


@command("detachVolume")
def detach(call: Call) -> Row:
    """Detach a data volume."""
    row = call.row("volumes")
    if not row["virtualmachineid"]:
        raise ApiError(PARAMETER, "The specified volume is not attached to a VM.")
    if row["type"] == "ROOT":
        raise ApiError(PARAMETER, "virtsim: detaching a root volume is not modelled")

    def effect() -> Row:
        row["virtualmachineid"] = row["deviceid"] = None
        return volume(call, row)

    return call.job("volume", effect)


@command("resizeVolume")
def resize(call: Call) -> Row:
    """Grow a volume; shrinking needs shrinkok, and a root volume never shrinks."""
    row = call.row("volumes")
    size = call.params.get("size")
    if size is None:
        raise ApiError(PARAMETER, "virtsim: resizing by offering alone is not modelled")
    if size * new.GIB < row["size"] and not (call.get("shrinkok") and row["type"] != "ROOT"):
        text = f"Going from existing size of {row['size']} to size of {size * new.GIB}"
        raise ApiError(
            PARAMETER, f"{text} would shrink the volume. Need to sign off by supplying shrinkok"
        )

    def effect() -> Row:
        row["size"] = size * new.GIB
        return volume(call, row)

    return call.job("volume", effect)


@command("updateVolume")
def update(call: Call) -> Row:
    """Rename a volume."""
    row = call.row("volumes")

    def effect() -> Row:
        row["name"] = call.get("name", row["name"])
        return volume(call, row)

    return call.job("volume", effect)


@command("deleteVolume")
def delete(call: Call) -> Row:
    """Delete a volume that is not attached, at once."""
    row = call.row("volumes")
    if row["virtualmachineid"]:
        raise ApiError(PARAMETER, "Please specify a volume that is not attached to any VM.")
    call.state.remove("volumes", row["id"])
    return {"success": "true"}


@command("destroyVolume")
def destroy(call: Call) -> Row:
    """Destroy a volume; it is kept unless expunged."""
    row = call.row("volumes")
    if row["virtualmachineid"]:
        raise ApiError(PARAMETER, "Please specify a volume that is not attached to any VM.")

    def effect() -> Row:
        row["state"] = "Destroy"
        shown = volume(call, row)
        if call.get("expunge"):
            call.state.remove("volumes", row["id"])
        return shown

    return call.job("volume", effect)
