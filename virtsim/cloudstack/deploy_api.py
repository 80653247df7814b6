# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying an instance: the row is made at once, the job starts it."""

from __future__ import annotations

import base64
import binascii
import re

from .api import OWNER, Call, command
from .errors import PARAMETER, PERMISSION, ApiError, unmodelled
from .model import Row
from .rows import GIB, add_nic, blank, volume
from .scope import listed, owner_for
from .views import machine

GENERATED = "virtsim-generated"
NAME = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
BAD_NAME = (
    "Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', "
    "and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with "
    '"-" and can\'t start with digit'
)
_LONGEST_USERDATA = 32768
SIZES = ("cpuNumber", "cpuSpeed", "memory")
_HEEDS = (
    "name displayname group templateid serviceofferingid zoneid networkids iptonetworklist "
    "ipaddress startvm rootdisksize diskofferingid size keypair keypairs userdata details "
    "affinitygroupids affinitygroupnames hostid dynamicscalingenabled hypervisor "
)


@command("deployVirtualMachine", _HEEDS + OWNER)
def deploy(call: Call) -> Row:
    """Create an instance, and start it unless startvm is false."""
    owner = owner_for(call.state, call.user, call.params)
    if not call.get("templateid"):
        raise unmodelled("Deploying without templateid")
    if str(call.get("hypervisor", "KVM")).upper() != "KVM":
        raise unmodelled("Deploying on a hypervisor other than KVM")
    template = call.row("templates", "templateid")
    networks = _networks(call, owner)
    size = _sized(call, call.row("service_offerings", "serviceofferingid"), call.get("details", {}))
    row = _row(call, owner, size)
    refuse_name(call, row["name"], row["id"], [network for network, _address in networks])
    for network, address in networks:
        add_nic(call.state, row, network, address)
    _volumes(call, row, template)
    password = GENERATED if template["passwordenabled"] else None

    def effect() -> Row:
        starts = call.get("startvm", True)
        row["state"] = "Running" if starts else "Stopped"
        row["hostid"] = _host(call) if starts else None
        shown = machine(call, row)
        return {**shown, "password": password} if password else shown

    def undo() -> None:
        # The row was there before the job: it stays, in the state Error.
        row["state"] = "Error"

    return call.job("virtualmachine", effect, created=row["id"], undo=undo)


def refuse_name(call: Call, name: str, ident: str, networks: list[str]) -> None:
    """Refuse a host name that is none, or that one of the networks has already."""
    if not NAME.fullmatch(name):
        raise ApiError(PARAMETER, BAD_NAME)
    for other in call.state.rows("machines"):
        if other["id"] == ident or other["name"] != name or other["state"] == "Expunging":
            continue
        if any(nic["networkid"] in networks for nic in other["nics"]):
            text = f"The vm with hostName {name} already exists in the network domain"
            raise ApiError(PARAMETER, f"{text}: cs2cloud.internal; network={networks[0]}")


