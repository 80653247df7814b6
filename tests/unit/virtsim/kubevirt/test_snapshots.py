# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and restores of what is not there, which the webhooks let in, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.unit.virtsim.kubevirt.conftest import Call

GROUP = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/default"
SNAPSHOTS, RESTORES = f"{GROUP}/virtualmachinesnapshots", f"{GROUP}/virtualmachinerestores"
VMS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"


def source(name: str) -> dict[str, str]:
    return {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name}


def snapshot(call: Call, machine: str, **spec: Any) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"source": source(machine), **spec}}
    assert call("POST", SNAPSHOTS, body).status_code == 201


def restore(call: Call, machine: str) -> None:
    spec = {"target": source(machine), "virtualMachineSnapshotName": "s"}
    assert call("POST", RESTORES, {"metadata": {"name": "r"}, "spec": spec}).status_code == 201


def until(call: Call, path: str, holds: Any) -> Any:
    for _turn in range(80):
        found = call("GET", path).json()
        if "status" in found and holds(found["status"]):
            return {each["type"]: each["reason"] for each in found["status"]["conditions"]}
    raise AssertionError(found)


def test_a_snapshot_of_no_machine_waits_and_fails_at_its_deadline(call: Call) -> None:
    snapshot(call, "nosuch", failureDeadline="1m")
    waiting = until(call, f"{SNAPSHOTS}/s", lambda status: status["phase"] == "InProgress")
    assert waiting["Progressing"] == "Source does not exist"
    failed = until(call, f"{SNAPSHOTS}/s", lambda status: status["phase"] == "Failed")
    assert failed["Failure"] == "snapshot deadline exceeded"


def test_a_snapshot_goes_on_when_its_machine_comes(call: Call) -> None:
    snapshot(call, "late", failureDeadline="0")
    until(call, f"{SNAPSHOTS}/s", lambda status: status["phase"] == "InProgress")
    vm = call("GET", f"{VMS}/web2").json()
    assert call("POST", VMS, {**vm, "metadata": {"name": "late"}}).status_code == 201
    done = until(call, f"{SNAPSHOTS}/s", lambda status: status["readyToUse"])
    assert done["Ready"] == "Operation complete"


def test_a_restore_waits_for_its_snapshot(call: Call) -> None:
    restore(call, "web2")
    waiting = until(call, f"{RESTORES}/r", lambda status: "conditions" in status)
    text = "VMSnapshot default/s does not exist"
    assert waiting == {"Progressing": text, "Ready": text}
    snapshot(call, "web2")
    done = until(call, f"{RESTORES}/r", lambda status: status["complete"])
    assert done == {"Progressing": "Operation complete", "Ready": "Operation complete"}


def test_a_running_machine_is_not_restored(call: Call) -> None:
    snapshot(call, "web1")
    until(call, f"{SNAPSHOTS}/s", lambda status: status["readyToUse"])
    restore(call, "web1")
    failed = until(call, f"{RESTORES}/r", lambda status: "conditions" in status)
    assert failed["Failure"] == "Restore target failed to be ready"


def test_power_is_refused_during_a_snapshot_in_the_words_of_the_webhook(call: Call) -> None:
    snapshot(call, "web2")
    for _turn in range(40):
        if (call("GET", f"{VMS}/web2").json()["status"]).get("snapshotInProgress"):
            break
    path = VMS.replace("kubevirt.io", "subresources.kubevirt.io") + "/web2/start"
    refused = call("PUT", path)
    text = 'Cannot update vm running state until snapshot "s" completes'
    assert (refused.status_code, text in refused.json()["message"]) == (500, True)
