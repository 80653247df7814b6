# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, and the cards that connect instances to them."""

from __future__ import annotations

from .api import LIST, OWNER, Call, command, given, keyword, tagged
from .deploy_api import usable
from .errors import INTERNAL, PARAMETER, ApiError, unmodelled
from .model import Row
from .rows import add_nic
from .scope import listed, owner_for
from .views import machine, network, nic

_NETMASK = "255.255.255.0"

_FILTERS = ("name", "zoneid", "type", "networkofferingid")


@command("listNetworks", f"id tags retrieveonlyresourcecount {' '.join(_FILTERS)} {LIST}")
def list_networks(call: Call) -> Row:
    """List networks; the exact filter by name came with 4.22."""
    rows = [
        row
        for row in listed(call.state, call.user, "networks", call.params)
        if given(call, row, *_FILTERS)
        and keyword(call, row, "name", "displaytext")
        and tagged(call, row)
    ]
    return call.listed("network", rows, network)


@command("createNetwork", f"name displaytext zoneid networkofferingid gateway netmask {OWNER}")
def create_network(call: Call) -> Row:
    """Create an isolated network; it is implemented with its first instance."""
    owner = owner_for(call.state, call.user, call.params)
    zone = call.row("zones", "zoneid")
    gateway = _gateway(call)
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


def _gateway(call: Call) -> str:
    gateway, netmask = call.get("gateway"), call.get("netmask")
    if bool(gateway) != bool(netmask) or netmask not in (None, _NETMASK):
        raise unmodelled(f"A network whose netmask is not {_NETMASK}")
    return str(gateway or f"10.2.{call.state.count('network')}.1")


@command("deleteNetwork", "id forced")
def delete_network(call: Call) -> Row:
    """Delete a network without instances; what forced helps against never happens here."""
    row = call.row("networks")

    def begin() -> None:
        used = (nic["networkid"] for vm in call.state.rows("machines") for nic in vm["nics"])
        if row["id"] in used:
            raise ApiError(INTERNAL, "Failed to delete network")

    return call.job("network", lambda: call.state.remove("networks", row["id"]), begin=begin)


@command("listNics", "virtualmachineid nicid networkid page pagesize")
def list_nics(call: Call) -> Row:
    """List the cards of one instance."""
    row = call.row("machines", "virtualmachineid")
    wanted = call.params.get("nicid")
    cards = [
        each
        for each in row["nics"]
        if wanted in (None, each["id"]) and given(call, each, "networkid")
    ]
    return call.listed("nic", cards, lambda _call, each: nic(call, row, each))


@command("addNicToVirtualMachine", "virtualmachineid networkid ipaddress")
def connect(call: Call) -> Row:
    """Connect an instance to one more network."""
    row, net = call.row("machines", "virtualmachineid"), call.row("networks", "networkid")

    def begin() -> None:
        _refuse_snapshots(call, row, "added to")
        usable(call, row, net["id"])
        if any(each["networkid"] == net["id"] for each in row["nics"]):
            text = f"A NIC already exists for VM:{row['instancename']} in network: {net['id']}"
            raise ApiError(INTERNAL, text)
        if row["name"] in _names_in(call, net["id"]):
            text = f"Network {net['name']} already has a vm with host name: {row['name']}"
            raise ApiError(INTERNAL, text)
        _require_steady(row, "add", "to")

    def effect() -> Row:
        add_nic(call.state, row, net["id"], call.params.get("ipaddress"))
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


@command("removeNicFromVirtualMachine", "virtualmachineid nicid")
def disconnect(call: Call) -> Row:
    """Disconnect an instance from a network that is not its default."""
    row = call.row("machines", "virtualmachineid")
    ident = call.params["nicid"]

    def begin() -> None:
        _refuse_snapshots(call, row, "removed from")
        if _card(row, ident)["isdefault"]:
            text = f"Unable to remove nic from {row['name']}, nic is default."
            raise ApiError(PARAMETER, text)
        _require_steady(row, "remove", "from")

    def effect() -> Row:
        row["nics"] = [each for each in row["nics"] if each["id"] != ident]
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


@command("updateDefaultNicForVirtualMachine", "virtualmachineid nicid")
def make_default(call: Call) -> Row:
    """Make another card the default one."""
    row = call.row("machines", "virtualmachineid")
    ident = call.params["nicid"]

    def begin() -> None:
        _refuse_snapshots(call, row, "updated for")
        if _card(row, ident)["isdefault"]:
            text = "refusing to set default nic because chosen nic is already the default"
            raise ApiError(INTERNAL, text)
        if row["state"] not in ("Running", "Stopped"):
            text = f"refusing to set default {row['name']} is not Running or Stopped"
            raise ApiError(INTERNAL, text)

    def effect() -> Row:
        for each in row["nics"]:
            each["isdefault"] = each["id"] == ident
        return machine(call, row)

    return call.job("virtualmachine", effect, begin=begin)


def _card(row: Row, ident: str) -> Row:
    for each in row["nics"]:
        if each["id"] == ident:
            found: Row = each
            return found
    raise ApiError(PARAMETER, f"Unable to find a nic with id {ident}")


def _refuse_snapshots(call: Call, row: Row, what: str) -> None:
    if any(s["virtualmachineid"] == row["id"] for s in call.state.rows("machine_snapshots")):
        raise ApiError(PARAMETER, f"NIC cannot be {what} VM with VM Snapshots")


def _require_steady(row: Row, verb: str, side: str) -> None:
    if row["state"] not in ("Running", "Stopped"):
        text = f"Unable to {verb} vm {row['name']} {side} network, is not in the right state"
        raise ApiError(INTERNAL, text)


def _names_in(call: Call, network: str) -> set[str]:
    """Return the host names that are taken in a network."""
    return {
        row["name"]
        for row in call.state.rows("machines")
        if any(nic["networkid"] == network for nic in row["nics"])
    }
