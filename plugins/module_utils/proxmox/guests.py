# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Guests in a cluster: finding them, their state in the fleet's words, the normalised object."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.errors import NotFound, ValidationFailed
from .api import Client, path

_STATES = {"running": "running", "stopped": "stopped", "prelaunch": "starting"}
_PAUSED = {"paused", "suspended"}
_LOCKS = {"migrate": "migrating", "create": "provisioning", "clone": "provisioning"}
_DISK = re.compile(r"(?:ide|sata|scsi|virtio)\d+")
_NIC = re.compile(r"net\d+")
_MAC = re.compile(r"(?:\w\w:){5}\w\w")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_TAG_ENDS = re.compile(r"[;, ]+")
_UNITS = {"K": 1 / 1024**2, "M": 1 / 1024, "G": 1.0, "T": 1024.0}
_OS = {"l24": "linux", "l26": "linux", "solaris": "solaris", "other": "other"}


def guest_rows(client: Client) -> list[dict[str, Any]]:
    """Return the rows of all virtual machines of the cluster, ordered by id; one request.

    A row of a guest on an unreachable node has no name and the status unknown.
    """
    rows = client.get("/cluster/resources", type="vm") or []
    return sorted((row for row in rows if row.get("type") == "qemu"), key=lambda row: row["vmid"])


def guest_path(actual: Mapping[str, Any], below: str = "") -> str:
    """Return the path of a guest's resource."""
    return path("/nodes/{node}/qemu/{vmid}", node=actual["node"], vmid=actual["vmid"]) + below


def matching(rows: Iterable[Mapping[str, Any]], desired: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that ``vmid`` or else ``name`` identifies, narrowed by ``node``."""
    wanted = "vmid" if desired.get("vmid") is not None else "name"
    node = desired.get("node")
    return [
        dict(row)
        for row in rows
        if row.get(wanted) == desired.get(wanted) and node in {None, row.get("node")}
    ]


def clone_source(
    client: Client, rows: list[dict[str, Any]], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the row of the one machine to clone; NotFound or ValidationFailed otherwise."""
    found = matching(rows, wanted)
    if not found:
        raise not_found(client, rows, wanted)
    if len(found) > 1:
        labels = ", ".join(label(row) for row in found)
        raise ValidationFailed(
            f"clone: {len(found)} machines are called {wanted.get('name')!r}: {labels}. "
            "Name one by vmid.",
            fields={"clone.name": "not unique"},
        )
    return found[0]


def not_found(client: Client, rows: list[dict[str, Any]], desired: Mapping[str, Any]) -> NotFound:
    """Return the error for an identity that matches nothing, with the nearest right name."""
    by_vmid = desired.get("vmid") is not None
    asked = f"vmid {desired['vmid']}" if by_vmid else f"name {desired.get('name')!r}"
    where = f" on node {desired['node']}" if desired.get("node") else ""
    hint = ""
    if not rows:
        hint = (
            " This identity sees no virtual machine at all: a token with privilege separation "
            "needs permissions of its own (VM.Audit on /vms)."
        )
    elif not by_vmid:
        names = {str(row["name"]) for row in rows if row.get("name")}
        near = difflib.get_close_matches(str(desired.get("name")), sorted(names), 3, 0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return NotFound(f"No virtual machine has {asked}{where} at {client.host}.{hint}")


def state_of(row: Mapping[str, Any]) -> str:
    """Return the state of a guest in the fleet's words, from its row or its current status."""
    lock = _LOCKS.get(str(row.get("lock") or ""))
    if lock:
        return lock
    if row.get("status") == "running" and row.get("qmpstatus") in _PAUSED:
        return "paused"
    if row.get("qmpstatus") == "prelaunch":
        return "starting"
    return _STATES.get(str(row.get("status")), "unknown")


def uid_of(config: Mapping[str, Any]) -> str | None:
    """Return what another guest under the same id has otherwise; None when nothing tells.

    A rollback gives a new vmgenid, too: what was seen before is then another machine's state.
    """
    told = [str(config[key]) for key in ("meta", "smbios1", "vmgenid") if config.get(key)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32] if told else None


def label(row: Mapping[str, Any]) -> str:
    """Return how a person calls a guest."""
    return f"VM {row['vmid']} ({row.get('name') or 'without a name'}) on {row.get('node')}"


def normalised(
    row: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    addresses: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return the VM object of the fleet's schema, without ``ref`` and ``target``.

    Disks, NICs and the operating system come from ``config``; without it the lists are empty.
    """
    maximum = row.get("maxmem")
    return {
        "platform": "proxmox",
        "vmid": row["vmid"],
        "name": row.get("name") or "",
        "state": state_of(row),
        "cpus": row.get("maxcpu") or row.get("cpus"),
        "memory_mib": int(maximum) // 1024**2 if maximum else None,
        "disks": _disks(config or {}),
        "nics": _nics(config or {}, addresses or {}),
        "host": row.get("node"),
        "node": row.get("node"),
        "tags": tags_of(row.get("tags")),
        "os": _os(config or {}),
        "template": bool(row.get("template")),
        "uptime": row.get("uptime") or 0,
        "pool": row.get("pool"),
        "lock": row.get("lock"),
    }


def tags_of(text: Any) -> list[str]:
    """Return tags from their stored form, separated by semicolons, commas or spaces."""
    return sorted({tag for tag in _TAG_ENDS.split(str(text or "")) if tag})


def options_of(text: str, default: str) -> dict[str, str]:
    """Return the parts of a property string; its bare value is called ``default``."""
    options: dict[str, str] = {}
    for part in str(text).split(","):
        name, mark, value = part.partition("=")
        if mark:
            options[name] = value
        elif part.strip():
            options.setdefault(default, part)
    return options


def _disks(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    boot = options_of(str(config.get("boot") or ""), "legacy").get("order", "").split(";")
    disks = []
    for slot in sorted(name for name in config if _DISK.fullmatch(name)):
        options = options_of(config[slot], "file")
        if options.get("media") == "cdrom":
            continue
        volume = options.get("file", "")
        disks.append(
            {
                "name": slot,
                "size_gib": gib_of(options.get("size", "")),
                "storage": volume.partition(":")[0] if ":" in volume else None,
                "boot": slot in boot,
            }
        )
    return disks


def gib_of(size: str) -> float | None:
    """Return a size such as ``32G`` or ``512M`` in GiB, None when it is none."""
    found = _SIZE.fullmatch(size)
    if not found:
        return None
    factor = _UNITS[found[2]] if found[2] else 1 / 1024**3
    return round(float(found[1]) * factor, 3)


def _nics(config: Mapping[str, Any], addresses: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    nics = []
    for slot in sorted(name for name in config if _NIC.fullmatch(name)):
        options = options_of(config[slot], "model")
        mac = options.get("macaddr") or next(
            (value for value in options.values() if _MAC.fullmatch(value)), None
        )
        nics.append(
            {
                "name": slot,
                "mac": mac,
                "network": options.get("bridge"),
                "addresses": addresses.get((mac or "").lower(), []),
            }
        )
    return nics


def _os(config: Mapping[str, Any]) -> str | None:
    kind = config.get("ostype")
    if not kind:
        return None
    return _OS.get(str(kind), "windows" if str(kind).startswith("w") else str(kind))
