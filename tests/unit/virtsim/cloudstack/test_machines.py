# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying instances and changing what they are made of."""

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
    state,
)


def offering(sim: virtsim.SimServer, name: str) -> str:
    return ident(sim, "listServiceOfferings", name)


def network(sim: virtsim.SimServer, name: str) -> str:
    return ident(sim, "listNetworks", name, listall="true", projectid=-1)


def size(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["cpunumber"], row["cpuspeed"], row["memory"]


def roots(sim: virtsim.SimServer, name: str = "ROOT-1") -> list[dict[str, Any]]:
    return rows(sim, "listVolumes", name=name)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"keypair": "nosuch"}, "A key pair with name 'nosuch' was not found."),
        ({"ipaddress": "10.1.1.x"}, "Invalid IP address 10.1.1.x"),
        ({"details[0].cpuNumber": 2}, "can not be updated for static offering"),
        ({"rootdisksize": 2}, "smaller than the template size 8 GB"),
    ],
)
def test_a_bad_deployment_is_refused_and_leaves_nothing(
    sim: virtsim.SimServer, changed: dict[str, Any], says: str
) -> None:
    before = sim.control.snapshot()
    status, text = refusal(sim, **deployment(sim, **changed))
    assert (status, says in text) == (431, True)
    assert sim.control.snapshot() == before


@pytest.mark.parametrize("changed", [{"templateid": ""}, {"hypervisor": "VMware"}])
def test_a_deployment_that_is_not_modelled(sim: virtsim.SimServer, changed: dict[str, Any]) -> None:
    assert refusal(sim, **deployment(sim, **changed))[0] == 432


@pytest.mark.parametrize("address", ["10.1.1.1", "10.9.9.9"])
def test_an_address_that_the_network_cannot_give(sim: virtsim.SimServer, address: str) -> None:
    status, text = refusal(sim, **deployment(sim, ipaddress=address))
    assert (status, address in text) == (533, True)


def test_an_address_is_given_once(sim: virtsim.SimServer) -> None:
    taken = [row["nic"][0]["ipaddress"] for row in rows(sim, "listVirtualMachines")]
    wanted = deployment(sim, ipaddress="10.1.1.77")
    assert done(sim, **wanted)["nic"][0]["ipaddress"] == "10.1.1.77"
    assert refusal(sim, **{**wanted, "name": "second"})[0] == 533
    assert refusal(sim, **{**wanted, "name": "third", "ipaddress": taken[0]})[0] == 533


def test_an_address_that_is_taken_is_not_given_to_the_next(sim: virtsim.SimServer) -> None:
    first = done(sim, **deployment(sim))["nic"][0]["ipaddress"]
    following = first.rsplit(".", 1)[0] + f".{int(first.rsplit('.', 1)[1]) + 1}"
    done(sim, **deployment(sim, name="chosen", ipaddress=following))
    third = done(sim, **deployment(sim, name="third"))["nic"][0]["ipaddress"]
    assert third not in {first, following}


def test_a_network_of_another_owner_is_denied(sim: virtsim.SimServer) -> None:
    status, text = refusal(sim, **deployment(sim, networkids=network(sim, "shop-net")))
    assert (status, "permission denied" in text) == (531, True)
    nowhere = {"networkids": "", "iptonetworklist[0].networkid": "nosuch"}
    status, text = refusal(sim, **deployment(sim, **nowhere))
    assert (status, text) == (431, "Unable to find network by id nosuch")


def test_the_only_network_of_the_owner_is_taken(sim: virtsim.SimServer) -> None:
    shop = ident(sim, "listProjects", "shop")
    made = done(sim, **deployment(sim, networkids="", projectid=shop))
    assert made["nic"][0]["networkname"] == "shop-net"
    status, text = refusal(sim, **deployment(sim, networkids=""))
    assert (status, "please specify networkIds" in text) == (431, True)


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ({}, "Need to specify custom parameter values"),
        ({"cpuNumber": 2}, "Invalid memory value"),
        ({"cpuNumber": "two", "memory": 512}, "Invalid CPU cores value"),
        ({"cpuNumber": 2, "memory": 16}, "between 32 and"),
        ({"cpuNumber": 2, "memory": 512, "cpuSpeed": 2000}, "The CPU speed of this offering id:"),
    ],
)
def test_a_size_that_an_offering_does_not_take(
    sim: virtsim.SimServer, details: dict[str, Any], says: str
) -> None:
    flat = {f"details[0].{name}": value for name, value in details.items()}
    custom = offering(sim, "custom")
    status, text = refusal(sim, **deployment(sim, serviceofferingid=custom, **flat))
    assert (status, says in text) == (431, True)
    scale = {"command": "scaleVirtualMachine", "id": machine(sim, "web2")}
    code, text = failure(sim, **scale, serviceofferingid=custom, **flat)
    assert (code, says in text) == (431, True)


def test_scaling_sets_the_whole_size(sim: virtsim.SimServer) -> None:
    scale = {"command": "scaleVirtualMachine", "id": machine(sim, "web2")}
    custom = {"serviceofferingid": offering(sim, "custom"), "details[0].cpuNumber": 3}
    assert size(done(sim, **scale, **custom, **{"details[0].memory": 768})) == (3, 1000, 768)
    assert size(done(sim, **scale, serviceofferingid=offering(sim, "medium"))) == (2, 1000, 2048)


