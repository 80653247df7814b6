# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster as a whole shows: version, nodes, resources, the next free id."""

from __future__ import annotations

from typing import Any

from .api import Call, operation
from .errors import BAD_PARAMETERS, ApiError
from .guest_view import boot_disk_size, cpus, memory, status_row
from .model import Guest
from .storage_api import state_of

GIB = 1 << 30
FIRST_ID = 100
LIVE = ("cpu", "mem", "memhost", "disk", "netin", "netout", "diskread", "diskwrite", "uptime")


@operation("GET /version")
def version(_call: Call) -> Any:
    """Tell the release."""
    return {"release": "9.1", "repoid": "a8736b6c0de00000", "version": "9.1.9"}


@operation("GET /nodes")
def nodes(call: Call) -> Any:
    """List the nodes."""
    rows = []
    for name in call.state.nodes:
        row = _node(call, name)
        row["ssl_fingerprint"] = call.state.nodes[name].get("fingerprint")
        row.pop("cgroup-mode", None)
        rows.append(row)
    return rows


def _node(call: Call, name: str) -> dict[str, Any]:
    row = call.state.nodes[name]
    found: dict[str, Any] = {"id": f"node/{name}", "node": name, "type": "node"}
    found["status"] = "online" if row["online"] else "offline"
    if not row["online"] or not call.may(f"/nodes/{name}", "Sys.Audit"):
        return found
    running = [g for g in call.state.guests.values() if g.node == name and g.running]
    used = sum(memory(g) for g in running) // 2
    return found | {
        "cpu": min(1.0, 0.02 + 0.01 * len(running)),
        "maxcpu": row["cpus"],
        "mem": min(row["memory"], 2 * GIB + used),
        "maxmem": row["memory"],
        "disk": 8 * GIB,
        "maxdisk": 100 * GIB,
        "uptime": int(call.now - row["started"]),
        "level": "",
        "cgroup-mode": 2,
    }


@operation("GET /nodes/{node}/status")
def node_status(call: Call) -> Any:
    """Show one node."""
    row = call.state.nodes[call.node]
    return {
        "cpu": 0.02,
        "cpuinfo": {"cpus": row["cpus"], "cores": row["cpus"], "sockets": 1, "model": "virtsim"},
        "memory": {"total": row["memory"], "used": 2 * GIB, "free": row["memory"] - 2 * GIB},
        "loadavg": ["0.10", "0.10", "0.10"],
        "pveversion": "pve-manager/9.1.9/a8736b6c0de00000",
        "kversion": "Linux 6.17.2-1-pve #1 SMP",
        "rootfs": {"total": 100 * GIB, "used": 8 * GIB, "avail": 92 * GIB, "free": 92 * GIB},
        "swap": {"total": 0, "used": 0, "free": 0},
        "uptime": int(call.now - row["started"]),
    }


@operation("GET /nodes/{node}/version")
def node_version(call: Call) -> Any:
    """Tell the release of one node."""
    return version(call)


@operation("GET /cluster/status")
def cluster_status(call: Call) -> Any:
    """Show members and quorum."""
    online = [n for n, row in call.state.nodes.items() if row["online"]]
    head = {
        "id": "cluster",
        "type": "cluster",
        "name": call.state.name,
        "nodes": len(call.state.nodes),
        "quorate": int(len(online) * 2 > len(call.state.nodes)),
        "version": len(call.state.nodes),
    }
    rows = [
        {
            "id": f"node/{name}",
            "type": "node",
            "name": name,
            "nodeid": index,
            "ip": f"192.168.1.{10 + index}",
            "level": "",
            "local": int(name == call.sim.local_node),
            "online": int(row["online"]),
        }
        for index, (name, row) in enumerate(call.state.nodes.items(), 1)
    ]
    return [head, *rows]


@operation("GET /cluster/nextid")
def next_id(call: Call) -> Any:
    """Suggest a free guest id, or tell whether the given one is free."""
    taken = call.state.guests
    if "vmid" in call.params:
        if call.vmid in taken:
            text = f"VM {call.vmid} already exists"
            raise ApiError(BAD_PARAMETERS, 400, {"vmid": text})
        return str(call.vmid)
    free = FIRST_ID
    while free in taken:
        free += 1
    return str(free)


@operation("GET /cluster/resources")
def resources(call: Call) -> Any:
    """List everything the caller may see."""
    kind = call.text("type")
    rows: list[dict[str, Any]] = []
    if kind in {None, "vm"}:
        rows += _guests(call)
    if kind in {None, "node"}:
        rows += [_node(call, name) for name in call.state.nodes]
    if kind in {None, "storage"}:
        rows += _storages(call)
    if kind is None:
        rows += [
            {"id": f"/pool/{name}", "pool": name, "type": "pool"}
            for name in call.state.access.pools
            if call.may(f"/pool/{name}", "Pool.Audit")
        ]
    if kind in {None, "sdn"}:
        rows += [
            {
                "id": f"sdn/{node}/localnetwork",
                "sdn": "localnetwork",
                "node": node,
                "status": "ok",
                "type": "sdn",
            }
            for node in call.state.nodes
            if call.may("/sdn/zones/localnetwork", "SDN.Audit")
        ]
    return rows


def _guests(call: Call) -> list[dict[str, Any]]:
    stale = call.sim.observation(call)
    everything = call.may("/", "VM.Audit")
    pools = {v: p for p, row in call.state.access.pools.items() for v in row["vms"]}
    return [
        guest_row(call, guest, pools.get(guest.vmid), stale)
        for guest in call.state.guests.values()
        if everything or call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


def guest_row(
    call: Call, guest: Guest, pool: str | None, stale: dict[int, dict[str, Any]] | None
) -> dict[str, Any]:
    """Show a guest: what the status daemon last broadcast, and what is known at once."""
    row: dict[str, Any] = {
        "id": f"qemu/{guest.vmid}",
        "type": "qemu",
        "vmid": guest.vmid,
        "node": guest.node,
    }
    if not call.state.nodes[guest.node]["online"]:
        row["status"] = "unknown"
    elif stale is None:
        row |= broadcast(call, guest)
    else:
        row |= stale.get(guest.vmid, {"status": "unknown"})
    for key, value in (
        ("pool", pool),
        ("tags", guest.conf.get("tags")),
        ("lock", guest.conf.get("lock")),
    ):
        if value:
            row[key] = value
    return row


def broadcast(call: Call, guest: Guest) -> dict[str, Any]:
    """Give what the status daemon says about a guest."""
    live = status_row(call, guest, full=False)
    found = {key: live.get(key, 0) for key in LIVE}
    return found | {
        "name": guest.name,
        "status": guest.status,
        "template": int(guest.template),
        "maxcpu": cpus(guest),
        "maxmem": memory(guest),
        "maxdisk": boot_disk_size(guest, call.sim.disks),
    }


def _storages(call: Call) -> list[dict[str, Any]]:
    rows = []
    for name, row in call.state.storages.items():
        if not call.may(f"/storage/{name}", "Datastore.Audit", "Datastore.AllocateSpace"):
            continue
        fill = state_of(call, name, row)
        for node in row.get("nodes") or call.state.nodes:
            rows.append(
                {
                    "id": f"storage/{node}/{name}",
                    "type": "storage",
                    "storage": name,
                    "node": node,
                    "status": "available" if call.state.nodes[node]["online"] else "unknown",
                    "plugintype": row["type"],
                    "content": fill["content"],
                    "shared": fill["shared"],
                    "maxdisk": fill["total"],
                    "disk": fill["used"],
                }
            )
    return rows
