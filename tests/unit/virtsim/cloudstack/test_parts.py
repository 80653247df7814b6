# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes, cards and networks: what belongs to instances and what outlives them."""

from __future__ import annotations

from typing import Any

import pytest

import virtsim
from tests.unit.virtsim.cloudstack.conftest import (
    ask,
    deployment,
    done,
    failure,
    ident,
    machine,
    refusal,
    rows,
)


def attached(sim: virtsim.SimServer, name: str, **more: Any) -> str:
    """Make a data volume and attach it; return its id."""
    offering = ident(sim, "listDiskOfferings", "disk-5")
    zone = ident(sim, "listZones", "zone1")
    make = {"command": "createVolume", "diskofferingid": offering, "zoneid": zone}
    made = done(sim, **make, name=f"data-{name}")["id"]
    done(sim, command="attachVolume", id=made, virtualmachineid=machine(sim, name), **more)
    return str(made)


def network(sim: virtsim.SimServer, name: str) -> str:
    return ident(sim, "listNetworks", name)


def test_data_volumes_are_detached_when_their_instance_is_destroyed(
    sim: virtsim.SimServer,
) -> None:
    kept, gone = attached(sim, "web1"), attached(sim, "web1")
    web1 = machine(sim, "web1")
    done(sim, command="destroyVirtualMachine", id=web1, volumeids=gone)
    assert [row["type"] for row in rows(sim, "listVolumes", virtualmachineid=web1)] == ["ROOT"]
    assert rows(sim, "listVolumes", id=kept)[0]["state"] == "Ready"
    assert rows(sim, "listVolumes", id=gone)[0]["state"] == "Destroy"


def test_expunging_takes_the_named_volumes_and_the_root_disk(sim: virtsim.SimServer) -> None:
    kept, gone = attached(sim, "web1"), attached(sim, "web1")
    call = {"command": "destroyVirtualMachine", "id": machine(sim, "web1"), "expunge": "true"}
    (root,) = rows(sim, "listVolumes", name="ROOT-1")
    code, text = failure(sim, **call, volumeids=root["id"])
    assert (code, "not DATADISK attached to the VM" in text) == (431, True)
    done(sim, **call, volumeids=gone)
    left = {row["id"] for row in rows(sim, "listVolumes")}
    assert (kept in left, gone in left, root["id"] in left) == (True, False, False)


def test_a_volume_takes_the_slot_that_is_asked_for(sim: virtsim.SimServer) -> None:
    made = attached(sim, "web1", deviceid=7)
    assert rows(sim, "listVolumes", id=made)[0]["deviceid"] == 7
    done(sim, command="detachVolume", id=made)
    again = {"command": "attachVolume", "id": made, "virtualmachineid": machine(sim, "web1")}
    code, text = failure(sim, **again, deviceid=0)
    assert (code, "deviceId 0 is used" in text) == (530, True)
    assert done(sim, **again)["deviceid"] == 1


def test_what_does_not_fit_a_volume_fails_its_job(sim: virtsim.SimServer) -> None:
    made, web1, broken = attached(sim, "web1"), machine(sim, "web1"), machine(sim, "broken")
    attach = {"command": "attachVolume", "id": made}
    assert "not attached to any VM" in failure(sim, **attach, virtualmachineid=web1)[1]
    assert "not attached to any VM" in failure(sim, command="destroyVolume", id=made)[1]
    shrink = {"command": "resizeVolume", "id": made, "size": 1}
    assert "would shrink the volume" in failure(sim, **shrink)[1]
    done(sim, command="detachVolume", id=made)
    assert "is not attached to a VM" in failure(sim, command="detachVolume", id=made)[1]
    assert "running or stopped" in failure(sim, **attach, virtualmachineid=broken)[1]
    stranger = ident(sim, "listVirtualMachines", "shop1", projectid=-1)
    assert "another account" in failure(sim, **attach, virtualmachineid=stranger)[1]


def test_what_is_not_modelled_of_volumes(sim: virtsim.SimServer) -> None:
    (root,) = rows(sim, "listVolumes", name="ROOT-1")
    assert refusal(sim, command="detachVolume", id=root["id"])[0] == 432
    assert refusal(sim, command="resizeVolume", id=root["id"])[0] == 432
    assert (
        refusal(sim, command="migrateVirtualMachine", virtualmachineid=machine(sim, "web1"))[0]
        == 432
    )


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("addNicToVirtualMachine", "added to"),
        ("removeNicFromVirtualMachine", "removed from"),
        ("updateDefaultNicForVirtualMachine", "updated for"),
    ],
)
def test_cards_of_an_instance_with_snapshots_stay(
    sim: virtsim.SimServer, command: str, what: str
) -> None:
    web2 = machine(sim, "web2")
    (card,) = rows(sim, "listNics", virtualmachineid=web2)
    back = network(sim, "back-net")
    given = {"networkid": back} if command[0] == "a" else {"nicid": card["id"]}
    done(sim, command="createVMSnapshot", virtualmachineid=web2, name="one")
    failed = failure(sim, command=command, virtualmachineid=web2, **given)
    assert failed == (431, f"NIC cannot be {what} VM with VM Snapshots")