def test_what_runs_only_grows(sim: virtsim.SimServer) -> None:
    done(sim, **deployment(sim, dynamicscalingenabled="true"))
    scale = {"command": "scaleVirtualMachine", "id": machine(sim, "fresh")}
    code, text = failure(sim, **scale, serviceofferingid=offering(sim, "tiny"))
    assert (code, "Only scaling up" in text) == (431, True)
    assert size(done(sim, **scale, serviceofferingid=offering(sim, "large")))[0] == 4


def test_a_password_is_shown_by_what_makes_it_and_never_listed(sim: virtsim.SimServer) -> None:
    ubuntu = ident(sim, "listTemplates", "ubuntu-24.04", templatefilter="all")
    made = done(sim, **deployment(sim, templateid=ubuntu, startvm="false", keypair="ops"))
    reset = {"command": "resetPasswordForVirtualMachine", "id": made["id"]}
    assert made["password"] == done(sim, **reset)["password"] == "virtsim-generated"
    assert done(sim, **reset, password="chosen-one")["password"] == "chosen-one"
    keys = {"command": "resetSSHKeyForVirtualMachine", "id": made["id"]}
    assert "password" in done(sim, **keys, keypairs="ops")
    assert "password" not in rows(sim, "listVirtualMachines", id=made["id"])[0]
    done(sim, command="startVirtualMachine", id=made["id"])
    assert "should be stopped to do password reset" in failure(sim, **reset)[1]


@pytest.mark.parametrize("given", [{"keypair": "nosuch"}, {}])
def test_key_pairs_must_be_known(sim: virtsim.SimServer, given: dict[str, Any]) -> None:
    keys = {"command": "resetSSHKeyForVirtualMachine", "id": machine(sim, "web2")}
    code, text = failure(sim, **keys, **given)
    assert (code, "nosuch" in text or "must be specified" in text) == (431, True)


def test_restoring_makes_the_root_disk_new(sim: virtsim.SimServer) -> None:
    (old,) = roots(sim)
    tag = {"resourceids": old["id"], "resourcetype": "Volume", "tags[0].key": "a"}
    done(sim, command="createTags", **tag, **{"tags[0].value": "b"})
    restore = {"command": "restoreVirtualMachine", "virtualmachineid": machine(sim, "web1")}
    assert done(sim, **restore)["state"] == "Running"
    kept, fresh = roots(sim)
    assert (kept["id"], kept["state"], "vmname" in kept) == (old["id"], "Destroy", False)
    assert (fresh["vmname"], fresh["size"], fresh["tags"][0]["value"]) == ("web1", old["size"], "b")


def test_restoring_with_another_template_a_size_and_no_trace(sim: virtsim.SimServer) -> None:
    ubuntu = ident(sim, "listTemplates", "ubuntu-24.04", templatefilter="all")
    restore = {"command": "restoreVirtualMachine", "virtualmachineid": machine(sim, "web1")}
    made = done(sim, **restore, templateid=ubuntu, rootdisksize=20, expunge="true")
    assert (made["templatename"], made["password"]) == ("ubuntu-24.04", "virtsim-generated")
    assert [row["size"] >> 30 for row in roots(sim)] == [20]


def test_an_instance_with_snapshots_is_not_restored(sim: virtsim.SimServer) -> None:
    web2 = machine(sim, "web2")
    done(sim, command="createVMSnapshot", virtualmachineid=web2, name="one")
    code, text = failure(sim, command="restoreVirtualMachine", virtualmachineid=web2)
    assert (code, "please remove VM snapshots" in text) == (431, True)


def test_a_stopped_instance_goes_to_a_project_with_its_disks(sim: virtsim.SimServer) -> None:
    shop = ident(sim, "listProjects", "shop")
    call = {"command": "assignVirtualMachine", "projectid": shop}
    status, text = refusal(sim, **call, virtualmachineid=machine(sim, "web1"))
    assert (status, "unable to move the vm web1" in text) == (431, True)
    web2 = machine(sim, "web2")
    stranger = {"networkids": network(sim, "back-net")}
    assert refusal(sim, **call, virtualmachineid=web2, **stranger)[0] == 531
    assert ask(sim, **call, virtualmachineid=web2)[1]["virtualmachine"]["project"] == "shop"
    (moved,) = rows(sim, "listVirtualMachines", projectid=shop, name="web2")
    assert [nic["networkname"] for nic in moved["nic"]] == ["shop-net"]
    (root,) = rows(sim, "listVolumes", virtualmachineid=web2, projectid=shop)
    assert root["project"] == "shop"


def test_a_user_may_destroy_and_not_expunge(sim: virtsim.SimServer) -> None:
    _status, found = ask(sim, user="user_", command="listVirtualMachines")
    call = {"command": "destroyVirtualMachine", "id": found["virtualmachine"][0]["id"]}
    code, text = failure(sim, user="user_", **call, expunge="true")
    assert (code, "can be passed by Admin only" in text) == (531, True)
    assert done(sim, user="user_", **call)["state"] == "Destroyed"


def test_delete_protection_fails_the_job(sim: virtsim.SimServer) -> None:
    web1 = machine(sim, "web1")
    ask(sim, command="updateVirtualMachine", id=web1, deleteprotection="true")
    code, text = failure(sim, command="destroyVirtualMachine", id=web1)
    assert (code, "has delete protection enabled" in text) == (431, True)
    assert state(sim, "web1") == "Running"
