# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart is proven by another run of the machine, never assumed from a task that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]


def restart(sim: virtsim.SimServer, **given: Any) -> Result:
    args = {"vmid": 100, "state": "restarted", **given}
    return run_module("proxmox_vm_power", options(sim, **args))


def calls(sim: virtsim.SimServer) -> list[str]:
    return [row["path"].rpartition("/")[2] for row in sim.control.writes()]


def process(sim: virtsim.SimServer, vmid: int = 100) -> int:
    return int(sim.simulator.state.guests[vmid].pid)


@pytest.mark.parametrize(
    ("force", "expected"), [(False, ["reboot"]), (True, ["stop", "start"])], ids=["soft", "hard"]
)
def test_it_ends_when_the_machine_runs_anew(
    proxmox_sim: Start, force: bool, expected: list[str]
) -> None:
    sim = proxmox_sim()
    before = process(sim)
    result = restart(sim, force=force)
    assert not result.failed, result.json
    assert result.object["state"] == "running"
    assert process(sim) != before
    assert calls(sim) == expected


def test_a_start_that_fails_after_the_shutdown_is_loud(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("fail_start", method="POST", path="/status/reboot")
    result = restart(sim)
    assert result.kind == "operation_failed"
    assert "asked to fail" in result.error["message"]


def test_a_reboot_that_changes_nothing_is_not_believed(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("idle_reboot", method="POST", path="/status/reboot")
    result = restart(sim, wait_timeout=1)
    assert result.kind == "operation_failed"
    assert "it did not" in result.error["message"]


@pytest.mark.parametrize("fault", ["reset_after", "truncate", "proxy_596", "reset_before"])
def test_a_lost_answer_restarts_it_once(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    before = process(sim)
    sim.control.fault(fault, method="POST", path="/status/reboot")
    result = restart(sim)
    assert not result.failed, result.json
    assert process(sim) != before
    assert sum(row["applied"] for row in sim.control.writes()) == 1


def test_a_lost_answer_whose_restart_fails_is_not_called_a_success(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("reset_after", method="POST", path="/status/reboot")
    sim.control.fault("fail_start", method="POST", path="/status/reboot")
    result = restart(sim)
    assert result.failed
    assert calls(sim) == ["reboot"]


@pytest.mark.parametrize("call", ["stop", "start"])
@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
def test_a_hard_restart_that_lost_one_answer_ends_running(
    proxmox_sim: Start, call: str, fault: str
) -> None:
    sim = proxmox_sim()
    before = process(sim)
    sim.control.fault(fault, method="POST", path=f"/status/{call}")
    result = restart(sim, force=True)
    assert not result.failed, result.json
    assert result.object["state"] == "running"
    assert process(sim) != before
    applied = [row["path"].rpartition("/")[2] for row in sim.control.writes() if row["applied"]]
    assert applied == ["stop", "start"]


def test_a_stopped_machine_is_started(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert restart(sim, vmid=101).object["state"] == "running"
    assert calls(sim) == ["start"]


def test_a_paused_machine_is_switched_off_and_on(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert restart(sim, vmid=103).object["state"] == "running"
    assert calls(sim) == ["stop", "start"]
