# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: what the generated suite cannot know of the machine that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]
SNAPSHOTS = "/nodes/pve1/qemu/101/snapshot"


def snapshot(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm_snapshot", options(sim, **given), check=check)


def calls(sim: virtsim.SimServer) -> list[str]:
    rows = sim.control.writes()
    return [f"{row['method']} {row['path'].removeprefix('/api2/json')}" for row in rows]


def test_it_says_when_it_was_taken_and_after_which(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    found = snapshot(sim, vm_name="history", name="before", description="before the upgrade")
    assert not found.changed
    assert found.object == {
        "vmid": 110,
        "node": "pve1",
        "name": "before",
        "description": "before the upgrade",
        "vmstate": False,
        "snaptime": 1735689700,
        "parent": None,
    }
    assert snapshot(sim, vmid=110, name="after").object["parent"] == "before"


@pytest.mark.parametrize(("vmid", "kept"), [(100, True), (101, False)])
def test_only_a_running_machine_has_memory_to_keep(
    proxmox_sim: Start, vmid: int, kept: bool
) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {"vmid": vmid, "name": "fresh", "vmstate": True}
    assert snapshot(sim, **args).object["vmstate"] is kept
    assert not snapshot(sim, **args).changed


def test_a_description_is_changed_in_place_and_emptied(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    for text in ("new", ""):
        changed = snapshot(sim, vmid=110, name="before", description=text)
        assert changed.diff["after"] == {"description": text}
        assert changed.object["description"] == text
        assert changed.object["snaptime"] == 1735689700
        assert not snapshot(sim, vmid=110, name="before", description=text).changed
    assert calls(sim) == ["PUT /nodes/pve1/qemu/110/snapshot/before/config"] * 2


def test_deleting_one_leaves_the_others(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    deleted = snapshot(sim, vmid=110, name="before", state="absent")
    assert deleted.diff == {"before": {"state": "present"}, "after": {"state": "absent"}}
    assert calls(sim) == ["DELETE /nodes/pve1/qemu/110/snapshot/before"]
    assert snapshot(sim, vmid=110, name="after").object["parent"] is None


@pytest.mark.parametrize("name", ["current", "pending", "9lives", "a", "a" * 41, "with space"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(
    proxmox_sim: Start, name: str, state: str
) -> None:
    sim = proxmox_sim()
    result = snapshot(sim, vmid=101, name=name, state=state)
    assert result.kind == "validation"
    assert list(result.error["fields"]) == ["name"]
    assert name in result.error["message"]
    assert sim.control.journal() == []


def test_without_a_machine_it_is_refused_before_anything_is_sent(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    result = snapshot(sim, name="fresh")
    assert result.kind == "validation"
    assert "vm_name" in result.error["message"]
    assert sim.control.journal() == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_unknown_machine_is_not_found_with_the_nearest_name(
    proxmox_sim: Start, state: str
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        result = snapshot(sim, vm_name="histroy", name="before", state=state, check=check)
        assert result.kind == "not_found"
        assert "Did you mean history?" in result.error["message"]
    assert sim.control.writes() == []


def test_two_machines_of_one_name_are_told_apart_by_id_or_node(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    result = snapshot(sim, vm_name="app", name="fresh")
    assert result.kind == "ambiguous"
    assert "104" in result.error["message"]
    assert "105" in result.error["message"]
    assert sim.control.writes() == []
    assert snapshot(sim, vm_name="app", node="pve3", name="fresh").object["vmid"] == 105


def test_a_locked_machine_is_reported_as_locked(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    before = sim.control.snapshot()["guests"]
    result = snapshot(sim, vm_name="backup-target", name="fresh")
    assert result.kind == "locked"
    assert result.error["retryable"]
    assert sim.control.snapshot()["guests"] == before


@pytest.mark.parametrize("progress", ["prepare", "delete"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_unfinished_snapshot_is_left_alone(
    proxmox_sim: Start, progress: str, state: str
) -> None:
    sim = proxmox_sim()
    sim.simulator.state.guests[110].snapshots["after"]["snapstate"] = progress
    for check in (True, False):
        result = snapshot(sim, vmid=110, name="after", state=state, check=check)
        assert result.kind == "locked", result.json
        assert progress in result.error["message"]
    assert snapshot(sim, vmid=110, name="before").object["name"] == "before"
    assert sim.control.writes() == []


@pytest.mark.parametrize("fault", ["reset_after", "truncate", "proxy_596"])
def test_a_lost_answer_is_waited_for_and_sent_once(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    sim.control.fault(fault, method="POST", path=SNAPSHOTS)
    taken = snapshot(sim, vmid=101, name="fresh")
    assert not taken.failed, taken.json
    sim.control.fault(fault, method="DELETE", path=SNAPSHOTS)
    deleted = snapshot(sim, vmid=101, name="fresh", state="absent")
    assert not deleted.failed, deleted.json
    assert calls(sim) == [f"POST {SNAPSHOTS}", f"DELETE {SNAPSHOTS}/fresh"]


def test_waiting_ends_and_names_the_task(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("endless_task", path=SNAPSHOTS)
    result = snapshot(sim, vmid=101, name="fresh", wait_timeout=1)
    assert result.kind == "timeout"
    assert "UPID:" in result.error["message"]
