# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxmox VE for the generated suite: the simulator over TLS, with a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import virtsim
from plugins.module_utils.engine.resource import Declaration, Resource
from plugins.plugin_utils.api import looked_up
from tests.contract.support.world import World

_LOGIN = "/api2/json/access/ticket"
_GUESTS = r"/nodes/[^/]+/qemu"


class Proxmox(World):
    """The small seed: every state a guest can be in, and two guests called app."""

    def __init__(self, sim: virtsim.SimServer) -> None:
        self._sim = sim
        credentials = sim.credentials
        self.base = {
            "api_host": [sim.url.removeprefix("https://")],
            "api_token_id": credentials["token_id"],
            "api_token_secret": credentials["token_secret"],
            "ca_path": sim.ca_file,
        }
        self.wrong_credentials = {"api_token_secret": "99999999-2222-4333-8444-555555555555"}
        self.unreachable = {"api_host": ["127.0.0.1:1"]}

    def reset(self) -> None:
        self._sim.control.reset()

    def forget(self) -> None:
        self._sim.control.clear_journal()

    def requests(self) -> list[str]:
        rows = self._sim.control.journal()
        return [_line(row) for row in rows if not row["path"].endswith(_LOGIN)]

    def writes(self) -> list[str]:
        return [_line(row) for row in self._sim.control.writes()]

    def snapshot(self) -> Any:
        return self._sim.control.snapshot()["guests"]

    def count(self) -> int:
        guests = self.snapshot().values()
        return sum(1 + len(guest.get("snapshots") or ()) for guest in guests)

    def lose_answer(self, *, applied: bool, count: int = 1) -> None:
        fault = "reset_after" if applied else "reset_before"
        self._sim.control.clear_faults()
        for method in ("POST", "PUT", "DELETE"):
            self._sim.control.fault(fault, method=method, path=_GUESTS, count=count)

    def hang_write(self) -> None:
        for method in ("POST", "PUT", "DELETE"):
            self._sim.control.fault("timeout", method=method, path=_GUESTS, applied=True)

    def fail_operation(self) -> str:
        self._sim.control.fault("fail_task", path=_GUESTS)
        return "TASK ERROR"

    def in_state(self, declaration: Declaration) -> Mapping[str, Mapping[str, Any]]:
        return {"running": {"name": "web1"}, "stopped": {"vmid": 101}, "paused": {"name": "db2"}}

    def new(self, resource: Resource) -> Mapping[str, Any]:
        if resource.name == "proxmox_vm_snapshot":
            return {"name": "fresh", "vmid": 101}
        return {
            "name": "fresh",
            "node": "pve1",
            "memory": 256,
            "disks": [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 4}],
            "nics": [{"slot": "net0", "bridge": "vmbr0"}],
        }

    def call(self, declaration: Declaration, *, writes: bool) -> Mapping[str, Any]:
        call = {"method": "POST", "path": "/nodes/pve1/qemu/101/status/start"}
        return looked_up(declaration.name, call if writes else {"path": "/version"})

    def twins(self, declaration: Declaration) -> Mapping[str, Any]:
        if declaration.name == "proxmox_vm_snapshot":
            return {"name": "fresh", "vm_name": "app"}
        return {"name": "app"}

    def unknown(self, declaration: Declaration) -> Mapping[str, Any]:
        if declaration.name == "proxmox_vm_snapshot":
            return {"name": "nosuch", "vmid": 101}
        return {"name": "web3"}


@contextmanager
def start() -> Iterator[Proxmox]:
    """Run the simulator; its clock jumps, so that no wait takes real time."""
    with virtsim.start("proxmox", seed="small") as sim:
        yield Proxmox(sim)


def _line(row: Mapping[str, Any]) -> str:
    return f"{row['method']} {row['path']}"
