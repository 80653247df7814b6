# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt for the generated suite: the simulator over TLS, with a bearer token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import virtsim
from plugins.module_utils.engine.resource import Declaration, Resource
from plugins.plugin_utils.api import looked_up
from tests.contract.support.world import World

_KINDS = r"/(virtualmachines|virtualmachineinstances|virtualmachinesnapshots)\b"
_SHOWN = ("virtualmachines.kubevirt.io", "virtualmachinesnapshots.snapshot.kubevirt.io")


class KubeVirt(World):
    """The small seed: every state a machine can be in, and two of one name in two namespaces."""

    def __init__(self, sim: virtsim.SimServer) -> None:
        self.sim = sim
        self.base = {
            "api_url": [sim.url],
            "api_token": sim.credentials["token"],
            "ca_path": sim.ca_file,
        }
        self.wrong_credentials = {"api_token": "not-the-token-of-anybody"}
        self.unreachable = {"api_url": ["https://127.0.0.1:1"]}

    def reset(self) -> None:
        self.sim.control.reset()

    def forget(self) -> None:
        self.sim.control.clear_journal()

    def requests(self) -> list[str]:
        return [_line(row) for row in self.sim.control.journal()]

    def writes(self) -> list[str]:
        return [_line(row) for row in self.sim.control.writes()]

    def snapshot(self) -> Any:
        tables = self.sim.control.snapshot()
        return {name: _stable(tables.get(name, {})) for name in _SHOWN}

    def count(self) -> int:
        return sum(len(rows) for rows in self.snapshot().values())

    def lose_answer(self, *, applied: bool, count: int = 1) -> None:
        self.sim.control.clear_faults()
        fault = "reset_after" if applied else "reset_before"
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.sim.control.fault(fault, method=method, path=_KINDS, count=count)

    def hang_write(self) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.sim.control.fault("timeout", method=method, path=_KINDS, applied=True)

    def fail_operation(self) -> str:
        self.sim.control.fault("fail_start")
        self.sim.control.fault("fail_snapshot")
        self.sim.control.fault("webhook_down", method="PATCH")
        return "failed on request"

    def failing(self, resource: Resource) -> Mapping[str, Any]:
        # To create a machine is to store it; only what starts it can fail.
        started = {"state": "started"} if resource.name == "kubevirt_vm" else {}
        return {**self.new(resource), **started}

    def in_state(self, declaration: Declaration) -> Mapping[str, Mapping[str, Any]]:
        return {"running": {"name": "web1"}, "stopped": {"name": "web2"}, "paused": {"name": "db2"}}

    def new(self, resource: Resource) -> Mapping[str, Any]:
        if resource.name == "kubevirt_vm_snapshot":
            return {"name": "fresh", "vm_name": "web2"}
        return {
            "name": "fresh",
            "memory_mib": 512,
            "disks": [{"name": "root", "container_image": "quay.io/containerdisks/fedora:latest"}],
        }

    def unknown(self, declaration: Declaration) -> Mapping[str, Any]:
        if declaration.name == "kubevirt_vm_snapshot":
            return {"name": "nosuch", "vm_name": "web2"}
        return {"name": "web9"}

    def twins(self, declaration: Declaration) -> Mapping[str, Any] | None:
        # A namespace and a name are one object, so that only a list can show two.
        return {"name": "app"} if declaration.kind == "info" else None

    def call(self, declaration: Declaration, *, writes: bool) -> Mapping[str, Any]:
        if not writes:
            return looked_up(declaration.name, {"kind": "Node", "verb": "list"})
        machine = {"kind": "VirtualMachine", "namespace": "default", "name": "web1"}
        body = {"metadata": {"labels": {"poked": "yes"}}}
        return looked_up(declaration.name, {**machine, "verb": "patch", "body": body})


@contextmanager
def start() -> Iterator[KubeVirt]:
    """Run the simulator; its clock jumps, so that no wait takes real time."""
    with virtsim.start("kubevirt", seed="small") as sim:
        yield KubeVirt(sim)


def _stable(objects: Mapping[str, Any]) -> dict[str, Any]:
    """Return what users see of objects: without versions, and without what controllers note."""
    return {
        place: {
            "uid": obj["metadata"]["uid"],
            "labels": obj["metadata"].get("labels"),
            "annotations": obj["metadata"].get("annotations"),
            "spec": obj["spec"],
        }
        for place, obj in objects.items()
    }


def _line(row: Mapping[str, Any]) -> str:
    return f"{row['method']} {row['path']}"