def check_userdata(text: str) -> str:
    """Return user data that is base64; the server refuses anything else."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(PARAMETER, "User data is not base64 encoded") from None
    if len(text) > _LONGEST_USERDATA:
        raise ApiError(PARAMETER, "User data is too long")
    return text


def check_size(offering: Row, details: Row) -> Row:
    """Return the size that an offering gives, with the details of what it leaves open."""
    if not offering["iscustomized"]:
        if any(name in details for name in SIZES):
            text = "CPU number, Memory and CPU speed can not be updated for static offering"
            raise ApiError(PARAMETER, text)
        return {key: offering[key] for key in ("cpunumber", "cpuspeed", "memory")}
    if not any(name in details for name in SIZES):
        text = "Need to specify custom parameter values cpu, cpu speed and memory when using custom"
        raise ApiError(PARAMETER, f"{text} offering")
    return {
        "cpunumber": _custom(offering, details, "cpuNumber", "CPU cores", 1),
        "cpuspeed": _custom(offering, details, "cpuSpeed", "CPU speed", 1),
        "memory": _custom(offering, details, "memory", "memory", 32),
    }


def _custom(offering: Row, details: Row, name: str, word: str, least: int) -> int:
    fixed = offering[name.lower()]
    if fixed is not None:
        if name in details:
            text = f"The {word} of this offering id:{offering['id']} is not customizable."
            raise ApiError(PARAMETER, f"{text} This is predefined in the Template.")
        return int(fixed)
    text = str(details.get(name, ""))
    value = int(text) if text.isdecimal() else -1
    if value < least:
        text = f"Invalid {word} value, specify a value between {least} and 2147483647"
        raise ApiError(PARAMETER, text)
    return value


def _sized(call: Call, offering: Row, details: Row) -> Row:
    sizes = {key: value for key, value in details.items() if key in SIZES}
    return {
        "serviceofferingid": offering["id"],
        **check_size(offering, sizes),
        "details": {key: value for key, value in details.items() if key not in sizes},
    }


def _networks(call: Call, owner: Row) -> list[tuple[str, str | None]]:
    asked = call.params.get("iptonetworklist")
    if asked:
        found = [(each.get("networkid", ""), each.get("ip") or None) for each in asked]
    elif call.params.get("networkids"):
        first = call.params.get("ipaddress") or None
        found = [
            (each, first if not n else None) for n, each in enumerate(call.params["networkids"])
        ]
    else:
        found = [(_only_network(call, owner), call.params.get("ipaddress") or None)]
    for network, _address in found:
        usable(call, owner, network)
    return found


def _only_network(call: Call, owner: Row) -> str:
    mine = [
        row
        for row in listed(call.state, call.user, "networks", {**owner, "listall": True})
        if row["accountid"] == owner["accountid"]
    ]
    if len(mine) != 1:
        text = (
            "More than 1 default Isolated networks are found for account; please specify networkIds"
        )
        raise ApiError(PARAMETER, text)
    return str(mine[0]["id"])


def usable(call: Call, owner: Row, network: str) -> Row:
    """Return a network if the owner of an instance may use it."""
    row = call.state.get("networks", network)
    if not row:
        raise ApiError(PARAMETER, f"Unable to find network by id {network}")
    if row["accountid"] != owner["accountid"]:
        text = f"Unable to use network with id= {network}, permission denied"
        raise ApiError(PERMISSION, text)
    return row


def _row(call: Call, owner: Row, size: Row) -> Row:
    groups = call.get("affinitygroupids") or group_ids(call, call.get("affinitygroupnames", []))
    number = call.state.count("instance")
    row = call.state.add(
        "machines",
        {
            **blank(),
            **owner,
            **size,
            "name": call.params.get("name") or f"VM-{number:08x}",
            "zoneid": call.params["zoneid"],
            "templateid": call.params["templateid"],
            "state": "Stopped" if call.get("startvm", True) is False else "Starting",
            "group": call.params.get("group"),
            "isdynamicallyscalable": bool(call.get("dynamicscalingenabled", False)),
            "userdata": check_userdata(call.get("userdata", "")),
            "keypairs": key_names(call),
            "affinitygroupids": groups,
            "created": call.stamp,
            "instancename": f"i-2-{number}-VM",
        },
    )
    row["displayname"] = call.params.get("displayname") or row["name"]
    return row


def group_ids(call: Call, names: list[str]) -> list[str]:
    """Return the ids of affinity groups; the server refuses an unknown name."""
    known = {row["name"]: row["id"] for row in call.state.rows("affinity_groups")}
    for name in names:
        if name not in known:
            raise ApiError(PARAMETER, f"Unable to find affinity group {name}")
    return [known[name] for name in names]


def key_names(call: Call) -> list[str]:
    """Return the key pairs that are asked for; the server refuses an unknown name."""
    names = call.get("keypairs") or ([call.params["keypair"]] if call.get("keypair") else [])
    known = {row["name"] for row in call.state.rows("ssh_keys")}
    for name in names:
        if name not in known:
            raise ApiError(PARAMETER, f"A key pair with name '{name}' was not found.")
    return list(names)


def _volumes(call: Call, row: Row, template: Row) -> None:
    size = call.params.get("rootdisksize")
    if size is not None and size * GIB < template["size"]:
        text = "Provided rootdisksize is smaller than the template size"
        raise ApiError(PARAMETER, f"{text} {template['size'] // GIB} GB")
    root = size * GIB if size else template["size"]
    name = f"ROOT-{call.state.count('root')}"
    volume(call.state, row, name, call.now, size=root, kind="ROOT")
    if not call.get("diskofferingid"):
        return
    offering = call.row("disk_offerings", "diskofferingid")
    gib = call.params.get("size") if offering["iscustomized"] else offering["disksize"]
    if not gib:
        raise ApiError(PARAMETER, "This disk offering requires a custom size specified")
    name = f"DATA-{call.state.count('data')}"
    added = volume(call.state, row, name, call.now, size=gib * GIB)
    added["diskofferingid"] = offering["id"]


def _host(call: Call) -> str:
    wanted = call.params.get("hostid")
    return str(wanted or next(iter(call.state.tables["hosts"])))
