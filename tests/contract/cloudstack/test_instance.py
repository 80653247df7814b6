# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloudstack_instance beyond the generated suite: what runs, what is elsewhere, what went wrong."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.cloudstack.resources.instance import INSTANCE
from plugins.module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from tests.contract.cloudstack.adapter import CloudStack
from tests.contract.support.child import Result


def run(cloud: CloudStack, check: bool = False, **options: Any) -> Result:
    return cloud.run(INSTANCE, options, check=check)


def row(cloud: CloudStack, name: str) -> dict[str, Any]:
    tables = cloud.sim.control.snapshot()["tables"]
    found = [each for each in tables["machines"].values() if each["name"] == name]
    return dict(found[-1])


def fresh(cloud: CloudStack, **options: Any) -> Result:
    result = run(cloud, **{**cloud.new(INSTANCE), **options})
    assert not result.failed, result.json
    return result


@pytest.mark.parametrize("check", [True, False])
def test_a_new_size_of_a_running_one_is_refused_without_restart(
    cloud: CloudStack, check: bool
) -> None:
    cloud.forget()
    result = run(cloud, check, name="web1", service_offering="medium")
    assert result.kind == "validation"
    assert list(result.error["fields"]) == ["service_offering"]
    assert "restart: if_needed" in result.json["msg"]
    assert cloud.writes() == []


def test_with_restart_it_is_stopped_sized_and_started(cloud: CloudStack) -> None:
    options = {"name": "web1", "service_offering": "medium", "restart": "if_needed"}
    predicted = run(cloud, True, **options)
    cloud.forget()
    result = run(cloud, **options)
    assert cloud.writes() == ["stopVirtualMachine", "scaleVirtualMachine", "startVirtualMachine"]
    assert (result.object["state"], result.object["memory_mib"]) == ("running", 2048)
    assert result.diff == predicted.diff
    assert result.diff["after"] == {"service_offering": "medium", "state": "restarted"}
    assert not run(cloud, **options).changed


def test_a_stop_that_is_asked_for_comes_before_the_change(cloud: CloudStack) -> None:
    cloud.forget()
    result = run(cloud, name="web1", service_offering="medium", state="stopped")
    assert cloud.writes() == ["stopVirtualMachine", "scaleVirtualMachine"]
    assert result.object["state"] == "stopped"


def test_a_scalable_one_grows_while_it_runs(cloud: CloudStack) -> None:
    fresh(cloud, state="started", dynamic_scaling=True)
    cloud.forget()
    assert run(cloud, name="fresh", service_offering="medium").changed
    assert cloud.writes() == ["scaleVirtualMachine"]


def test_an_offering_that_leaves_the_size_open(cloud: CloudStack) -> None:
    options = {"service_offering": "custom", "cpus": 3, "memory_mib": 1500}
    made = fresh(cloud, **options)
    assert (made.object["cpus"], made.object["memory_mib"]) == (3, 1500)
    changed = run(cloud, name="fresh", memory_mib=2000)
    assert (changed.object["cpus"], changed.object["memory_mib"]) == (3, 2000)


def test_networks_are_added_and_only_exact_removes(cloud: CloudStack) -> None:
    fresh(cloud)
    back = {"name": "fresh", "nics": [{"network": "back-net", "ip_address": "10.1.2.77"}]}
    added = run(cloud, **back)
    assert [nic["network"] for nic in added.object["nics"]] == ["lab-net", "back-net"]
    assert added.object["nics"][1]["addresses"] == ["10.1.2.77"]
    assert not run(cloud, **back).changed
    removed = run(cloud, name="fresh", nics=[{"network": "lab-net"}], exact=True)
    assert [nic["network"] for nic in removed.object["nics"]] == ["lab-net"]


def test_networks_may_be_named_by_id(cloud: CloudStack) -> None:
    made = fresh(cloud)
    ident = row(cloud, "fresh")["nics"][0]["networkid"]
    assert not run(cloud, name="fresh", nics=[{"network": ident}]).changed
    assert made.object["nics"][0]["network"] == "lab-net"


