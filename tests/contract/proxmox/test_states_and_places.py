# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine is said to be, and where a new one goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]
NEW = {"name": "fresh", "memory": 256}
RESOURCES = "/cluster/resources"


def vm(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm", options(sim, **given), check=check)


def power(sim: virtsim.SimServer, **given: Any) -> Result:
    return run_module("proxmox_vm_power", options(sim, **given))


def listed(sim: virtsim.SimServer, **given: Any) -> dict[int, str]:
    found = run_module("proxmox_vm_info", options(sim, **given)).json["objects"]
    return {each["vmid"]: each["state"] for each in found}


def answer(sim: virtsim.SimServer, path: str, data: Any, count: int = 1) -> None:
    """Let the cluster say something that the simulator cannot be brought to."""
    rule = {"method": "GET", "path": f"{path}$", "count": count}
    sim.control.fault("status", **rule, status=200, json={"data": data})


def test_an_address_is_needed(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    for host in (None, []):
        result = run_module("proxmox_vm_info", options(sim, api_host=host))
        assert (result.kind, list(result.error["fields"])) == ("validation", ["api_host"])


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("::1", "[::1]:1"),
        ("[::1]", "[::1]:1"),
        ("[::1]:2", "[::1]:2"),
        ("https://127.0.0.1/", "127.0.0.1:1"),
        ("127.0.0.1:2", "127.0.0.1:2"),
    ],
)
def test_a_host_has_its_own_port_or_the_common_one(
    proxmox_sim: Start, host: str, asked: str
) -> None:
    result = run_module("proxmox_vm_info", options(proxmox_sim(), api_host=[host], api_port=1))
    assert result.kind == "unavailable"
    assert result.json["msg"].startswith(f"{asked} cannot be reached")


def test_paused_ones_can_be_chosen(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert listed(sim, state=["paused"]) == {103: "paused"}
    assert 103 in listed(sim, state=["running"])


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"lock": "migrate", "status": "running"}, "migrating"),
        ({"lock": "create", "status": "stopped"}, "provisioning"),
        ({"lock": "backup", "status": "running"}, "running"),
        ({"qmpstatus": "prelaunch", "status": "running"}, "starting"),
        ({"status": "io-error"}, "unknown"),
    ],
)
def test_a_state_is_told_by_lock_and_status(
    proxmox_sim: Start, row: dict[str, str], state: str
) -> None:
    sim = proxmox_sim()
    answer(sim, RESOURCES, [{"type": "qemu", "vmid": 1, "node": "pve1", "name": "odd", **row}])
    assert listed(sim) == {1: state}


def test_one_whose_name_is_not_known_yet_is_found_and_not_made_again(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    rows = [
        {"type": "qemu", "vmid": 111, "node": "pve2", "status": "stopped"},
        {"type": "qemu", "vmid": 100, "node": "pve1", "status": "running"},
        {"type": "qemu", "vmid": 105, "node": "pve3", "status": "unknown"},
    ]
    answer(sim, RESOURCES, rows, count=0)
    found = vm(sim, name="web1")
    assert not found.failed, found.json
    assert (found.changed, found.object["vmid"]) == (False, 100)
    looked = [row["path"] for row in sim.control.journal() if row["path"].endswith("105/config")]
    assert looked == [], "a node that does not answer is not asked"


def test_a_template_has_no_power(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    result = power(sim, vmid=9000, state="started")
    assert result.kind == "unsupported"
    assert sim.control.writes() == []


def test_a_paused_one_is_started_by_going_on(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert power(sim, vmid=103, state="started").object["state"] == "running"
    assert [row["path"].rpartition("/")[2] for row in sim.control.writes()] == ["resume"]


def test_a_restart_is_seen_by_the_uptime_where_no_process_is_told(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    status = {"vmid": 100, "name": "web1", "status": "running", "uptime": 7200}
    answer(sim, "/qemu/100/status/current", status)
    answer(sim, "/qemu/100/status/current", {**status, "uptime": 3})
    assert power(sim, vmid=100, state="restarted").changed


def test_a_new_one_goes_to_the_node_with_the_most_free_memory(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    nodes = [
        {"node": "pve1", "status": "online", "maxmem": 100, "mem": 90},
        {"node": "pve2", "status": "online", "maxmem": 90, "mem": 20},
        {"node": "pve3", "status": "offline", "maxmem": 900, "mem": 0},
    ]
    answer(sim, "/nodes", nodes)
    made = vm(sim, **NEW)
    assert (made.changed, made.object["host"]) == (True, "pve2")


def test_without_a_node_that_is_online_nothing_is_made(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    answer(sim, "/nodes", [{"node": "pve1", "status": "offline"}])
    result = vm(sim, **NEW)
    assert result.kind == "validation"
    assert "No node is online" in result.json["msg"]
    assert sim.control.writes() == []


def test_a_new_one_is_put_into_its_pool_with_the_format_of_its_disk(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    disk = {"slot": "scsi0", "storage": "local", "size_gib": 4, "format": "qcow2"}
    made = vm(sim, **NEW, node="pve1", pool="dev", disks=[disk])
    assert made.changed, made.json
    guest = sim.control.snapshot()["guests"][str(made.object["vmid"])]
    assert guest["conf"]["scsi0"].partition(",")[0].endswith(".qcow2")
    listing = run_module("proxmox_vm_info", options(sim, vmid=made.object["vmid"]))
    assert listing.json["objects"][0]["pool"] == "dev"


def test_ids_that_others_take_meanwhile_come_to_an_end(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    text = "unable to create VM 112 - VM 112 already exists on node 'pve1'"
    refusal = {"status": 500, "reason": text, "json": {"data": None, "message": text}}
    sim.control.fault("status", method="POST", path="/qemu$", count=0, **refusal)
    result = vm(sim, **NEW, node="pve1")
    assert (result.kind, len(sim.control.writes())) == ("conflict", 20)
    assert "give vmid" in result.json["msg"]


def test_the_cloud_init_drive_needs_a_free_slot(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    slots = [{"slot": f"ide{n}", "storage": "local-lvm", "size_gib": 1} for n in range(4)]
    result = vm(sim, **NEW, node="pve1", disks=slots, ci_storage="local-lvm")
    assert result.kind == "validation"
    assert "no IDE slot is free" in result.json["msg"]
    assert sim.control.writes() == []


def test_one_that_somebody_else_deletes_meanwhile_is_a_conflict(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("conflict", method="POST", path="/config")
    rule = {"method": "GET", "path": f"{RESOURCES}$", "nth": 2, "count": 0, "status": 200}
    sim.control.fault("status", **rule, json={"data": []})
    result = vm(sim, vmid=101, memory=4096)
    assert result.kind == "conflict"
    assert "101 is gone" in result.json["msg"]
