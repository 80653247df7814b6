# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a machine: others who write, locks, protection, wrong names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from plugins.module_utils.engine.errors import Conflict
from plugins.module_utils.engine.planning import make_plan
from plugins.module_utils.engine.resource import Access, Wait
from plugins.module_utils.proxmox.platform import PLATFORM
from plugins.module_utils.proxmox.resources.vm import VM, Vm
from plugins.module_utils.proxmox.tasks_of import GuestTasks
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module
from virtsim.proxmox.simulator import ProxmoxSimulator

Start = Callable[..., virtsim.SimServer]


def vm(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm", options(sim, **given), check=check)


def writes(sim: virtsim.SimServer) -> list[dict[str, Any]]:
    return list(sim.control.writes())


def access(*, read_only: bool = False) -> Access:
    return Access(read_only, print, lambda _text: None, lambda _operation: None)


def test_a_write_that_meets_anothers_is_planned_anew(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("conflict", method="POST", path="/config")
    changed = vm(sim, vmid=101, memory=4096)
    assert not changed.failed, changed.json
    assert [row["applied"] for row in writes(sim)] == [False, True]
    assert changed.object["memory_mib"] == 4096


@pytest.mark.parametrize(("secrets", "written"), [("on_create", False), ("always", True)])
def test_planning_anew_writes_a_password_only_when_it_was_to_be(
    proxmox_sim: Start, secrets: str, written: bool
) -> None:
    sim = proxmox_sim()
    sim.control.fault("conflict", method="POST", path="/config")
    changed = vm(sim, vmid=101, memory=4096, ci_password="a-secret-word", update_secrets=secrets)
    assert not changed.failed, changed.json
    conf = sim.control.snapshot()["guests"]["101"]["conf"]
    assert ("cipassword" in conf) is written


def test_a_conflict_that_stays_ends_after_three_attempts(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("conflict", method="POST", path="/config", count=0)
    refused = vm(sim, vmid=101, memory=4096)
    assert refused.kind == "conflict"
    assert len(writes(sim)) == 3


def test_what_somebody_else_wrote_meanwhile_is_kept(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    desired = {"vmid": 101, "state": "present", "tags": ["mine"]}
    with PLATFORM.connect(options(sim), access()) as client:
        ours = Vm(client, desired, Wait())
        (actual,) = ours.find()
        client.write("PUT", "/nodes/pve1/qemu/101/config", {"tags": "theirs"})
        ours.update(actual, make_plan(VM, desired, actual))
        assert client.get("/nodes/pve1/qemu/101/config")["tags"] == "mine;theirs"


def test_a_write_without_a_fresh_look_is_refused_by_the_digest(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    with PLATFORM.connect(options(sim), access()) as client:
        ours = Vm(client, {"vmid": 101}, Wait())
        (actual,) = ours.find()
        client.write("PUT", "/nodes/pve1/qemu/101/config", {"tags": "theirs"})
        with pytest.raises(Conflict):
            ours._configure(actual, {"tags": "mine"}, [])


def pending(sim: virtsim.SimServer, **other: Any) -> None:
    """Let the list of what is pending be one without a digest."""
    with PLATFORM.connect(options(sim), access()) as client:
        config = {**client.get("/nodes/pve1/qemu/100/config"), **other}
    rows = [{"key": key, "value": value} for key, value in config.items() if key != "digest"]
    path = {"method": "GET", "path": "/qemu/100/pending$", "count": 0}
    sim.control.fault("status", **path, status=200, json={"data": rows})


def test_a_digest_that_was_not_told_is_fetched_with_the_same_configuration(
    proxmox_sim: Start,
) -> None:
    sim = proxmox_sim()
    pending(sim)
    with PLATFORM.connect(options(sim), access()) as client:
        ours = Vm(client, {"vmid": 100, "state": "present", "tags": ["mine"]}, Wait())
        (actual,) = ours.find()
        digest = client.get("/nodes/pve1/qemu/100/config")["digest"]
        ours.update(actual, make_plan(VM, {"tags": ["mine"]}, actual))
    assert [row["params"]["digest"] for row in writes(sim)] == [digest]


def test_a_configuration_that_is_another_by_then_is_a_conflict(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    pending(sim, memory=77)
    refused = vm(sim, vmid=100, tags=["mine"])
    assert refused.kind == "conflict"
    assert "changed by somebody else" in refused.json["msg"]
    assert writes(sim) == []


def test_anothers_task_is_not_taken_for_ours(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    with PLATFORM.connect(options(sim), access()) as client:
        ours = GuestTasks(client, "pve1", 101, ("qmstart",))
        client.write("POST", "/nodes/pve1/qemu/101/snapshot", {"snapname": "theirs"})
        assert ours.settle(5) is False
        client.write("POST", "/nodes/pve1/qemu/101/status/start")
        assert ours.settle(5) is True


@pytest.mark.parametrize("force", [False, True])
def test_a_protected_machine_is_neither_deleted_nor_stopped(
    proxmox_sim: Start, force: bool
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, name="protected", state="absent", force=force, check=check)
        assert refused.kind == "validation"
        assert "protection: false" in refused.error["message"]
    assert writes(sim) == []
    assert not vm(sim, name="protected", protection=False).failed
    assert vm(sim, name="protected", state="absent", force=True).changed
    assert "107" not in sim.control.snapshot()["guests"]


@pytest.mark.parametrize(
    "change", [{"memory": 4096}, {"state": "absent"}, {"state": "started"}], ids=str
)
def test_a_locked_machine_is_reported_as_locked(proxmox_sim: Start, change: dict[str, Any]) -> None:
    sim = proxmox_sim()
    before = sim.control.snapshot()["guests"]
    result = vm(sim, name="backup-target", **change)
    assert result.kind == "locked", result.json
    assert "backup" in result.error["message"]
    assert result.error["retryable"]
    assert sim.control.snapshot()["guests"] == before


@pytest.mark.parametrize("clone", [None, {"vmid": 9000}], ids=["from nothing", "as a clone"])
def test_an_unknown_node_is_refused_with_the_nearest_name(
    proxmox_sim: Start, clone: dict[str, Any] | None
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, name="fresh", node="pve11", clone=clone, check=check)
        assert refused.kind == "not_found"
        assert "Did you mean pve1?" in refused.error["message"]
    assert writes(sim) == []


def test_an_unreachable_node_is_unavailable_and_nothing_is_made(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.simulator.state.nodes["pve2"]["online"] = False
    refused = vm(sim, name="fresh", node="pve2")
    assert refused.kind == "unavailable"
    assert refused.error["retryable"]
    assert len(sim.control.snapshot()["guests"]) == 14


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "proxy_596"])
def test_a_config_write_with_a_lost_answer_is_applied_once(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    sim.control.fault(fault, method="POST", path="/config")
    changed = vm(sim, vmid=101, memory=4096, tags=["late"])
    assert not changed.failed, changed.json
    assert sum(row["applied"] for row in writes(sim)) == 1
    assert changed.object["tags"] == ["late", "prod", "web"]


def test_states_that_the_cluster_lists_late_do_not_mislead(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert isinstance(sim.simulator, ProxmoxSimulator)
    sim.simulator.lagging = True
    assert vm(sim, vmid=101).object["state"] == "stopped"
    for state, seen in (("started", "running"), ("stopped", "stopped"), ("started", "running")):
        changed = vm(sim, vmid=101, state=state)
        assert not changed.failed, changed.json
        assert changed.changed
        assert changed.object["state"] == seen
        assert not vm(sim, vmid=101, state=state).changed
    assert vm(sim, vmid=101, memory=4096, restart="if_needed").object["state"] == "running"
    assert vm(sim, vmid=101, state="absent", force=True).changed
