# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""New rows: instances, volumes and the cards that connect them."""

from __future__ import annotations

import ipaddress

from ..core.seeds import host_name
from .errors import CAPACITY, PARAMETER, ApiError
from .model import Cloud, Row, stamp

GIB = 1 << 30
DAY = 86400


def named(cloud: Cloud, table: str, name: str) -> Row:
    """Return the row of that name."""
    return next(row for row in cloud.rows(table) if row["name"] == name)


def blank() -> Row:
    """Return what an instance has before anybody asks for more."""
    return {
        "hostid": None,
        "lasthostid": None,
        "group": None,
        "haenable": False,
        "deleteprotection": False,
        "isdynamicallyscalable": False,
        "userdata": "",
        "keypairs": [],
        "affinitygroupids": [],
        "details": {},
        "tags": {},
        "nics": [],
    }


def machine(
    cloud: Cloud,
    name: str,
    *,
    running: bool,
    now: float,
    owner: Row | None = None,
    host: int = 1,
    network: str = "lab-net",
) -> Row:
    """Add an instance with its root volume and one card."""
    owner = owner or {"accountid": named(cloud, "accounts", "admin")["id"], "projectid": None}
    offering = named(cloud, "service_offerings", "small")
    template = named(cloud, "templates", "debian-12")
    row = cloud.add(
        "machines",
        {
            **blank(),
            **owner,
            "name": name,
            "displayname": name,
            "zoneid": template["zoneid"],
            "templateid": template["id"],
            "serviceofferingid": offering["id"],
            **{key: offering[key] for key in ("cpunumber", "memory", "cpuspeed")},
            "state": "Running" if running else "Stopped",
            "hostid": named(cloud, "hosts", host_name(host))["id"] if running else None,
            "created": stamp(now - DAY),
        },
    )
    row["instancename"] = f"i-2-{cloud.count('instance')}-VM"
    add_nic(cloud, row, named(cloud, "networks", network)["id"])
    volume(cloud, row, f"ROOT-{cloud.count('root')}", now, size=template["size"], kind="ROOT")
    return row


def volume(
    cloud: Cloud,
    owner: Row,
    name: str,
    now: float,
    *,
    size: int,
    kind: str = "DATADISK",
    attached: bool = True,
) -> Row:
    """Add a volume, attached to an instance or only owned like one."""
    number = sum(1 for each in cloud.rows("volumes") if each["virtualmachineid"] == owner.get("id"))
    if kind == "ROOT":
        number = 0
    pool = named(cloud, "pools", "primary1")
    return cloud.add(
        "volumes",
        {
            "name": name,
            "accountid": owner["accountid"],
            "projectid": owner.get("projectid"),
            "zoneid": owner["zoneid"],
            "type": kind,
            "size": size,
            "state": "Ready" if attached else "Allocated",
            "virtualmachineid": owner["id"] if attached else None,
            "deviceid": number if attached else None,
            "storageid": pool["id"] if attached else None,
            "diskofferingid": None,
            "tags": {},
            "created": stamp(now),
        },
    )


def add_nic(cloud: Cloud, row: Row, network: str, address: str | None = None) -> Row:
    """Connect an instance to a network, at the address asked for or the next free one."""
    net = cloud.get("networks", network)
    serial = cloud.count("nic")
    nic = {
        "id": cloud.new_id("nics"),
        "networkid": network,
        "ipaddress": _address(cloud, net, address),
        "macaddress": "02:01:00:" + ":".join(f"{(serial >> s) & 255:02x}" for s in (16, 8, 0)),
        "isdefault": not row["nics"],
        "deviceid": str(len(row["nics"])),
    }
    row["nics"].append(nic)
    found: Row = row["nics"][-1]
    return found


def _address(cloud: Cloud, net: Row, wanted: str | None) -> str:
    if wanted is None:
        return _next_address(cloud, net)
    try:
        inside = ipaddress.ip_address(wanted) in ipaddress.ip_network(net["cidr"])
    except ValueError:
        raise ApiError(PARAMETER, f"Invalid IP address {wanted}") from None
    used = (nic["ipaddress"] for row in cloud.rows("machines") for nic in row["nics"])
    if not inside or wanted == net["gateway"] or wanted in used:
        text = f"Unable to acquire Guest IP address {wanted} for network {net['name']}"
        raise ApiError(CAPACITY, text)
    net["reserved"] = [*net.get("reserved", ()), wanted]
    return wanted


def _next_address(cloud: Cloud, net: Row) -> str:
    prefix = net["gateway"].rsplit(".", 1)[0]
    while True:
        number = cloud.count(f"address:{net['id']}") + 1
        address = f"{prefix}.{number % 250 + 2}"
        if address not in net.get("reserved", ()):
            return address
