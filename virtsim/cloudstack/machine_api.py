# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listing instances and changing what they are."""

from __future__ import annotations

from .api import LIST, Call, command, given, keyword, tagged
from .deploy_api import check_userdata, refuse_name
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


_FILTERS = ("name", "zoneid", "hostid", "templateid", "serviceofferingid", "haenable")
_MORE = "affinitygroupid hypervisor id ids keypair networkid state tags userdata details"
# VMDetails of 4.22.
_DETAILS = (
    "group",
    "nics",
    "stats",
    "secgrp",
    "tmpl",
    "servoff",
    "diskoff",
    "backoff",
    "iso",
    "volume",
    "min",
    "affgrp",
    "all",
)


@command(
    "listVirtualMachines",
    f"{' '.join(_FILTERS)} {_MORE} accumulate retrieveonlyresourcecount {LIST}",
)
def list_machines(call: Call) -> Row:
    """List instances; destroyed ones are listed until they are expunged, to admins."""
    unknown = set(call.get("details", ())).difference(_DETAILS)
    if unknown:
        text = "The details parameter contains a non permitted value. The allowed values are"
        raise ApiError(PARAMETER, f"{text} [{', '.join(_DETAILS)}]")
    found = [row for row in _observed(call, _scoped(call)) if _wanted(call, row)]
    return call.listed("virtualmachine", found, machine)


def _observed(call: Call, rows: list[Row]) -> list[Row]:
    """Return the rows as a database replica that lags behind would have them."""
    past = call.sim.observed(call.command.name)
    if past is None:
        return rows
    return [{**row, "state": past[row["id"]]} for row in rows if row["id"] in past]


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
        given(call, row, *_FILTERS)
        and (state is None or state == row["state"] or (state == "Present" and _present(row)))
        and call.params.get("networkid") in (None, *networks)
        and call.params.get("affinitygroupid") in (None, *row["affinitygroupids"])
        and call.params.get("keypair") in (None, *row["keypairs"])
        and str(call.get("hypervisor", "KVM")).upper() in ("KVM", "ANY")
        and keyword(call, row, "name", "displayname", "instancename")
        and tagged(call, row)
    )


def _present(row: Row) -> bool:
    return row["state"] not in ("Destroyed", "Expunging")


@command("updateVirtualMachine", f"id name userdata details cleanupdetails {' '.join(_SETTINGS)}")
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


@command("getVirtualMachineUserData", "virtualmachineid")
def user_data(call: Call) -> Row:
    """Return the user data of one instance."""
    row = call.row("machines", "virtualmachineid")
    return {"virtualmachineuserdata": {"virtualmachineid": row["id"], "userdata": row["userdata"]}}
