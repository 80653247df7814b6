# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every seeded cloud has: a zone, hosts, storage, offerings, templates, networks."""

from __future__ import annotations

from ..core.seeds import host_name
from .model import Cloud, Row, stamp
from .rows import DAY, GIB, named

_ZONE: Row = {
    "name": "zone1",
    "networktype": "Advanced",
    "allocationstate": "Enabled",
    "securitygroupsenabled": False,
    "localstorageenabled": False,
    "dns1": "192.0.2.53",
    "internaldns1": "192.0.2.53",
}
_HOST: Row = {"type": "Routing", "state": "Up", "resourcestate": "Enabled", "hypervisor": "KVM"}
_POOL: Row = {
    "name": "primary1",
    "type": "NetworkFilesystem",
    "state": "Up",
    "scope": "CLUSTER",
}
_OFFERINGS = (
    ("tiny", 1, 512),
    ("small", 1, 1024),
    ("medium", 2, 2048),
    ("large", 4, 8192),
    ("custom", None, None),
)
_DISKS = (("disk-5", 5), ("disk-custom", 0))
_TEMPLATES = (
    ("debian-12", 8, "Debian GNU/Linux 12 (64-bit)"),
    ("ubuntu-24.04", 10, "Ubuntu 24.04"),
)
_TEMPLATE: Row = {
    "isready": True,
    "hypervisor": "KVM",
    "format": "QCOW2",
    "ispublic": True,
    "isfeatured": True,
    "isdynamicallyscalable": True,
}


def furnish(cloud: Cloud, hosts: int, now: float) -> None:
    """Add all of it; the accounts are there already."""
    created = stamp(now - DAY)
    _infrastructure(cloud, hosts, created)
    _offerings(cloud, created)
    _templates(cloud, created)
    _networks(cloud, created)


def _infrastructure(cloud: Cloud, hosts: int, created: str) -> None:
    place = {"zoneid": cloud.add("zones", {**_ZONE})["id"]}
    enabled = {"allocationstate": "Enabled"}
    place["podid"] = cloud.add("pods", {"name": "pod1", **enabled, **place})["id"]
    cluster = {"name": "cluster1", "hypervisortype": "KVM", **enabled, **place}
    place["clusterid"] = cloud.add("clusters", cluster)["id"]
    for number in range(1, hosts + 1):
        address = f"192.0.2.{number % 250 + 1}"
        row = {"name": host_name(number), "ipaddress": address, "created": created}
        cloud.add("hosts", {**row, **_HOST, **place})
    cloud.add("pools", {**_POOL, **place})


def _offerings(cloud: Cloud, created: str) -> None:
    for name, cpus, memory in _OFFERINGS:
        size = {"cpunumber": cpus, "memory": memory, "cpuspeed": 1000}
        kind = {"iscustomized": cpus is None, "dynamicscalingenabled": True}
        cloud.add("service_offerings", {"name": name, **size, **kind, "created": created})
    for name, gib in _DISKS:
        row = {"name": name, "disksize": gib, "iscustomized": not gib, "created": created}
        cloud.add("disk_offerings", row)


def _templates(cloud: Cloud, created: str) -> None:
    for name, gib, system in _TEMPLATES:
        os_type = cloud.add("os_types", {"name": system, "description": system})
        row = {
            "name": name,
            "displaytext": name,
            "size": gib * GIB,
            "passwordenabled": name.startswith("ubuntu"),
            "zoneid": named(cloud, "zones", "zone1")["id"],
            "ostypeid": os_type["id"],
            "created": created,
        }
        cloud.add("templates", {**row, **_TEMPLATE})


def _networks(cloud: Cloud, created: str) -> None:
    offering = {"name": "isolated", "guestiptype": "Isolated", "state": "Enabled"}
    made = cloud.add("network_offerings", offering)
    admin, lab = (named(cloud, "accounts", name)["id"] for name in ("admin", "lab"))
    project = named(cloud, "projects", "shop")
    owners = (
        ("lab-net", admin, None),
        ("back-net", admin, None),
        ("user-net", lab, None),
        ("shop-net", project["ownerid"], project["id"]),
    )
    for number, (name, account, projectid) in enumerate(owners, 1):
        row = {"name": name, "displaytext": name, "accountid": account, "projectid": projectid}
        row |= {"cidr": f"10.1.{number}.0/24", "gateway": f"10.1.{number}.1"}
        row |= {"zoneid": named(cloud, "zones", "zone1")["id"], "networkofferingid": made["id"]}
        row |= {"type": "Isolated", "state": "Implemented", "tags": {}, "created": created}
        cloud.add("networks", row)
