# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudStack's snapshots, lists and raw calls beyond the generated suite."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.cloudstack.resources.api import API
from plugins.module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from plugins.module_utils.cloudstack.resources.instance_power import INSTANCE_POWER
from plugins.module_utils.cloudstack.resources.instance_snapshot import INSTANCE_SNAPSHOT
from plugins.plugin_utils.api import looked_up
from tests.contract.cloudstack.adapter import CloudStack
from tests.contract.support.child import Result


def snapshot(cloud: CloudStack, check: bool = False, **options: Any) -> Result:
    return cloud.run(INSTANCE_SNAPSHOT, {"name": "fresh", **options}, check=check)


def call(cloud: CloudStack, command: str, **params: Any) -> Result:
    return cloud.run(API, looked_up(API.name, {"command": command, "params": params}))


def ident(cloud: CloudStack, name: str) -> str:
    machines = cloud.sim.control.snapshot()["tables"]["machines"].values()
    return str(next(row["id"] for row in machines if row["name"] == name))


def test_a_snapshot_needs_its_instance(cloud: CloudStack) -> None:
    cloud.forget()
    result = snapshot(cloud)
    assert (result.kind, list(result.error["fields"])) == ("validation", ["instance_id"])
    assert cloud.requests() == []


def test_a_snapshot_of_an_instance_that_is_not_there(cloud: CloudStack) -> None:
    result = snapshot(cloud, instance_name="web9")
    assert result.kind == "not_found"
    assert "'web9'" in result.json["msg"]


@pytest.mark.parametrize("check", [True, False])
def test_memory_is_kept_of_a_running_instance_only(cloud: CloudStack, check: bool) -> None:
    cloud.forget()
    refused = snapshot(cloud, check, instance_name="web2", memory=True)
    assert (refused.kind, list(refused.error["fields"])) == ("validation", ["memory"])
    assert cloud.writes() == []
    taken = snapshot(cloud, instance_name="web1", memory=True)
    assert taken.object["memory"] is True
    assert not snapshot(cloud, instance_name="web1", memory=True).changed


def test_a_snapshot_that_failed_can_only_be_deleted(cloud: CloudStack) -> None:
    cloud.fail_operation()
    assert snapshot(cloud, instance_name="web2").kind == "operation_failed"
    cloud.sim.control.clear_faults()
    again = snapshot(cloud, instance_name="web2")
    assert again.kind == "locked"
    assert "state: absent" in again.json["msg"]
    assert snapshot(cloud, instance_name="web2", state="absent").changed
    assert snapshot(cloud, instance_name="web2").changed


def test_a_project_or_an_account_limits_the_list(cloud: CloudStack) -> None:
    def names(**scope: str) -> list[str]:
        return [each["name"] for each in cloud.run(INSTANCE_INFO, scope).json["objects"]]

    assert names(project="shop") == ["shop1"]
    assert names(account="lab", domain="ROOT/lab") == ["app"]
    both = cloud.run(INSTANCE_INFO, {"project": "shop", "account": "lab", "domain": "ROOT/lab"})
    assert sorted(both.error["fields"]) == ["account", "project"]


def test_details_bring_the_disks_of_accounts_and_of_projects(cloud: CloudStack) -> None:
    plain = cloud.run(INSTANCE_INFO, {})
    assert not any(each["disks"] for each in plain.json["objects"])
    found = cloud.run(INSTANCE_INFO, {"details": True}).json["objects"]
    boot = {each["name"]: [disk["boot"] for disk in each["disks"]] for each in found}
    assert boot["web1"] == boot["shop1"] == [True]
    one = cloud.run(INSTANCE_INFO, {"details": True, "name": "web1"}).json["objects"]
    assert one == [each for each in found if each["name"] == "web1"]


def test_disks_come_in_the_order_of_their_devices(cloud: CloudStack) -> None:
    web1 = ident(cloud, "web1")
    rows = [
        {"id": "b", "name": "DATA-1", "type": "DATADISK", "deviceid": 1, "size": 5 << 30},
        {"id": "a", "name": "ROOT-1", "type": "ROOT", "deviceid": 0},
    ]
    volumes = {"count": 2, "volume": [{"virtualmachineid": web1, **row} for row in rows]}
    answer = {"status": 200, "json": {"listvolumesresponse": volumes}}
    cloud.sim.control.fault("status", path="listVolumes", count=2, **answer)
    found = cloud.run(INSTANCE_INFO, {"details": True, "name": "web1"}).json["objects"][0]
    assert [(disk["name"], disk["size_gib"]) for disk in found["disks"]] == [
        ("ROOT-1", None),
        ("DATA-1", 5),
    ]


def test_to_restart_a_stopped_one_is_to_start_it(cloud: CloudStack) -> None:
    cloud.forget()
    result = cloud.run(INSTANCE_POWER, {"name": "web2", "state": "restarted"})
    assert result.object["state"] == "running"
    assert cloud.writes() == ["startVirtualMachine"]


def test_a_raw_write_without_a_job_returns_the_object(cloud: CloudStack) -> None:
    result = call(cloud, "updateVirtualMachine", id=ident(cloud, "web2"), group="front")
    assert result.changed
    assert (result.json["result"]["name"], result.json["result"]["group"]) == ("web2", "front")


def test_a_raw_list_returns_all_pages_or_the_one_that_is_asked_for(cloud: CloudStack) -> None:
    whole = call(cloud, "listVirtualMachines", listall=True).json["result"]
    page = call(cloud, "listVirtualMachines", listall=True, page=2, pagesize=3).json["result"]
    assert page["count"] == len(whole)
    assert page["virtualmachine"] == whole[3:6]


def test_a_job_that_made_no_object_returns_an_empty_one(cloud: CloudStack) -> None:
    done = {"queryasyncjobresultresponse": {"jobstatus": 1}}
    cloud.sim.control.fault("status", path="queryAsyncJobResult", status=200, json=done)
    result = call(cloud, "startVirtualMachine", id=ident(cloud, "web2"))
    assert result.changed
    assert result.json["result"] == {}
