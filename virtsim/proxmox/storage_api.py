# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storages and what they hold."""

from __future__ import annotations

import re
from typing import Any

from .api import Call, operation
from .errors import ApiError, missing
from .model import Task

STORAGE = "/nodes/{node}/storage"
GIB = 1 << 30


def _on(row: dict[str, Any], node: str) -> bool:
    return not row.get("nodes") or node in row["nodes"]


def used(call: Call, name: str) -> int:
    """Sum up the volumes of a storage."""
    return sum(v["size"] for k, v in call.state.volumes.items() if k.startswith(f"{name}:"))


def state_of(call: Call, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Show a storage with its fill level."""
    total = int(row.get("total", 1000 * GIB))
    taken = min(total, used(call, name))
    return {
        "storage": name,
        "type": row["type"],
        "content": ",".join(row["content"]),
        "shared": int(row.get("shared", 0)),
        "active": 1,
        "enabled": 1,
        "total": total,
        "used": taken,
        "avail": total - taken,
        "used_fraction": taken / total,
    }


@operation("GET /storage")
def storages(call: Call) -> Any:
    """List the definitions of storages the caller may see."""
    rows = []
    for name, row in call.state.storages.items():
        if call.params.get("type") not in {None, row["type"]}:
            continue
        if call.may(f"/storage/{name}", "Datastore.Audit", "Datastore.AllocateSpace"):
            rows.append(_definition(name, row))
    return rows


def _definition(name: str, row: dict[str, Any]) -> dict[str, Any]:
    found = {k: v for k, v in row.items() if k not in {"total", "content", "nodes"}}
    found |= {"storage": name, "content": ",".join(row["content"])}
    if row.get("nodes"):
        found["nodes"] = ",".join(row["nodes"])
    return found


@operation("GET /storage/{storage}")
def storage(call: Call) -> Any:
    """Show the definition of a storage."""
    name = str(call.params["storage"])
    if name not in call.state.storages:
        raise missing(f"storage '{name}' does not exist")
    return _definition(name, call.state.storages[name])


@operation(f"GET {STORAGE}")
def node_storages(call: Call) -> Any:
    """List the storages of a node."""
    wanted = {w for w in re.split(r"[,;\s]+", call.text("content") or "") if w}
    rows = []
    for name, row in call.state.storages.items():
        if not _on(row, call.node) or (wanted and not wanted & set(row["content"])):
            continue
        if call.params.get("storage") not in {None, name}:
            continue
        if call.may(f"/storage/{name}", "Datastore.Audit", "Datastore.AllocateSpace"):
            rows.append(state_of(call, name, row))
    return rows


@operation(f"GET {STORAGE}/{{storage}}/status")
def storage_status(call: Call) -> Any:
    """Show how full a storage is."""
    name = str(call.params["storage"])
    row = call.sim.disks.storage(name)
    found = state_of(call, name, dict(row))
    return {k: v for k, v in found.items() if k not in {"storage", "used_fraction"}}


@operation(f"GET {STORAGE}/{{storage}}/content")
def content(call: Call) -> Any:
    """List the volumes of a storage."""
    name = str(call.params["storage"])
    call.sim.disks.storage(name)
    rows = []
    for volume, row in sorted(call.state.volumes.items()):
        if not volume.startswith(f"{name}:") or row.get("node", call.node) != call.node:
            continue
        if call.params.get("content") not in {None, row["content"]}:
            continue
        vmid = row.get("vmid")
        if "vmid" in call.params and vmid != int(call.params["vmid"]):
            continue
        if vmid is None or call.may(f"/vms/{vmid}", "VM.Audit") or _sees_all(call, name):
            rows.append(_volume(volume, row))
    return rows


def _sees_all(call: Call, name: str) -> bool:
    return call.may(f"/storage/{name}", "Datastore.Allocate", "Datastore.AllocateSpace")


def _volume(volume: str, row: dict[str, Any]) -> dict[str, Any]:
    found = {"volid": volume, "content": row["content"], "size": row["size"]}
    found |= {"format": row["format"], "ctime": row.get("ctime", 1735689600)}
    if row.get("vmid") is not None:
        found["vmid"] = row["vmid"]
    return found


@operation(f"DELETE {STORAGE}/{{storage}}/content/{{volume}}")
def content_delete(call: Call) -> Any:
    """Destroy a volume, in a task."""
    volume = str(call.params["volume"])
    name = str(call.params["storage"])
    if ":" not in volume:
        volume = f"{name}:{volume}"
    row = call.state.volumes.get(volume, {})
    owner = row.get("vmid")
    if owner in call.state.guests:
        conf = call.state.guests[owner].conf
        if any(v == volume for _, v in call.sim.disks.volumes(conf)):
            text = f"Cannot remove image, a guest with VMID '{owner}' exists!\n"
            raise ApiError(text + "You can delete the image from the guest's hardware pane\n")

    def effect(_task: Task) -> None:
        if volume not in call.state.volumes:
            raise ApiError(f"can't delete '{volume}' - volume does not exist\n")
        call.sim.disks.free(volume)

    label = f"{owner}@{name}" if owner else name
    return call.sim.worker.start(call, "imgdel", label, effect)
