# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""CloudStack's instances: how one is found, named to people, and normalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import NotFound, OperationFailed, ValidationFailed
from .client import Client
from .scope import Scope

STATES: Mapping[str, str] = {
    "Running": "running",
    "Stopped": "stopped",
    "Starting": "starting",
    "Stopping": "stopping",
    "Shutdown": "stopping",
    "Migrating": "migrating",
    "Restoring": "provisioning",
    "Error": "error",
    "Destroyed": "stopped",
    "Expunging": "stopped",
}
"""VirtualMachine.State of CloudStack 4.20 in the fleet's words."""
GONE = frozenset({"Destroyed", "Expunging"})
DETAILS = "group,nics,servoff,tmpl,iso,affgrp"
"""What a list must know of each machine; its statistics cost the server the most."""
_GIB = 1 << 30


def found_rows(
    client: Client, scope: Scope, desired: Mapping[str, Any], **more: Any
) -> list[dict[str, Any]]:
    """Return the rows of the instances that ``id`` or ``name`` means; those deleted too."""
    ident, name = desired.get("id"), desired.get("name")
    # An id works in every project and zone, and CloudStack refuses one that never existed.
    by = {"id": ident, "listall": True} if ident else {"name": name, **scope.listing()}
    try:
        rows = client.rows("listVirtualMachines", details=DETAILS, **by, **more)
    except NotFound:
        return []
    return [row for row in rows if scope.in_zone(row) and (ident or name == row.get("name"))]


def present(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that are there: a destroyed instance is listed until it is expunged."""
    return [row for row in rows if row.get("state") not in GONE]


def label(row: Mapping[str, Any]) -> str:
    """Return how to name an instance to a person."""
    owner = row.get("project") or row.get("account") or "?"
    return f"instance {row.get('name')} ({row.get('id')}) of {owner}"


def state_of(row: Mapping[str, Any]) -> str:
    """Return the power state in the fleet's words."""
    return STATES.get(str(row.get("state")), "unknown")


def refuse_error(row: Mapping[str, Any]) -> None:
    """Raise OperationFailed for an instance that a failed deployment left behind."""
    if row.get("state") == "Error":
        raise OperationFailed(
            f"{label(row)} is in the state Error: its deployment failed. Look at its events, then "
            "delete it (state: absent) and create it again.",
            log=(f"state {row.get('state')}",),
        )


def normalised(row: Mapping[str, Any], volumes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return the object as every platform returns it, with CloudStack's ids."""
    return {
        "id": row.get("id"),
        "project": row.get("project"),
        "account": None if row.get("project") else row.get("account"),
        "domain": row.get("domainpath") or row.get("domain"),
        "zone": row.get("zonename"),
        "display_name": row.get("displayname"),
        "service_offering": row.get("serviceofferingname"),
        "template": row.get("templatename"),
        "platform": "cloudstack",
        "name": row.get("name"),
        "state": state_of(row),
        "cpus": row.get("cpunumber"),
        "memory_mib": row.get("memory"),
        "disks": [_disk(volume) for volume in volumes],
        "nics": [_nic(index, nic) for index, nic in enumerate(row.get("nic") or ())],
        "host": row.get("hostname"),
        "tags": sorted(f"{tag.get('key')}={tag.get('value')}" for tag in row.get("tags") or ()),
        "os": row.get("osdisplayname"),
    }


def _disk(volume: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": volume.get("name"),
        "size_gib": gib(volume.get("size")),
        "storage": volume.get("storage"),
        "boot": volume.get("type") == "ROOT",
    }


def _nic(index: int, nic: Mapping[str, Any]) -> dict[str, Any]:
    addresses = [nic.get("ipaddress"), nic.get("ip6address")]
    addresses += [each.get("ipaddress") for each in nic.get("secondaryip") or ()]
    return {
        "name": f"nic{nic.get('deviceid', index)}",
        "mac": nic.get("macaddress"),
        "network": nic.get("networkname") or nic.get("networkid"),
        "addresses": [str(each) for each in addresses if each],
    }


def gib(size: Any) -> float | int | None:
    """Return bytes as GiB, a whole number where it is one."""
    if not size:
        return None
    value = int(size) / _GIB
    return int(value) if value == int(value) else round(value, 3)


def must_say_which(desired: Mapping[str, Any], ident: str, name: str) -> None:
    """Raise ValidationFailed when a task names no machine for what belongs to one."""
    if desired.get(ident) is None and desired.get(name) is None:
        raise ValidationFailed(
            f"Give {ident} or {name}: the instance that it belongs to.",
            fields={ident: f"this or {name} is needed"},
        )
