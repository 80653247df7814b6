# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of a machine: added, grown, changed, detached; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]
SECOND = {"slot": "scsi1", "storage": "local-lvm", "size_gib": 4}


def vm(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm", options(sim, **{"vmid": 101, **given}), check=check)


def conf(sim: virtsim.SimServer, vmid: int = 101) -> dict[str, Any]:
    return dict(sim.control.snapshot()["guests"][str(vmid)]["conf"])


def sent(sim: virtsim.SimServer) -> list[str]:
    return [f"{row['method']} {row['path'].rpartition('/')[2]}" for row in sim.control.writes()]


def rests(sim: virtsim.SimServer, **given: Any) -> None:
    again = vm(sim, **given)
    assert not again.failed, again.json
    assert not again.changed, again.diff


@pytest.mark.parametrize("vmid", [100, 101], ids=["running", "stopped"])
def test_a_second_disk_is_added_grown_and_detached(proxmox_sim: Start, vmid: int) -> None:
    sim = proxmox_sim()
    added = vm(sim, vmid=vmid, disks=[SECOND])
    assert added.diff["after"] == {"disks[scsi1]": SECOND}
    assert conf(sim, vmid)["scsi1"].endswith("size=4G")
    larger = [{"slot": "scsi1", "size_gib": 6}]
    grown = vm(sim, vmid=vmid, disks=larger)
    assert grown.diff == {
        "before": {"disks[scsi1].size_gib": 4},
        "after": {"disks[scsi1].size_gib": 6},
    }
    rests(sim, vmid=vmid, disks=larger)
    volume = conf(sim, vmid)["scsi1"].split(",")[0]
    only = [{"slot": "scsi0"}]
    detached = vm(sim, vmid=vmid, disks=only, exact=True)
    assert detached.diff["after"] == {"disks[scsi1]": None}
    assert conf(sim, vmid)["unused0"] == volume
    assert sent(sim) == ["POST config", "PUT resize", "POST config"]
    rests(sim, vmid=vmid, disks=only, exact=True)


def test_a_disk_marked_absent_is_detached_and_its_boot_entry_goes(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    gone = [{"slot": "scsi0", "state": "absent"}]
    assert vm(sim, disks=gone).changed
    assert conf(sim)["boot"] == "order=net0"
    rests(sim, disks=gone)


def test_what_a_running_machine_cannot_unplug_waits(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    vm(sim, vmid=100, disks=[{"slot": "sata0", "storage": "nas", "size_gib": 1}], state="stopped")
    vm(sim, vmid=100, state="started")
    gone = [{"slot": "sata0", "state": "absent"}]
    first = vm(sim, vmid=100, disks=gone)
    assert (first.changed, first.json["restart_required"]) == (True, True)
    assert "sata0" in conf(sim, 100)
    second = vm(sim, vmid=100, disks=gone)
    assert (second.changed, second.json["restart_required"]) == (False, True)
    third = vm(sim, vmid=100, disks=gone, restart="if_needed")
    assert (third.changed, third.json["restart_required"]) == (True, False)
    assert "sata0" not in conf(sim, 100)


def test_an_option_changes_and_the_others_stay(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    guest = sim.simulator.state.guests[101]
    guest.conf["scsi0"] += ",serial=abc,mbps=10,discard=on"
    vm(sim, disks=[{"slot": "scsi0", "ssd": True, "discard": False, "cache": "writeback"}])
    assert set(conf(sim)["scsi0"].split(",")[1:]) == {
        "size=8G",
        "serial=abc",
        "mbps=10",
        "ssd=1",
        "cache=writeback",
    }


@pytest.mark.parametrize("vmid", [101, 4321], ids=["existing", "new"])
@pytest.mark.parametrize(
    ("disk", "path", "says"),
    [
        ({"slot": "scsi1"}, "disks[scsi1].storage", "is needed for a new disk"),
        ({"slot": "scsi1", "storage": "nas"}, "disks[scsi1].size_gib", "or import_from is needed"),
    ],
)
def test_a_new_disk_without_what_it_needs_is_refused(
    proxmox_sim: Start, vmid: int, disk: dict[str, Any], path: str, says: str
) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, vmid=vmid, name="web2", disks=[disk], check=check)
        assert refused.kind == "validation", refused.json
        assert says in refused.error["fields"][path]
    assert sim.control.writes() == []


def test_a_slot_that_holds_a_cd_rom_is_refused(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.simulator.state.guests[101].conf["ide2"] = "none,media=cdrom"
    refused = vm(sim, disks=[{"slot": "ide2", "storage": "nas", "size_gib": 1}])
    assert refused.kind == "validation"
    assert "CD-ROM" in refused.error["message"]
    assert sim.control.writes() == []
    assert not vm(sim, disks=[{"slot": "scsi0"}], exact=True).changed


@pytest.mark.parametrize(
    "disk", [{"size_gib": 4}, {"storage": "nas"}], ids=["smaller", "another storage"]
)
def test_shrinking_and_moving_are_refused(proxmox_sim: Start, disk: dict[str, Any]) -> None:
    sim = proxmox_sim()
    for check in (True, False):
        refused = vm(sim, disks=[{"slot": "scsi0", **disk}], memory=4096, check=check)
        assert refused.kind == "validation"
    assert sim.control.writes() == []


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "proxy_596"])
@pytest.mark.parametrize(("call", "path"), [("PUT", "/resize"), ("POST", "/config")])
def test_a_lost_answer_gives_one_disk_of_the_right_size(
    proxmox_sim: Start, fault: str, call: str, path: str
) -> None:
    sim = proxmox_sim()
    before = len(sim.control.snapshot()["volumes"])
    sim.control.fault(fault, method=call, path=path)
    made = vm(sim, disks=[SECOND, {"slot": "scsi0", "size_gib": 10}])
    assert not made.failed, made.json
    assert [disk["size_gib"] for disk in made.object["disks"]] == [10, 4]
    assert len(sim.control.snapshot()["volumes"]) == before + 1
    applied = [row for row in sim.control.writes() if row["applied"]]
    assert len(applied) == 2


def test_an_unknown_storage_is_named_and_leaves_nothing(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    before = sim.control.snapshot()
    wrong = [{"slot": "scsi1", "storage": "nosuch", "size_gib": 1}]
    for given in ({"vmid": 101}, {"vmid": 4321, "name": "fresh", "node": "pve1"}):
        refused = vm(sim, disks=wrong, **given)
        assert refused.kind == "not_found"
        assert "'nosuch'" in refused.error["message"]
    after = sim.control.snapshot()
    assert (after["guests"], after["volumes"]) == (before["guests"], before["volumes"])
