# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudStack for the generated suite: the simulator over TLS, with the root admin's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import virtsim
from plugins.module_utils.engine.resource import Declaration, Resource
from plugins.plugin_utils.api import looked_up
from tests.contract.support.world import World

_WRITES = r"command=(add|create|delete|deploy|destroy|reboot|remove|resize|scale|start|stop|update)"


class CloudStack(World):
    """The small seed: two instances called app in two accounts, one in a project."""

    def __init__(self, sim: virtsim.SimServer) -> None:
        self.sim = sim
        self.base = {
            "api_url": [f"{sim.url}/client/api"],
            "api_key": sim.credentials["api_key"],
            "api_secret": sim.credentials["secret_key"],
            "ca_path": sim.ca_file,
        }
        self.wrong_credentials = {"api_secret": "not-the-secret-key-of-this-user"}
        self.unreachable = {"api_url": ["https://127.0.0.1:1/client/api"]}

    def reset(self) -> None:
        self.sim.control.reset()

    def forget(self) -> None:
        self.sim.control.clear_journal()

    def requests(self) -> list[str]:
        return [_line(row) for row in self.sim.control.journal()]

    def writes(self) -> list[str]:
        return [_line(row) for row in self.sim.control.writes()]

    def snapshot(self) -> Any:
        tables = self.sim.control.snapshot()["tables"]
        # A destroyed instance is gone for the user, though the cloud still lists it.
        gone = {key for key, row in tables["machines"].items() if row["state"] == "Destroyed"}
        return {
            "machines": {key: row for key, row in tables["machines"].items() if key not in gone},
            "snapshots": tables["machine_snapshots"],
        }

    def count(self) -> int:
        return sum(len(rows) for rows in self.snapshot().values())

    def lose_answer(self, *, applied: bool, count: int = 1) -> None:
        self.sim.control.clear_faults()
        fault = "reset_after" if applied else "reset_before"
        self.sim.control.fault(fault, method="POST", path=_WRITES, count=count)

    def hang_write(self) -> None:
        self.sim.control.fault("timeout", method="POST", path=_WRITES, applied=True)

    def fail_operation(self) -> str:
        self.sim.control.fault("fail_job", path=_WRITES)
        return "virtsim: job failed on request"

    def in_state(self, declaration: Declaration) -> Mapping[str, Mapping[str, Any]]:
        return {"running": {"name": "web1"}, "stopped": {"name": "web2"}}

    def new(self, resource: Resource) -> Mapping[str, Any]:
        if resource.name == "cloudstack_instance_snapshot":
            return {"name": "fresh", "instance_name": "web2"}
        return {
            "name": "fresh",
            "template": "debian-12",
            "service_offering": "small",
            "nics": [{"network": "lab-net"}],
        }

    def twins(self, declaration: Declaration) -> Mapping[str, Any]:
        if declaration.name == "cloudstack_instance_snapshot":
            return {"name": "fresh", "instance_name": "app"}
        return {"name": "app"}

    def unknown(self, declaration: Declaration) -> Mapping[str, Any]:
        if declaration.name == "cloudstack_instance_snapshot":
            return {"name": "nosuch", "instance_name": "web2"}
        return {"name": "web9"}

    def call(self, declaration: Declaration, *, writes: bool) -> Mapping[str, Any]:
        if not writes:
            return looked_up(declaration.name, {"command": "listZones"})
        machines = self.sim.control.snapshot()["tables"]["machines"].values()
        ident = next(row["id"] for row in machines if row["name"] == "web2")
        return looked_up(
            declaration.name, {"command": "startVirtualMachine", "params": {"id": ident}}
        )


@contextmanager
def start() -> Iterator[CloudStack]:
    """Run the simulator; its clock jumps, so that no wait takes real time."""
    with virtsim.start("cloudstack", seed="small") as sim:
        yield CloudStack(sim)


def _line(row: Mapping[str, Any]) -> str:
    return str(row["path"].partition("command=")[2] or row["path"])