def test_tags_merge_change_and_with_exact_go(cloud: CloudStack) -> None:
    assert run(cloud, name="web1", tags={"env": "test", "n": 1}).changed
    assert row(cloud, "web1")["tags"] == {"env": "test", "tier": "web", "n": "1"}
    assert not run(cloud, name="web1", tags={"n": 1}).changed
    assert run(cloud, name="web1", tags={"env": "test"}, exact=True).changed
    assert row(cloud, "web1")["tags"] == {"env": "test"}


def test_a_root_disk_grows_and_never_shrinks(cloud: CloudStack) -> None:
    grown = run(cloud, name="web1", root_disk_gib=20)
    assert grown.object["disks"] == [
        {"name": "ROOT-1", "size_gib": 20, "storage": "primary1", "boot": True}
    ]
    for check in (True, False):
        refused = run(cloud, check, name="web1", root_disk_gib=10)
        assert list(refused.error["fields"]) == ["root_disk_gib"]


def test_user_data_is_never_shown(cloud: CloudStack) -> None:
    secret = "#cloud-config\npassword: correct-horse\n"
    made = fresh(cloud, user_data=secret)
    changed = run(cloud, name="fresh", user_data=secret + "# more\n")
    assert changed.diff["after"] == {"user_data": "(secret, changed)"}
    assert "correct-horse" not in made.stdout + changed.stdout


def test_an_instance_of_a_project_is_found_only_there(cloud: CloudStack) -> None:
    cloud.forget()
    missing = run(cloud, name="shop1", tags={"a": "b"}, template="debian-12")
    assert missing.failed
    assert cloud.writes() == []
    result = run(cloud, name="shop1", project="shop", tags={"a": "b"})
    assert result.changed
    assert result.object["project"] == "shop"


def test_one_of_another_account(cloud: CloudStack) -> None:
    owner = {"account": "lab", "domain": "ROOT/lab"}
    made = fresh(cloud, nics=[{"network": "user-net"}], **owner)
    assert (made.object["account"], made.object["domain"]) == ("lab", "ROOT/lab")
    assert run(cloud, name="app", state="started", **owner).changed
    lonely = run(cloud, name="app", account="lab")
    assert sorted(lonely.error["fields"]) == ["account", "domain"]


def test_an_id_finds_it_everywhere_and_renames_it(cloud: CloudStack) -> None:
    ident = row(cloud, "shop1")["id"]
    renamed = run(cloud, id=ident, name="shop2", restart="if_needed")
    assert (renamed.object["name"], renamed.object["state"]) == ("shop2", "running")


def test_one_that_failed_is_not_taken_for_a_success(cloud: CloudStack) -> None:
    cloud.fail_operation()
    assert run(cloud, **cloud.new(INSTANCE)).kind == "operation_failed"
    cloud.sim.control.clear_faults()
    again = run(cloud, **cloud.new(INSTANCE))
    assert "state: absent" in again.json["msg"]
    assert run(cloud, name="fresh", state="absent").changed
    kept = run(cloud, **cloud.new(INSTANCE))
    assert kept.kind == "exists"
    assert "expunge: true" in kept.json["msg"]
    assert run(cloud, name="fresh", state="absent", expunge=True).changed
    fresh(cloud)


@pytest.mark.parametrize(
    ("options", "field", "says"),
    [
        ({"template": "debian-11"}, "template", "debian-12"),
        ({"service_offering": "huge"}, "service_offering", "medium"),
        ({"zone": "zone9"}, "zone", "zone1"),
        ({"nics": [{"network": "lab"}]}, "nics", "lab-net"),
        ({"project": "shopp"}, "project", "shop"),
    ],
)
def test_an_unknown_name_says_which_there_are(
    cloud: CloudStack, options: dict[str, Any], field: str, says: str
) -> None:
    before = cloud.snapshot()
    result = run(cloud, **{**cloud.new(INSTANCE), **options})
    assert (result.kind, list(result.error["fields"])) == ("not_found", [field])
    assert says in result.json["msg"]
    assert cloud.snapshot() == before


def test_what_is_needed_to_create_is_named_at_once(cloud: CloudStack) -> None:
    result = run(cloud, name="fresh")
    assert sorted(result.error["fields"]) == ["service_offering", "template"]


def test_deleting_what_runs_needs_force(cloud: CloudStack) -> None:
    for check in (True, False):
        assert list(run(cloud, check, name="web1", state="absent").error["fields"]) == ["force"]
    assert run(cloud, name="web1", state="absent", force=True).changed
    assert row(cloud, "web1")["state"] == "Destroyed"
    assert not run(cloud, name="web1", state="absent").changed
    assert run(cloud, name="web1", state="absent", expunge=True).changed
    assert not run(cloud, name="web1", state="absent", expunge=True).changed


