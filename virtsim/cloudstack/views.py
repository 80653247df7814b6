# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances, volumes and networks as answers show them."""

from __future__ import annotations

from .api import Call, tag_views
from .model import Row
from .scope import owner_view


def machine(call: Call, row: Row) -> Row:
    """Return an instance as lists and jobs show it."""
    cloud = call.state
    owner = owner_view(cloud, row)
    shown = {
        **{name: row[name] for name in _PLAIN},
        **owner,
        **_sources(call, row),
        "details": dict(row["details"]),
        "nic": [nic(call, row, each) for each in row["nics"]],
        "affinitygroup": [_group(call, each) for each in row["affinitygroupids"]],
        "securitygroup": [],
        "tags": tag_views(row, {**owner, "resourcetype": "UserVm"}),
        "rootdeviceid": 0,
        "rootdevicetype": "ROOT",
        "hypervisor": "KVM",
        "displayvm": True,
        "vmtype": "UserVm",
    }
    if row["group"]:
        shown["group"] = row["group"]
    if row["keypairs"]:
        shown["keypairs"] = ",".join(row["keypairs"])
    if row["hostid"] and call.user["role"] == "Admin":
        shown |= {"hostid": row["hostid"], "hostname": cloud.get("hosts", row["hostid"])["name"]}
    if call.params.get("userdata") is True and row["userdata"]:
        shown["userdata"] = row["userdata"]
    return _detailed(call, shown)


_PLAIN = (
    "id",
    "name",
    "displayname",
    "created",
    "state",
    "haenable",
    "zoneid",
    "cpunumber",
    "cpuspeed",
    "memory",
    "instancename",
    "isdynamicallyscalable",
    "deleteprotection",
)


def _sources(call: Call, row: Row) -> Row:
    """Return what an instance was made of and where it is."""
    cloud = call.state
    template = cloud.get("templates", row["templateid"])
    offering = cloud.get("service_offerings", row["serviceofferingid"])
    return {
        "zonename": cloud.get("zones", row["zoneid"])["name"],
        "templateid": template.get("id"),
        "templatename": template.get("name"),
        "passwordenabled": bool(template.get("passwordenabled")),
        "serviceofferingid": offering.get("id"),
        "serviceofferingname": offering.get("name"),
        "guestosid": template.get("ostypeid"),
        "ostypeid": template.get("ostypeid"),
        "osdisplayname": cloud.get("os_types", template.get("ostypeid")).get("description"),
    }


# Which keys come only with a detail (VMDetails in 4.20); all come when none is named.
_OF_DETAIL = {
    "group": ("group", "groupid"),
    "nics": ("nic",),
    "servoff": ("serviceofferingid", "serviceofferingname", "cpunumber", "cpuspeed", "memory"),
    "tmpl": ("templateid", "templatename", "passwordenabled"),
    "affgrp": ("affinitygroup",),
    "secgrp": ("securitygroup",),
}


def _detailed(call: Call, shown: Row) -> Row:
    wanted = call.get("details") if call.command.name == "listVirtualMachines" else None
    if not wanted or "all" in wanted:
        return shown
    hidden = {key for detail, keys in _OF_DETAIL.items() if detail not in wanted for key in keys}
    return {key: value for key, value in shown.items() if key not in hidden}


def nic(call: Call, row: Row, each: Row) -> Row:
    """Return one network card."""
    del row
    network = call.state.get("networks", each["networkid"])
    return {
        "id": each["id"],
        "networkid": each["networkid"],
        "networkname": network.get("name"),
        "netmask": "255.255.255.0",
        "gateway": network.get("gateway"),
        "ipaddress": each["ipaddress"],
        "traffictype": "Guest",
        "type": network.get("type"),
        "isdefault": each["isdefault"],
        "macaddress": each["macaddress"],
        "deviceid": each["deviceid"],
        "secondaryip": [],
    }


def _group(call: Call, ident: str) -> Row:
    group = call.state.get("affinity_groups", ident)
    return {"id": ident, "name": group.get("name"), "type": group.get("type")}


def volume(call: Call, row: Row) -> Row:
    """Return a volume."""
    cloud = call.state
    owner = owner_view(cloud, row)
    shown = {
        "id": row["id"],
        "name": row["name"],
        "zoneid": row["zoneid"],
        "zonename": cloud.get("zones", row["zoneid"])["name"],
        "type": row["type"],
        "size": row["size"],
        "created": row["created"],
        "state": row["state"],
        **owner,
        "diskofferingid": row["diskofferingid"],
        "tags": tag_views(row, {**owner, "resourcetype": "Volume"}),
    }
    attached = cloud.get("machines", row["virtualmachineid"])
    if attached:
        shown |= {
            "virtualmachineid": attached["id"],
            "vmname": attached["name"],
            "vmdisplayname": attached["displayname"],
            "vmstate": attached["state"],
            "deviceid": row["deviceid"],
        }
    if row["storageid"]:
        pool = cloud.get("pools", row["storageid"])
        shown |= {"storageid": pool.get("id"), "storage": pool.get("name"), "storagetype": "shared"}
    return {key: value for key, value in shown.items() if value is not None}


def network(call: Call, row: Row) -> Row:
    """Return a network."""
    cloud = call.state
    owner = owner_view(cloud, row)
    return {
        "id": row["id"],
        "name": row["name"],
        "displaytext": row["displaytext"],
        "traffictype": "Guest",
        "type": row["type"],
        "state": row["state"],
        "cidr": row["cidr"],
        "gateway": row["gateway"],
        "zoneid": row["zoneid"],
        "zonename": cloud.get("zones", row["zoneid"])["name"],
        "networkofferingid": row["networkofferingid"],
        **owner,
        "tags": tag_views(row, {**owner, "resourcetype": "Network"}),
    }
