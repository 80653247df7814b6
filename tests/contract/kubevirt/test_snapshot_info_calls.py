# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's snapshots, lists and raw calls beyond the generated suite."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.kubevirt.resources.api import API
from plugins.module_utils.kubevirt.resources.vm import VM_RESOURCE
from plugins.module_utils.kubevirt.resources.vm_info import VM_INFO
from plugins.module_utils.kubevirt.resources.vm_snapshot import VM_SNAPSHOT
from plugins.plugin_utils.api import looked_up
from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.support.child import Result

SNAPSHOTS = "virtualmachinesnapshots"


def snapshot(cluster: KubeVirt, **options: Any) -> Result:
    return cluster.run(VM_SNAPSHOT, {"name": "fresh", "vm_name": "web2", **options})


def stored(cluster: KubeVirt) -> Any:
    return cluster.sim.control.snapshot()["virtualmachinesnapshots.snapshot.kubevirt.io"]


def call(cluster: KubeVirt, verb: str, kind: str, **more: Any) -> Result:
    wanted = {"kind": kind, "verb": verb, "namespace": "default", **more}
    return cluster.run(API, looked_up(API.name, wanted))


def listed(cluster: KubeVirt, **options: Any) -> dict[str, dict[str, Any]]:
    result = cluster.run(VM_INFO, {"namespace": "default", **options})
    return {each["name"]: each for each in result.json["objects"]}


def test_a_snapshot_of_a_machine_that_is_not_there(cluster: KubeVirt) -> None:
    result = snapshot(cluster, vm_name="web9")
    assert (result.kind, list(result.error["fields"])) == ("not_found", ["vm_name"])


def test_a_name_that_another_machines_snapshot_has_is_refused(cluster: KubeVirt) -> None:
    assert snapshot(cluster).changed
    for state in ("present", "absent"):
        other = snapshot(cluster, vm_name="web1", state=state)
        assert other.kind == "exists"
        assert "is of VM web2, not of web1" in other.json["msg"]
    assert "default/fresh" in stored(cluster)


def test_a_snapshot_that_is_not_ready_is_neither_taken_again_nor_reported(
    cluster: KubeVirt,
) -> None:
    assert snapshot(cluster).changed
    unready = {"spec": {"source": {"name": "web2"}}, "status": {"phase": "InProgress"}}
    answer = {"metadata": {"name": "fresh", "uid": "u-1"}, **unready}
    path = f"{SNAPSHOTS}/fresh"
    cluster.sim.control.fault("status", method="GET", path=path, status=200, json=answer)
    cluster.forget()
    result = snapshot(cluster)
    assert (result.kind, cluster.writes()) == ("locked", [])
    assert "InProgress" in result.json["msg"]


def test_what_becomes_of_the_content_is_said_when_it_is_taken(cluster: KubeVirt) -> None:
    assert snapshot(cluster, deletion_policy="Retain").changed
    assert stored(cluster)["default/fresh"]["spec"]["deletionPolicy"] == "Retain"


def test_without_waiting_it_is_only_asked_for(cluster: KubeVirt) -> None:
    cluster.forget()
    assert snapshot(cluster, wait=False).changed
    assert snapshot(cluster, state="absent", wait=False).changed
    lines = [line.rpartition("/")[2] for line in cluster.requests()]
    assert lines.count(SNAPSHOTS) == 1, "the POST, and no list to wait with"


def test_a_list_that_does_not_show_it_yet_is_no_end_of_the_wait(cluster: KubeVirt) -> None:
    empty = {"items": [], "metadata": {"resourceVersion": "1"}}
    rule = {"method": "GET", "path": f"{SNAPSHOTS}$", "status": 200, "json": empty}
    cluster.sim.control.fault("status", **rule)
    assert snapshot(cluster).changed
    assert stored(cluster)["default/fresh"]["status"]["readyToUse"] is True


def test_labels_choose_what_is_listed(cluster: KubeVirt) -> None:
    options = {"name": "web2", "labels": {"tier": "web", "env": "lab"}}
    assert cluster.run(VM_RESOURCE, options).changed
    assert list(listed(cluster, labels={"tier": "web", "env": "lab"})) == ["web2"]
    assert listed(cluster, labels={"tier": "web", "env": "prod"}) == {}


def test_details_bring_the_sizes_of_claims(cluster: KubeVirt) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}},
    }
    assert call(cluster, "create", "PersistentVolumeClaim", body=claim).changed
    disks = [{"name": "data", "claim": "data"}]
    assert cluster.run(VM_RESOURCE, {"name": "web2", "disks": disks}).changed

    def size(details: bool) -> Any:
        found = listed(cluster, name="web2", details=details)["web2"]["disks"]
        return {disk["name"]: disk["size_gib"] for disk in found}["data"]

    assert size(details=False) is None
    assert size(details=True) == 3


@pytest.mark.parametrize(
    ("spec", "strategy", "state"),
    [
        ({"running": True}, "Always", "starting"),
        ({"running": False}, "Halted", "stopped"),
        ({"runStrategy": "Manual"}, "Manual", "stopped"),
    ],
)
def test_a_machine_that_no_controller_has_looked_at_has_a_state(
    cluster: KubeVirt, spec: dict[str, Any], strategy: str, state: str
) -> None:
    template = {"spec": {"domain": {"devices": {}}}}
    vm = {
        "metadata": {"name": "young", "namespace": "default", "uid": "u-1"},
        "spec": {**spec, "template": template},
    }
    body = {"items": [vm], "metadata": {"resourceVersion": "1"}}
    cluster.sim.control.fault("status", path="/virtualmachines$", status=200, json=body)
    found = listed(cluster)["young"]
    assert (found["run_strategy"], found["state"]) == (strategy, state)


def test_raw_calls_create_apply_replace_and_delete(cluster: KubeVirt) -> None:
    name = {"name": "settings"}
    made = call(cluster, "create", "ConfigMap", body={"metadata": name, "data": {"a": "1"}})
    assert made.json["result"]["kind"] == "ConfigMap"
    again = call(cluster, "create", "ConfigMap", body={"metadata": name})
    assert again.kind == "exists"
    body = {"metadata": name, "data": {"b": "2"}}
    applied = call(cluster, "apply", "ConfigMap", **name, body=body)
    assert applied.json["result"]["data"] == {"a": "1", "b": "2"}
    fields = applied.json["result"]["metadata"]["managedFields"]
    assert {"virtbridge"} == {each["manager"] for each in fields}
    replaced = call(cluster, "replace", "ConfigMap", **name, body=body)
    assert replaced.json["result"]["data"] == {"b": "2"}
    cluster.forget()
    assert call(cluster, "delete", "ConfigMap", **name).changed
    row = cluster.sim.control.writes()[0]
    assert (row["method"], "fieldManager" in row["params"]) == ("DELETE", False)
    assert call(cluster, "get", "ConfigMap", **name).kind == "not_found"