def test_delete_protection_is_the_servers_word(cloud: CloudStack) -> None:
    fresh(cloud, delete_protection=True)
    assert "delete protection" in run(cloud, name="fresh", state="absent").json["msg"]
    assert run(cloud, name="fresh", delete_protection=False).changed
    assert run(cloud, name="fresh", state="absent").changed


def test_it_is_created_with_a_data_disk_and_an_address(cloud: CloudStack) -> None:
    nics = [{"network": "lab-net", "ip_address": "10.1.1.77"}, {"network": "back-net"}]
    made = fresh(cloud, nics=nics, disk_offering="disk-custom", disk_gib=7)
    assert made.object["nics"][0]["addresses"] == ["10.1.1.77"]
    assert [nic["network"] for nic in made.object["nics"]] == ["lab-net", "back-net"]
    listed = cloud.run(INSTANCE_INFO, {"name": "fresh", "details": True})
    deployed = next(each for each in cloud.sim.control.writes() if "deploy" in each["path"])
    assert "iptonetworklist[0].ip" in deployed["params"]
    assert "iptonetworklist[1].ip" not in deployed["params"]
    sizes = {disk["boot"]: disk["size_gib"] for disk in listed.json["objects"][0]["disks"]}
    assert sizes == {True: 8, False: 7}


def test_user_data_is_given_to_one_that_has_none(cloud: CloudStack) -> None:
    options = {"name": "web2", "user_data": "#cloud-config\n"}
    assert run(cloud, **options).changed
    assert not run(cloud, **options).changed


def test_affinity_groups_are_changed(cloud: CloudStack) -> None:
    options = {"name": "web2", "affinity_groups": ["spread"]}
    assert run(cloud, **options).diff["after"] == {"affinity_groups": ["spread"]}
    assert not run(cloud, **options).changed


@pytest.mark.parametrize("check", [True, False])
def test_a_root_disk_that_cannot_be_seen_is_no_reason_to_write(
    cloud: CloudStack, check: bool
) -> None:
    cloud.forget()
    empty = {"status": 200, "json": {"listvolumesresponse": {}}}
    cloud.sim.control.fault("status", path="listVolumes", **empty)
    result = run(cloud, check, name="web1", root_disk_gib=20)
    assert (result.kind, list(result.error["fields"])) == ("not_found", ["root_disk_gib"])
    assert cloud.writes() == []


def test_a_name_that_several_have_wants_an_id(cloud: CloudStack) -> None:
    rows = [{"id": f"0000000{n}-0000-4000-8000-000000000000", "name": "lab-net"} for n in (1, 2)]
    answer = {"listnetworksresponse": {"count": 2, "network": rows}}
    cloud.sim.control.fault("status", path="listNetworks", status=200, json=answer)
    result = run(cloud, **cloud.new(INSTANCE))
    assert result.kind == "ambiguous"
    assert rows[0]["id"] in result.json["msg"] and rows[1]["id"] in result.json["msg"]


def test_of_several_zones_one_must_be_named(cloud: CloudStack) -> None:
    rows = [{"id": name, "name": name} for name in ("south", "north")]
    answer = {"listzonesresponse": {"count": 2, "zone": rows}}
    cloud.sim.control.fault("status", path="listZones", status=200, json=answer)
    cloud.forget()
    result = run(cloud, **cloud.new(INSTANCE))
    assert (result.kind, list(result.error["fields"])) == ("validation", ["zone"])
    assert "north, south" in result.json["msg"]
    assert cloud.writes() == []


def test_a_name_that_is_taken_elsewhere_is_the_servers_word(cloud: CloudStack) -> None:
    text = "The vm with hostName fresh already exists in the network domain: lab"
    body = {"deployvirtualmachineresponse": {"errorcode": 431, "errortext": text}}
    cloud.sim.control.fault("status", path="deploy", status=431, json=body)
    result = run(cloud, **cloud.new(INSTANCE))
    assert result.kind == "exists"
    assert text in result.json["msg"]
    assert "expunge" not in result.json["msg"]