def test_a_card_that_cannot_be_added(sim: virtsim.SimServer) -> None:
    done(sim, **deployment(sim, networkids=network(sim, "back-net"), name="app"))
    add = {"command": "addNicToVirtualMachine", "virtualmachineid": machine(sim, "web1")}
    code, text = failure(sim, **add, networkid=network(sim, "lab-net"))
    assert (code, "A NIC already exists for VM" in text) == (530, True)
    app = next(row for row in rows(sim, "listVirtualMachines", name="app"))
    add["virtualmachineid"] = app["id"]
    code, text = failure(sim, **add, networkid=network(sim, "back-net"))
    assert (code, "already has a vm with host name: app" in text) == (530, True)
    shop = ident(sim, "listNetworks", "shop-net", projectid=-1)
    assert failure(sim, **add, networkid=shop)[0] == 531


def test_the_default_card(sim: virtsim.SimServer) -> None:
    one = {"virtualmachineid": machine(sim, "web2")}
    back = {"networkid": network(sim, "back-net")}
    done(sim, command="addNicToVirtualMachine", **one, **back)
    first, second = rows(sim, "listNics", **one)
    change = {"command": "updateDefaultNicForVirtualMachine", **one}
    assert failure(sim, **change, nicid=first["id"])[0] == 530
    remove = {"command": "removeNicFromVirtualMachine", **one}
    assert "nic is default" in failure(sim, **remove, nicid=first["id"])[1]
    done(sim, **change, nicid=second["id"])
    left = done(sim, **remove, nicid=first["id"])
    assert [nic["networkname"] for nic in left["nic"]] == ["back-net"]
    assert "Unable to find a nic" in failure(sim, **remove, nicid=first["id"])[1]


def test_cards_change_only_while_an_instance_runs_or_is_stopped(sim: virtsim.SimServer) -> None:
    both = ",".join(network(sim, name) for name in ("lab-net", "back-net"))
    sim.control.fault("fail_job")
    failure(sim, **deployment(sim, networkids=both))
    one = {"virtualmachineid": machine(sim, "fresh")}
    second = {**one, "nicid": rows(sim, "listNics", **one)[1]["id"]}
    default = failure(sim, command="updateDefaultNicForVirtualMachine", **second)
    assert default == (530, "refusing to set default fresh is not Running or Stopped")
    code, text = failure(sim, command="removeNicFromVirtualMachine", **second)
    assert (code, "fresh from network, is not in the right state" in text) == (530, True)
    broken = {"virtualmachineid": machine(sim, "broken"), "networkid": network(sim, "back-net")}
    code, text = failure(sim, command="addNicToVirtualMachine", **broken)
    assert (code, "broken to network, is not in the right state" in text) == (530, True)


def test_a_network_with_instances_is_not_deleted(sim: virtsim.SimServer) -> None:
    delete = {"command": "deleteNetwork"}
    failed = failure(sim, **delete, id=network(sim, "lab-net"))
    assert failed == (530, "Failed to delete network")
    done(sim, **delete, id=network(sim, "back-net"))
    assert rows(sim, "listNetworks", name="back-net") == []


def test_a_network_has_the_gateway_that_is_asked_for(sim: virtsim.SimServer) -> None:
    offering = ident(sim, "listNetworkOfferings", "isolated")
    zone = ident(sim, "listZones", "zone1")
    make = {"command": "createNetwork", "name": "own", "networkofferingid": offering}
    make |= {"zoneid": zone, "gateway": "10.7.7.1"}
    assert refusal(sim, **make)[0] == 432
    assert refusal(sim, **make, netmask="255.255.0.0")[0] == 432
    _status, made = ask(sim, **make, netmask="255.255.255.0")
    assert made["network"]["cidr"] == "10.7.7.0/24"


def test_a_snapshot_of_disks_is_not_reverted_while_the_instance_runs(
    sim: virtsim.SimServer,
) -> None:
    web1 = machine(sim, "web1")
    taken = done(sim, command="createVMSnapshot", virtualmachineid=web1, name="one")
    code, text = failure(sim, command="revertToVMSnapshot", vmsnapshotid=taken["id"])
    assert (code, "revert running VM to disk and memory" in text) == (431, True)
