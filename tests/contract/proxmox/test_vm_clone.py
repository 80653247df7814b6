# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines made from others and from images: what is copied, finished, and made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module
from tests.waiting import wait_for

Start = Callable[..., virtsim.SimServer]
CLONE = "/qemu/9000/clone"
IMAGE = "local:import/debian-12-genericcloud-amd64.qcow2"
TEMPLATE = {"name": "debian-12-template"}


def vm(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm", options(sim, **given), check=check)


def guests(sim: virtsim.SimServer) -> dict[str, Any]:
    found: dict[str, Any] = sim.control.snapshot()["guests"]
    return found


def named(sim: virtsim.SimServer, name: str) -> dict[str, Any]:
    (found,) = (each for each in guests(sim).values() if each["conf"].get("name") == name)
    return dict(found)


def base_of(sim: virtsim.SimServer, guest: dict[str, Any], slot: str) -> Any:
    volume = guest["conf"][slot].split(",")[0]
    return sim.control.snapshot()["volumes"][volume].get("base")


def sent(sim: virtsim.SimServer, end: str) -> list[dict[str, Any]]:
    return [row for row in sim.control.writes() if row["path"].endswith(end)]


def rests(sim: virtsim.SimServer, **given: Any) -> None:
    again = vm(sim, **given)
    assert not again.failed, again.json
    assert not again.changed, again.diff


@pytest.mark.parametrize("full", [None, False, True])
def test_a_template_is_linked_to_unless_a_full_copy_is_asked(
    proxmox_sim: Start, full: bool | None
) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {"name": "fresh", "clone": {**TEMPLATE, "full": full}}
    made = vm(sim, **args)
    assert not made.failed, made.json
    expected = None if full else "local-lvm:base-9000-disk-0"
    assert base_of(sim, named(sim, "fresh"), "scsi0") == expected
    rests(sim, **args)


def test_a_full_copy_goes_to_the_storage_that_is_named(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {"name": "fresh", "clone": {"vmid": 101, "full": True, "storage": "nas"}}
    made = vm(sim, **args)
    assert made.object["disks"][0]["storage"] == "nas"
    assert named(sim, "fresh")["conf"]["net0"] != guests(sim)["101"]["conf"]["net0"]
    rests(sim, **args)


def test_a_clone_on_another_node_and_in_a_pool(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {"name": "far", "clone": {"vmid": 9001}, "node": "pve3", "pool": "dev"}
    made = vm(sim, **args)
    assert (made.object["node"], made.object["pool"]) == ("pve3", "dev")
    rests(sim, **args)


def test_a_clone_of_a_snapshot_has_what_the_machine_had_then(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    clone = {"name": "history", "snapshot": "before", "full": True}
    made = vm(sim, name="then", clone=clone)
    assert made.object["memory_mib"] == 1024


def test_a_clone_is_finished_as_asked_and_started(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {
        "name": "fresh",
        "clone": TEMPLATE,
        "state": "started",
        "memory": 1024,
        "disks": [
            {"slot": "scsi0", "size_gib": 20},
            {"slot": "scsi1", "storage": "nas", "size_gib": 3},
        ],
        "ci_storage": "local-lvm",
        "ci_user": "admin",
        "ci_password": "correct-horse-battery",
        "ci_addresses": [{"nic": "net0", "address": "dhcp"}],
    }
    made = vm(sim, **args)
    assert not made.failed, made.json
    conf = named(sim, "fresh")["conf"]
    assert {disk["name"]: disk["size_gib"] for disk in made.object["disks"]} == {
        "scsi0": 20,
        "scsi1": 3,
    }
    assert (conf["ciuser"], conf["ipconfig0"], conf["memory"]) == ("admin", "ip=dhcp", "1024")
    assert conf["cipassword"].startswith("$5$")
    assert "-cloudinit" in conf["ide2"]
    assert made.object["state"] == "running"
    rests(sim, **args)
    assert "correct-horse" not in made.stdout + made.stderr


@pytest.mark.parametrize(
    "source",
    [
        {"clone": TEMPLATE, "memory": 1024},
        {
            "memory": 1024,
            "node": "pve1",
            "disks": [
                {"slot": "scsi0", "storage": "nas", "import_from": IMAGE, "size_gib": 20},
            ],
        },
    ],
    ids=["clone", "import"],
)
def test_it_is_finished_even_when_nobody_waits_for_it(
    proxmox_sim: Start, source: dict[str, Any]
) -> None:
    sim = proxmox_sim(clock="real", speed=20.0)
    made = vm(sim, name="fresh", wait=False, **source)
    assert not made.failed, made.json
    # The last write is on its way, and nobody waits for it; it arrives all the same.
    wait_for(lambda: not vm(sim, name="fresh", memory=1024, check=True).changed)


def test_a_cloud_init_drive_is_not_added_to_a_machine_that_is_there(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    vm(sim, name="web2", clone=TEMPLATE, ci_storage="local-lvm", onboot=True)
    assert "ide2" not in guests(sim)["101"]["conf"]


@pytest.mark.parametrize("fault", ["reset_after", "truncate", "proxy_596", "reset_before"])
def test_a_lost_answer_makes_one_clone_and_finishes_it(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    before = len(guests(sim))
    sim.control.fault(fault, method="POST", path=CLONE)
    made = vm(sim, name="fresh", clone=TEMPLATE, memory=1024, ci_password="correct-horse-battery")
    assert not made.failed, made.json
    assert len(guests(sim)) == before + 1
    conf = named(sim, "fresh")["conf"]
    assert conf["memory"] == "1024"
    assert conf["cipassword"].startswith("$5$")
    assert sum(row["applied"] for row in sent(sim, CLONE)) == 1


@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
def test_the_password_of_a_clone_survives_a_lost_answer(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    sim.control.fault(fault, method="POST", path="/config")
    made = vm(sim, name="fresh", clone=TEMPLATE, ci_password="correct-horse-battery")
    assert not made.failed, made.json
    assert named(sim, "fresh")["conf"]["cipassword"].startswith("$5$")
    assert sum(row["applied"] for row in sent(sim, "/config")) == 1


def test_a_password_that_twice_got_lost_is_said(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("reset_before", method="POST", path="/config", count=2)
    made = vm(sim, name="fresh", clone=TEMPLATE, ci_password="correct-horse-battery")
    assert made.failed
    assert "update_secrets: always" in made.error["message"]


def test_an_id_that_somebody_else_took_is_not_taken_over(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    state = sim.simulator.state
    # The id is suggested, then taken; and the answer that says so is lost.
    sim.control.fault("status", method="POST", path=CLONE, status=596)
    free = run_module("proxmox_vm", options(sim, name="theirs", node="pve1")).object["vmid"]
    theirs = dict(state.guests[free].conf)
    sim.control.fault("status", path="/cluster/nextid", status=200, json={"data": str(free)})
    made = vm(sim, name="fresh", clone=TEMPLATE, memory=1024)
    assert not made.failed, made.json
    assert made.object["vmid"] != free
    assert dict(state.guests[free].conf) == theirs


@pytest.mark.parametrize(
    ("clone", "says"),
    [
        ({"name": "debian-12-templat"}, "Did you mean debian-12-template"),
        ({"vmid": 4711}, "vmid 4711"),
        ({"name": "app"}, "Name one by vmid"),
    ],
)
def test_a_source_that_is_not_one_is_refused_in_check_mode_too(
    proxmox_sim: Start, clone: dict[str, Any], says: str
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, name="fresh", clone=clone, check=check)
        assert refused.failed
        assert says in refused.error["message"]
    assert sim.control.writes() == []


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        ({"slot": "scsi0", "size_gib": 4}, "cannot shrink"),
        ({"slot": "scsi0", "storage": "nas"}, "moving a disk"),
        ({"slot": "scsi1", "size_gib": 4}, "storage is needed"),
    ],
)
def test_disks_that_cannot_be_are_refused_before_anything_is_copied(
    proxmox_sim: Start, disk: dict[str, Any], says: str
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, name="fresh", clone=TEMPLATE, disks=[disk], check=check)
        assert refused.kind == "validation"
        assert says in refused.error["message"]
    assert sim.control.writes() == []


@pytest.mark.parametrize("size", [None, 2, 20])
def test_an_image_becomes_a_disk_of_the_size_that_is_asked(
    proxmox_sim: Start, size: int | None
) -> None:
    sim = proxmox_sim()
    disk = {"slot": "scsi0", "storage": "local-lvm", "import_from": IMAGE, "size_gib": size}
    args: dict[str, Any] = {"name": "fresh", "node": "pve1", "disks": [disk]}
    made = vm(sim, **args)
    assert not made.failed, made.json
    assert [each["size_gib"] for each in made.object["disks"]] == [size or 2]
    rests(sim, **args)


def test_an_image_is_imported_into_a_machine_that_is_there(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    disk = {"slot": "scsi1", "storage": "local-lvm", "import_from": IMAGE, "size_gib": 5}
    made = vm(sim, vmid=101, disks=[disk])
    assert not made.failed, made.json
    assert [each["size_gib"] for each in made.object["disks"]] == [8, 5]
    rests(sim, vmid=101, disks=[disk])


def test_an_image_larger_than_its_disk_is_said_with_what_is_there(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    disk = {"slot": "scsi0", "storage": "local-lvm", "import_from": IMAGE, "size_gib": 1}
    made = vm(sim, name="fresh", node="pve1", disks=[disk])
    assert made.kind == "operation_failed"
    assert "cannot shrink to 1" in made.error["message"]
    assert "Nothing was changed" not in made.error["message"]
