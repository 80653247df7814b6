# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what is refused only while they run, what is seen meanwhile, and how they end."""

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
    job,
    machine,
    rows,
    state,
)

_NO_ROOM = "Unable to create a deployment for VM instance"


@pytest.mark.parametrize(
    ("command", "name", "code", "says"),
    [
        ("rebootVirtualMachine", "web2", 431, "not running"),
        ("startVirtualMachine", "old", 530, "Unable to start instance old in state Destroyed"),
        ("stopVirtualMachine", "broken", 530, "Unable to stop instance broken in state Error"),
        ("expungeVirtualMachine", "web1", 431, "Please destroy vm"),
        ("scaleVirtualMachine", "web1", 431, "not dynamically scalable"),
        ("updateVMAffinityGroup", "web1", 431, "make sure the virtual machine is stopped"),
        ("resetSSHKeyForVirtualMachine", "web1", 431, "should be stopped to do SSH Key reset"),
        ("resetPasswordForVirtualMachine", "web2", 431, "Template is not password enabled"),
        ("restoreVirtualMachine", "broken", 530, "restore vm can only execute when VM in Running"),
    ],
)
def test_a_state_that_does_not_fit_fails_the_job_and_not_the_request(
    sim: virtsim.SimServer, command: str, name: str, code: int, says: str
) -> None:
    more: dict[str, Any] = {
        "scaleVirtualMachine": {"serviceofferingid": ident(sim, "listServiceOfferings", "large")},
        "updateVMAffinityGroup": {"affinitygroupnames": "spread"},
        "resetSSHKeyForVirtualMachine": {"keypair": "ops"},
        "restoreVirtualMachine": {"virtualmachineid": machine(sim, name)},
    }.get(command, {})
    before = rows(sim, "listVirtualMachines", name=name)
    failed = failure(sim, command=command, id=machine(sim, name), **more)
    assert (failed[0], says in failed[1]) == (code, True), failed
    assert rows(sim, "listVirtualMachines", name=name) == before


@pytest.mark.parametrize(
    ("command", "name", "meanwhile", "after"),
    [
        ("startVirtualMachine", "web2", "Starting", "Running"),
        ("stopVirtualMachine", "web1", "Stopping", "Stopped"),
        ("destroyVirtualMachine", "web1", "Stopping", "Destroyed"),
        ("expungeVirtualMachine", "old", "Expunging", None),
        ("migrateVirtualMachine", "web1", "Migrating", "Running"),
        ("restoreVirtualMachine", "web1", "Restoring", "Running"),
    ],
)
def test_a_state_between_is_seen_until_the_job_ends_and_undone_when_it_fails(
    sim: virtsim.SimServer, command: str, name: str, meanwhile: str, after: str | None
) -> None:
    key = "virtualmachineid" if command[0] in "mr" else "id"
    call = {"command": command, key: machine(sim, name)}
    if command == "migrateVirtualMachine":
        call["hostid"] = ident(sim, "listHosts", "node3")
    before = state(sim, name)
    sim.control.fault("fail_job")
    for status, ends in ((2, before), (1, after)):
        _status, begun = ask(sim, **call)
        assert state(sim, name) == meanwhile
        _status, ended = ask(sim, command="queryAsyncJobResult", jobid=begun["jobid"])
        assert (ended["jobstatus"], "completed" in ended) == (status, True)
        found = rows(sim, "listVirtualMachines", name=name)
        assert [row["state"] for row in found] == ([ends] if ends else [])


def test_a_job_names_what_it_makes_and_when_it_was_completed(sim: virtsim.SimServer) -> None:
    offering = ident(sim, "listDiskOfferings", "disk-5")
    zone = ident(sim, "listZones", "zone1")
    made = {"command": "createVolume", "diskofferingid": offering, "zoneid": zone, "name": "data"}
    _status, begun = ask(sim, **made)
    pending = rows(sim, "listAsyncJobs")[0]
    assert (pending["jobid"], pending["jobstatus"]) == (begun["jobid"], 0)
    assert "completed" not in pending
    _status, ended = ask(sim, command="queryAsyncJobResult", jobid=begun["jobid"])
    assert (ended["jobinstancetype"], ended["jobinstanceid"]) == ("Volume", begun["id"])
    assert ended["completed"] > ended["created"]


def test_an_admin_lists_the_jobs_of_others_only_with_listall(sim: virtsim.SimServer) -> None:
    _status, found = ask(sim, user="user_", command="listVirtualMachines")
    mine = found["virtualmachine"][0]["id"]
    _status, begun = ask(sim, user="user_", command="startVirtualMachine", id=mine)
    assert rows(sim, "listAsyncJobs") == []
    assert [row["jobid"] for row in rows(sim, "listAsyncJobs", listall="true")] == [begun["jobid"]]


def test_without_room_a_deployment_fails_after_it_was_accepted(sim: virtsim.SimServer) -> None:
    sim.control.fault("capacity")
    # Rebooting needs no room: the fault waits for a command that does.
    done(sim, command="rebootVirtualMachine", id=machine(sim, "web1"))
    assert failure(sim, **deployment(sim)) == (533, _NO_ROOM)
    assert state(sim, "fresh") == "Error"


def test_a_job_that_failed_takes_nothing_with_it(sim: virtsim.SimServer) -> None:
    offering = ident(sim, "listServiceOfferings", "large")
    sim.control.fault("fail_job")
    call = {"command": "scaleVirtualMachine", "id": machine(sim, "web2")}
    assert job(sim, **call, serviceofferingid=offering)["jobstatus"] == 2
    assert rows(sim, "listVirtualMachines", name="web2")[0]["serviceofferingname"] == "small"


def test_a_stale_list_shows_the_states_before_the_last_write(sim: virtsim.SimServer) -> None:
    web2 = machine(sim, "web2")
    sim.control.fault("stale", path="listVirtualMachines", count=0)
    assert state(sim, "web2") == "Stopped"
    done(sim, command="startVirtualMachine", id=web2)
    assert state(sim, "web2") == "Stopped"
    assert rows(sim, "listVirtualMachines", id=web2, state="Running") == []
    fresh = done(sim, **deployment(sim))
    assert state(sim, "web2") == "Running"
    assert rows(sim, "listVirtualMachines", id=fresh["id"]) == []
    sim.control.clear_faults()
    assert state(sim, "fresh") == "Running"
