# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listing instances and changing what they are."""

from __future__ import annotations

from .api import Call, command, given, keyword, tagged
from .deploy_api import check_size, check_userdata, group_ids, refuse_name
from .errors import PARAMETER, ApiError
from .model import Row
from .scope import listed
from .views import machine

_SETTINGS = {
    "displayname": "displayname",
    "group": "group",
    "haenable": "haenable",
    "deleteprotection": "deleteprotection",
    "isdynamicallyscalable": "isdynamicallyscalable",
}


@command("listVirtualMachines")
def list_machines(call: Call) -> Row:
    """List instances; destroyed ones are listed until they are expunged, to admins."""
    found = [row for row in _scoped(call) if _wanted(call, row)]
    if call.get("retrieveonlyresourcecount"):
        return {"count": len(found)}
    return call.listed("virtualmachine", found, machine)


def _scoped(call: Call) -> list[Row]:
    user = call.user["role"] == "User"
    return [
        row
        for row in listed(call.state, call.user, "machines", call.params)
        if not (user and row["state"] in ("Destroyed", "Expunging"))
    ]


def _wanted(call: Call, row: Row) -> bool:
    state = call.params.get("state")
    networks = {nic["networkid"] for nic in row["nics"]}
    return (
        given(call, row, "name", "zoneid", "hostid", "templateid", "serviceofferingid", "haenable")
        and (state is None or state == row["state"] or (state == "Present" and _present(row)))
        and call.params.get("networkid") in (None, *networks)
        and keyword(call, row, "name", "displayname", "instancename")
        and tagged(call, row)
    )


def _present(row: Row) -> bool:
    return row["state"] not in ("Destroyed", "Expunging")


@command("updateVirtualMachine")
def update(call: Call) -> Row:
    """Change settings at once; most take effect when the instance is started again."""
    row = call.row("machines")
    if row["state"] in ("Error", "Expunging"):
        raise ApiError(
            PARAMETER, f"Unable to update instance {row['name']} in state {row['state']}"
        )
    if call.params.get("name"):
        refuse_name(call, call.params["name"], row["id"], [nic["networkid"] for nic in row["nics"]])
        row["name"] = call.params["name"]
    for param, key in _SETTINGS.items():
        if param in call.params:
            row[key] = call.params[param]
    if "userdata" in call.params:
        row["userdata"] = check_userdata(call.params["userdata"])
    if call.get("cleanupdetails"):
        row["details"] = {}
    elif call.get("details"):
        row["details"] = dict(call.params["details"])
    return {"virtualmachine": machine(call, row)}


@command("getVirtualMachineUserData")
def user_data(call: Call) -> Row:
    """Return the user data of one instance."""
    row = call.row("machines", "virtualmachineid")
    return {"virtualmachineuserdata": {"virtualmachineid": row["id"], "userdata": row["userdata"]}}


@command("scaleVirtualMachine")
def scale(call: Call) -> Row:
    """Give an instance another size; one that runs must be dynamically scalable, and only grows."""
    row = call.row("machines")
    offering = call.row("service_offerings", "serviceofferingid")
    cpus, memory = check_size(offering, call.get("details", {}))
    if row["state"] == "Running" and not row["isdynamicallyscalable"]:
        text = f"Unable to scale vm: {row['name']} is not dynamically scalable"
        raise ApiError(PARAMETER, text)
    if row["state"] == "Running" and (cpus < row["cpunumber"] or memory < row["memory"]):
        text = "Only scaling up the vm is supported, new service offering should have both cpu"
        raise ApiError(PARAMETER, f"{text} and memory greater than the old values")
    if row["state"] not in ("Running", "Stopped"):
        raise ApiError(PARAMETER, f"Unable to scale instance in state {row['state']}")

    def effect() -> Row:
        row["serviceofferingid"] = offering["id"]
        row["cpunumber"], row["memory"] = cpus, memory
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("updateVMAffinityGroup")
def regroup(call: Call) -> Row:
    """Set the affinity groups of a stopped instance."""
    row = call.row("machines")
    if row["state"] != "Stopped":
        text = f"Unable to update affinity groups of the virtual machine {row['name']}"
        raise ApiError(
            PARAMETER,
            f"{text} in state {row['state']}; make sure the virtual machine is stopped and not in "
            "an error state before updating.",
        )
    groups = call.get("affinitygroupids") or group_ids(call, call.get("affinitygroupnames", []))

    def effect() -> Row:
        row["affinitygroupids"] = groups
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("resetSSHKeyForVirtualMachine")
def reset_key(call: Call) -> Row:
    """Put other key pairs into a stopped instance."""
    row = call.row("machines")
    if row["state"] != "Stopped":
        raise ApiError(PARAMETER, f"Vm {row['name']} should be stopped to do SSH Key reset")
    names = call.get("keypairs") or [call.get("keypair", "")]

    def effect() -> Row:
        row["keypairs"] = names
        return machine(call, row)

    return call.job("virtualmachine", effect)
