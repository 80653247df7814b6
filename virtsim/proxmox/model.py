# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a simulated cluster: nodes, guests, storages, users, tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.state import Dict, List, Record
from .privileges import ROLES


class Access(Record):
    """Users, tokens, groups, roles, pools and access rules."""

    def __init__(self) -> None:
        """Start with root and the shipped roles."""
        self.users: dict[str, Any] = Dict()
        self.groups: dict[str, Any] = Dict()
        self.custom_roles: dict[str, Any] = Dict()
        self.pools: dict[str, Any] = Dict()
        self.acl: list[dict[str, Any]] = List()
        self.realms: dict[str, Any] = Dict(
            {
                "pam": {"type": "pam", "comment": "Linux PAM standard authentication"},
                "pve": {"type": "pve", "comment": "Proxmox VE authentication server"},
            }
        )

    def token(self, tokenid: str) -> dict[str, Any] | None:
        """Find a token by `user@realm!name`."""
        owner, _, name = tokenid.partition("!")
        found: dict[str, Any] | None = self.users.get(owner, {}).get("tokens", {}).get(name)
        return found

    def privileges_of(self, role: str) -> list[str]:
        """Give the privileges of a role."""
        if role in ROLES:
            return sorted(ROLES[role])
        return list(self.custom_roles.get(role, []))

    def pool_of(self, vmid: int) -> str | None:
        """Find the pool of a guest."""
        return next((p for p, row in self.pools.items() if vmid in row["vms"]), None)


@dataclass
class Guest(Record):
    """One virtual machine: its configuration and what runs of it."""

    vmid: int
    node: str
    conf: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    snapshots: dict[str, dict[str, str]] = field(default_factory=dict)
    status: str = "stopped"
    paused: bool = False
    started: float = 0.0
    pid: int = 0
    agent: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Give the name, or the one the server makes up."""
        return self.conf.get("name", f"VM {self.vmid}")

    @property
    def template(self) -> bool:
        """Tell whether the guest is a template."""
        return self.conf.get("template") == "1"

    @property
    def running(self) -> bool:
        """Tell whether a process runs."""
        return self.status == "running"


@dataclass
class Task(Record):
    """One background task, known by its UPID."""

    upid: str
    node: str
    type: str
    id: str
    user: str
    pid: int
    pstart: int
    starttime: int
    endtime: int | None = None
    exitstatus: str | None = None
    log: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Spell the task as task lists do."""
        found: dict[str, Any] = {
            "upid": self.upid,
            "node": self.node,
            "pid": self.pid,
            "pstart": self.pstart,
            "starttime": self.starttime,
            "type": self.type,
            "id": self.id,
            "user": self.user,
        }
        if self.endtime is not None:
            found["endtime"] = self.endtime
            found["status"] = self.exitstatus
        return found


class Cluster(Record):
    """The whole state of one simulator."""

    def __init__(self, name: str = "demo") -> None:
        """Start empty."""
        self.name = name
        self.access = Access()
        self.nodes: dict[str, Any] = Dict()
        self.guests: dict[int, Guest] = Dict()
        self.storages: dict[str, Any] = Dict()
        self.volumes: dict[str, Any] = Dict()
        self.tasks: dict[str, Task] = Dict()
        self.ended: list[str] = List()
        self.options: dict[str, str] = Dict()
        self.counters: dict[str, int] = Dict({"pid": 4321, "mac": 0, "uuid": 0, "ticket": 0})
        self.observed: dict[str, Any] = Dict()

    def count(self, name: str) -> int:
        """Take the next number of a counter."""
        self.counters[name] += 1
        return self.counters[name]
