# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of instances that are jobs, most of them only while the instance is stopped."""

from __future__ import annotations

from .api import OWNER, Call, command
from .deploy_api import GENERATED, check_size, group_ids, key_names, usable
from .errors import INTERNAL, PARAMETER, ApiError
from .model import Row
from .power_api import attached, restoring
from .rows import GIB, add_nic, volume
from .scope import owner_for
from .views import machine


@command("scaleVirtualMachine", "id serviceofferingid details")
def scale(call: Call) -> Row:
    """Give an instance another size; one that runs must be dynamically scalable, and only grows."""
    row = call.row("machines")
    offering = call.row("service_offerings", "serviceofferingid")
    size: Row = {}

    def begin() -> None:
        size.update(check_size(offering, call.get("details", {})))
        if row["state"] not in ("Running", "Stopped"):
            raise ApiError(PARAMETER, f"Unable to scale instance in state {row['state']}")
        if row["state"] == "Running":
            _check_live(row, size)

    def effect() -> Row:
        row["serviceofferingid"] = offering["id"]
        row.update(size)
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


def _check_live(row: Row, size: Row) -> None:
    if not row["isdynamicallyscalable"]:
        text = f"Unable to scale vm: {row['name']} is not dynamically scalable"
        raise ApiError(PARAMETER, text)
    if size["cpunumber"] < row["cpunumber"] or size["memory"] < row["memory"]:
        text = "Only scaling up the vm is supported, new service offering should have both cpu"
        raise ApiError(PARAMETER, f"{text} and memory greater than the old values")


@command("updateVMAffinityGroup", "id affinitygroupids affinitygroupnames")
def regroup(call: Call) -> Row:
    """Set the affinity groups of a stopped instance."""
    row = call.row("machines")
    groups = call.get("affinitygroupids") or group_ids(call, call.get("affinitygroupnames", []))

    def begin() -> None:
        if row["state"] != "Stopped":
            text = f"Unable to update affinity groups of the virtual machine {row['name']}"
            raise ApiError(
                PARAMETER,
                f"{text} in state {row['state']}; make sure the virtual machine is stopped and not "
                "in an error state before updating.",
            )

    def effect() -> Row:
        row["affinitygroupids"] = groups
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


@command("resetSSHKeyForVirtualMachine", f"id keypair keypairs {OWNER}")
def reset_key(call: Call) -> Row:
    """Put other key pairs into a stopped instance."""
    row = call.row("machines")

    def begin() -> None:
        if row["state"] != "Stopped":
            raise ApiError(PARAMETER, f"Vm {row['name']} should be stopped to do SSH Key reset")
        if not key_names(call):
            raise ApiError(PARAMETER, "'keypair' or 'keypairs' must be specified")

    def effect() -> Row:
        row["keypairs"] = key_names(call)
        return {**machine(call, row), **_password(call, row)}

    return call.job("virtualmachine", effect, begin=begin)


@command("resetPasswordForVirtualMachine", "id password")
def reset_password(call: Call) -> Row:
    """Give a stopped instance a new password; its template must be made for that."""
    row = call.row("machines")

    def begin() -> None:
        if not _password(call, row):
            text = "Fail to reset password for the Instance, the Template is not password enabled"
            raise ApiError(PARAMETER, text)
        if row["state"] != "Stopped":
            raise ApiError(PARAMETER, f"Vm {row['name']} should be stopped to do password reset")

    def effect() -> Row:
        return {**machine(call, row), "password": call.get("password") or GENERATED}

    return call.job("virtualmachine", effect, begin=begin)


def _password(call: Call, row: Row) -> Row:
    template = call.state.get("templates", row["templateid"])
    return {"password": GENERATED} if template.get("passwordenabled") else {}


@command("restoreVirtualMachine", "virtualmachineid templateid rootdisksize expunge")
def restore(call: Call) -> Row:
    """Make the root disk new from a template; what runs is stopped and started for it."""
    row = call.row("machines", "virtualmachineid")
    template = call.row("templates", "templateid") if call.get("templateid") else {}
    before: Row = {}

    def begin() -> None:
        if row["state"] not in ("Running", "Stopped"):
            text = f"Vm {row['id']} currently in {row['state']} state, restore vm can only execute"
            raise ApiError(INTERNAL, f"{text} when VM in Running or Stopped")
        if any(s["virtualmachineid"] == row["id"] for s in call.state.rows("machine_snapshots")):
            text = (
                f"Unable to restore VM, please remove VM snapshots before restoring VM {row['id']}"
            )
            raise ApiError(PARAMETER, text)
        before["state"], row["state"] = row["state"], "Restoring"

    def effect() -> Row:
        _replace_root(call, row, template)
        row["templateid"] = template.get("id") or row["templateid"]
        row["state"] = before["state"]
        return {**machine(call, row), **_password(call, row)}

    return call.job("virtualmachine", effect, begin=begin, undo=restoring(row))


def _replace_root(call: Call, row: Row, template: Row) -> None:
    old = next(each for each in attached(call, row) if each["type"] == "ROOT")
    size = max(template.get("size", old["size"]), call.get("rootdisksize", 0) * GIB)
    fresh = volume(call.state, row, old["name"], call.now, size=size, kind="ROOT")
    fresh["tags"] = dict(old["tags"])
    if call.get("expunge"):
        call.state.remove("volumes", old["id"])
    else:
        old["state"], old["virtualmachineid"], old["deviceid"] = "Destroy", None, None


@command("assignVirtualMachine", f"virtualmachineid networkids {OWNER}")
def assign(call: Call) -> Row:
    """Give a stopped instance to another account or project, with cards in its networks."""
    row = call.row("machines", "virtualmachineid")
    if row["state"] != "Stopped":
        text = f"Failed to move vm VM is {row['state']}, unable to move the vm {row['name']}"
        raise ApiError(PARAMETER, text)
    owner = owner_for(call.state, call.user, call.params)
    networks = call.get("networkids", [])
    if not networks:
        mine = (
            net for net in call.state.rows("networks") if net["accountid"] == owner["accountid"]
        )
        networks = [net["id"] for net in mine][:1]
    row.update(owner)
    row["nics"] = []
    for network in networks:
        add_nic(call.state, row, usable(call, owner, network)["id"])
    for each in attached(call, row):
        each.update(owner)
    return {"virtualmachine": machine(call, row)}
