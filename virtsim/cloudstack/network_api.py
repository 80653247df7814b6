# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, and the cards that connect instances to them."""

from __future__ import annotations

from .api import Call, command, given, keyword, tagged
from .errors import IN_USE, PARAMETER, ApiError
from .model import Row
from .rows import add_nic
from .scope import listed, owner_for, visible
from .views import machine, network, nic


@command("listNetworks")
def list_networks(call: Call) -> Row:
    """List networks; there is no exact filter by name in 4.20."""
    rows = [
        row
        for row in listed(call.state, call.user, "networks", call.params)
        if given(call, row, "zoneid", "type", "networkofferingid")
        and keyword(call, row, "name", "displaytext")
        and tagged(call, row)
    ]
    return call.listed("network", rows, network)


@command("createNetwork")
def create_network(call: Call) -> Row:
    """Create an isolated network; it is implemented with its first instance."""
    owner = owner_for(call.state, call.user, call.params)
    number = call.state.count("network")
    zone = call.row("zones", "zoneid")
    gateway = call.get("gateway", f"10.2.{number}.1")
    row = call.state.add(
        "networks",
        {
            "name": call.params["name"],
            "displaytext": call.get("displaytext", call.params["name"]),
            "zoneid": zone["id"],
            "networkofferingid": call.params["networkofferingid"],
            "type": "Isolated",
            "state": "Allocated",
            "cidr": gateway.rsplit(".", 1)[0] + ".0/24",
            "gateway": gateway,
            "tags": {},
            "created": call.stamp,
            **owner,
        },
    )
    return {"network": network(call, row)}


@command("deleteNetwork")
def delete_network(call: Call) -> Row:
    """Delete a network without instances."""
    row = call.row("networks")
    if any(each["networkid"] == row["id"] for vm in _machines(call) for each in vm["nics"]):
        raise ApiError(IN_USE, f"Can't delete the network {row['name']}, it has active nics")
    return call.job("network", lambda: call.state.remove("networks", row["id"]))


@command("listNics")
def list_nics(call: Call) -> Row:
    """List the cards of one instance."""
    row = call.row("machines", "virtualmachineid")
    wanted = call.params.get("nicid")
    cards = [each for each in row["nics"] if wanted in (None, each["id"])]
    return call.listed("nic", cards, lambda _call, each: nic(call, row, each))


@command("addNicToVirtualMachine")
def connect(call: Call) -> Row:
    """Connect an instance to one more network."""
    row, net = call.row("machines", "virtualmachineid"), call.row("networks", "networkid")
    if row["state"] not in ("Running", "Stopped"):
        raise ApiError(PARAMETER, f"Instance {row['name']} is not in state Running or Stopped")
    if any(each["networkid"] == net["id"] for each in row["nics"]):
        text = f"A NIC already exists for VM:{row['instancename']} in network: {net['id']}"
        raise ApiError(530, text)

    def effect() -> Row:
        add_nic(call.state, row, net["id"], call.params.get("ipaddress"))
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("removeNicFromVirtualMachine")
def disconnect(call: Call) -> Row:
    """Disconnect an instance from a network that is not its default."""
    row = call.row("machines", "virtualmachineid")
    found = [each for each in row["nics"] if each["id"] == call.params["nicid"]]
    if not found:
        raise ApiError(PARAMETER, f"Unable to find nic {call.params['nicid']}")
    if found[0]["isdefault"]:
        text = f"Unable to remove nic from {row['name']}, nic is default."
        raise ApiError(PARAMETER, text)

    def effect() -> Row:
        row["nics"] = [each for each in row["nics"] if each["id"] != found[0]["id"]]
        return machine(call, row)

    return call.job("virtualmachine", effect)


@command("updateDefaultNicForVirtualMachine")
def make_default(call: Call) -> Row:
    """Make another card the default one."""
    row = call.row("machines", "virtualmachineid")
    if call.params["nicid"] not in {each["id"] for each in row["nics"]}:
        raise ApiError(PARAMETER, f"Unable to find nic {call.params['nicid']}")

    def effect() -> Row:
        for each in row["nics"]:
            each["isdefault"] = each["id"] == call.params["nicid"]
        return machine(call, row)

    return call.job("virtualmachine", effect)


def _machines(call: Call) -> list[Row]:
    return [row for row in call.state.rows("machines") if visible(call.state, call.user, row)]
