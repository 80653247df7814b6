# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance types and preferences: what a machine gets from them, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.unit.virtsim.kubevirt.conftest import Call

VMS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"
VMIS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances"
TYPES = "/apis/instancetype.kubevirt.io/v1beta1"
PREFERENCES = f"{TYPES}/virtualmachineclusterpreferences"
OWN_TYPES = f"{TYPES}/namespaces/default/virtualmachineinstancetypes"
DOMAIN = {"devices": {"disks": [{"name": "root", "disk": {}}]}}
VOLUMES = [{"name": "root", "containerDisk": {"image": "example.org/disk:1"}}]


def machine(**spec: Any) -> Any:
    template = {"spec": {"domain": DOMAIN, "volumes": VOLUMES}}
    return {"metadata": {"name": "fresh"}, "spec": {"template": template, **spec}}


def until(call: Call, path: str, holds: Any) -> Any:
    for _turn in range(60):
        found = call("GET", path).json()
        if holds(found):
            return found
    raise AssertionError(found)


def test_a_machine_waits_for_its_instance_type(call: Call) -> None:
    matcher = {"name": "small", "kind": "VirtualMachineInstancetype"}
    made = call("POST", VMS, machine(runStrategy="Always", instancetype=matcher))
    assert made.status_code == 201
    failed = until(call, f"{VMS}/fresh", lambda vm: len(conditions(vm)) > 1)
    text = 'virtualmachineinstancetypes.instancetype.kubevirt.io "small" not found'
    assert conditions(failed)["Failure"] == ("FailedFindInstancetype", text)
    assert failed["status"]["printableStatus"] == "Stopped"
    spec = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}
    assert call("POST", OWN_TYPES, {"metadata": {"name": "small"}, "spec": spec}).ok
    until(call, f"{VMS}/fresh", lambda vm: vm["status"]["printableStatus"] == "Running")
    assert "Failure" not in conditions(call("GET", f"{VMS}/fresh").json())
    domain = call("GET", f"{VMIS}/fresh").json()["spec"]["domain"]
    assert domain["cpu"] == {"cores": 1, "sockets": 2, "threads": 1}
    assert domain["memory"] == {"guest": "1Gi"}


def conditions(vm: Any) -> dict[str, tuple[str, str]]:
    rows = (vm.get("status") or {}).get("conditions") or ()
    return {each["type"]: (each.get("reason", ""), each.get("message", "")) for each in rows}


def test_a_preference_fills_in_what_the_machine_leaves_open(call: Call) -> None:
    wanted = {
        "cpu": {"preferredCPUTopology": "cores"},
        "devices": {"preferredDiskBus": "sata"},
        "features": {"preferredSmm": {"enabled": True}},
    }
    assert call("POST", PREFERENCES, {"metadata": {"name": "old"}, "spec": wanted}).ok
    call(
        "POST",
        VMS,
        machine(
            runStrategy="Always", instancetype={"name": "u1.large"}, preference={"name": "old"}
        ),
    )
    until(call, f"{VMS}/fresh", lambda vm: vm.get("status", {}).get("created"))
    domain = call("GET", f"{VMIS}/fresh").json()["spec"]["domain"]
    assert domain["cpu"] == {"cores": 2, "sockets": 1, "threads": 1}
    assert domain["devices"]["disks"][0]["disk"] == {"bus": "sata"}
    assert domain["features"]["smm"] == {"enabled": True}
    assert (
        "disk"
        in call("GET", f"{VMS}/fresh").json()["spec"]["template"]["spec"]["domain"]["devices"][
            "disks"
        ][0]
    )


def test_a_clone_that_names_no_target_gets_one(call: Call) -> None:
    path = "/apis/clone.kubevirt.io/v1beta1/namespaces/default/virtualmachineclones"
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web2"}
    made = call("POST", path, {"metadata": {"name": "c"}, "spec": {"source": source}}).json()
    assert made["spec"]["target"]["name"].startswith("clone-web2-")


def test_a_kind_behind_a_feature_gate_is_refused_until_it_is_on(call: Call) -> None:
    path = "/apis/backup.kubevirt.io/v1alpha1/namespaces/default/virtualmachinebackups"
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web2"}
    body = {"metadata": {"name": "b"}, "spec": {"source": source}}
    refused = call("POST", path, body)
    text = "IncrementalBackup feature gate not enabled"
    assert (refused.status_code, text in refused.json()["message"]) == (400, True)
    gates = {"developerConfiguration": {"featureGates": ["IncrementalBackup"]}}
    cluster = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
    call("PATCH", cluster, {"spec": {"configuration": gates}}, "merge")
    assert call("POST", path, body).status_code == 201
