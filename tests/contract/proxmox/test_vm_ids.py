# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines made side by side get ids of their own; an id that is given is used."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import run_module

Start = Callable[..., virtsim.SimServer]
TOGETHER = 5


def test_machines_made_side_by_side_get_different_ids(proxmox_sim: Start) -> None:
    sim = proxmox_sim(latency=0.05)
    args = options(sim, node="pve1", memory=256)
    with ThreadPoolExecutor(TOGETHER) as pool:
        made = list(
            pool.map(
                lambda number: run_module("proxmox_vm", {**args, "name": f"twin{number}"}),
                range(TOGETHER),
            )
        )
    assert [each.json.get("msg") for each in made] == [None] * TOGETHER
    assert len({each.object["vmid"] for each in made}) == TOGETHER
    refused = [row for row in sim.control.writes() if not row["applied"]]
    assert refused, "they never met: the test shows nothing"


def test_a_given_id_that_is_taken_finds_that_machine(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    made = run_module("proxmox_vm", options(sim, vmid=4321, name="mine", node="pve1"))
    assert made.object["vmid"] == 4321
    again = run_module("proxmox_vm", options(sim, vmid=4321, name="mine"))
    assert not again.changed


def test_a_running_machine_is_not_deleted_by_accident(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = run_module("proxmox_vm", options(sim, name="web1", state="absent"), check=check)
        assert refused.kind == "validation"
    assert sim.control.writes() == []


def test_a_disk_does_not_shrink_and_check_mode_knows(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    smaller = [{"slot": "scsi0", "size_gib": 2}]
    for check in (True, False):
        refused = run_module("proxmox_vm", options(sim, vmid=101, disks=smaller), check=check)
        assert refused.kind == "validation"
        assert "cannot shrink" in refused.error["message"]
    assert sim.control.writes() == []


def test_what_waits_for_a_restart_is_said_once_and_applied_when_asked(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    first = run_module("proxmox_vm", options(sim, name="web1", memory=4096))
    assert (first.changed, first.json["restart_required"]) == (True, True)
    assert first.json["pending"] == {"memory": 4096}
    second = run_module("proxmox_vm", options(sim, name="web1", memory=4096))
    assert (second.changed, second.json["restart_required"]) == (False, True)
    third = run_module("proxmox_vm", options(sim, name="web1", memory=4096, restart="if_needed"))
    assert (third.changed, third.json["restart_required"]) == (True, False)
    assert third.object["state"] == "running"
