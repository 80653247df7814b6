# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubevirt_vm beyond the generated suite: lists that are merged, restarts, strategies, disks."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.kubevirt.resources.api import API
from plugins.module_utils.kubevirt.resources.vm import VM_RESOURCE
from plugins.module_utils.kubevirt.resources.vm_power import VM_POWER
from plugins.plugin_utils.api import looked_up
from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.support.child import Result


def run(cluster: KubeVirt, check: bool = False, **options: Any) -> Result:
    return cluster.run(VM_RESOURCE, options, check=check)


def power(cluster: KubeVirt, name: str, state: str, **options: Any) -> Result:
    return cluster.run(VM_POWER, {"name": name, "state": state, **options})


def vm(cluster: KubeVirt, name: str) -> dict[str, Any]:
    table = cluster.sim.control.snapshot()["virtualmachines.kubevirt.io"]
    return dict(table[f"default/{name}"])


def instance(cluster: KubeVirt, name: str) -> dict[str, Any]:
    table = cluster.sim.control.snapshot()["virtualmachineinstances.kubevirt.io"]
    return dict(table[f"default/{name}"])


def fresh(cluster: KubeVirt, **options: Any) -> Result:
    result = run(cluster, **{**cluster.new(VM_RESOURCE), **options})
    assert not result.failed, result.json
    return result


def test_a_change_that_waits_is_reported_and_not_again(cluster: KubeVirt) -> None:
    changed = run(cluster, name="web1", cpu_cores=2)
    assert changed.changed
    assert changed.json["restart_required"]
    assert changed.json["pending"] == {"cpu_cores": 2}
    again = run(cluster, name="web1", cpu_cores=2)
    assert not again.changed
    assert again.json["pending"] == {"cpu_cores": 2}
    before = instance(cluster, "web1")["metadata"]["uid"]
    restarted = run(cluster, name="web1", cpu_cores=2, restart="if_needed")
    assert restarted.changed
    assert not restarted.json["restart_required"]
    assert instance(cluster, "web1")["metadata"]["uid"] != before
    assert restarted.object["cpus"] == 4


def test_memory_that_grows_reaches_the_running_guest(cluster: KubeVirt) -> None:
    grown = run(cluster, name="web1", memory_mib=3072)
    assert grown.changed
    assert not grown.json["restart_required"]
    assert grown.object["memory_mib"] == 3072
    shrunk = run(cluster, name="web1", memory_mib=1024)
    assert shrunk.json["restart_required"]


def test_disks_and_cards_that_are_not_named_stay(cluster: KubeVirt) -> None:
    fresh(cluster, user_data="#cloud-config\n{}\n")
    disks = [{"name": "data", "container_image": "example.org/data:1"}]
    cards = [{"name": "lab", "network": "lab-net"}]
    added = run(cluster, name="fresh", disks=disks, nics=cards)
    assert [each["name"] for each in added.object["disks"]] == ["root", "data", "cloudinit"]
    assert [each["network"] for each in added.object["nics"]] == ["pod", "lab-net"]
    assert not run(cluster, name="fresh", disks=disks, nics=cards).changed
    removed = run(cluster, name="fresh", disks=[{"name": "root"}], exact=True)
    assert [each["name"] for each in removed.object["disks"]] == ["root", "cloudinit"]
    gone = run(cluster, name="fresh", nics=[{"name": "lab", "state": "absent"}])
    assert [each["network"] for each in gone.object["nics"]] == ["pod"]


def test_a_disk_of_its_own_is_filled_and_deleted_with_it(cluster: KubeVirt) -> None:
    made = fresh(cluster, disks=[{"name": "root", "size_gib": 5}], state="started")
    assert made.object["state"] == "running"
    claims = cluster.sim.control.snapshot()["persistentvolumeclaims"]
    assert list(claims) == ["default/fresh-root"]
    assert run(cluster, name="fresh", state="absent", force=True).changed
    assert cluster.sim.control.snapshot()["persistentvolumeclaims"] == {}


def test_a_disk_that_cannot_be_filled_is_loud(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("fail_import")
    options = {**cluster.new(VM_RESOURCE), "disks": [{"name": "root", "size_gib": 5}]}
    result = run(cluster, **options, state="started")
    assert result.kind == "operation_failed"
    assert "DataVolumeError" in result.json["msg"]


def test_an_instance_type_sizes_it(cluster: KubeVirt) -> None:
    image = {"name": "root", "container_image": "example.org/image:1"}
    options = {"name": "typed", "instancetype": "u1.large", "disks": [image]}
    made = run(cluster, **options, state="started")
    assert (made.object["cpus"], made.object["memory_mib"]) == (2, 8192)
    assert not run(cluster, **options, state="started").changed


@pytest.mark.parametrize("strategy", ["Always", "RerunOnFailure", "Manual", "Once"])
def test_the_run_strategy_is_the_same_after_a_stop_and_a_start(
    cluster: KubeVirt, strategy: str
) -> None:
    fresh(cluster, run_strategy=strategy, state="started")
    assert vm(cluster, "fresh")["spec"]["runStrategy"] == strategy
    assert power(cluster, "fresh", "stopped").object["state"] == "stopped"
    started = power(cluster, "fresh", "started")
    assert not started.failed, started.json
    assert vm(cluster, "fresh")["spec"]["runStrategy"] == strategy


def test_one_that_was_made_stopped_starts_with_its_strategy(cluster: KubeVirt) -> None:
    fresh(cluster, run_strategy="RerunOnFailure")
    assert vm(cluster, "fresh")["spec"]["runStrategy"] == "Halted"
    assert power(cluster, "fresh", "started").changed
    assert vm(cluster, "fresh")["spec"]["runStrategy"] == "RerunOnFailure"


def test_a_restart_is_proven_by_another_instance(cluster: KubeVirt) -> None:
    before = instance(cluster, "web1")["metadata"]["uid"]
    cluster.forget()
    result = power(cluster, "web1", "restarted")
    assert result.changed
    assert len(cluster.writes()) == 1
    assert instance(cluster, "web1")["metadata"]["uid"] != before


def test_a_restart_that_the_strategy_forbids_is_refused(cluster: KubeVirt) -> None:
    fresh(cluster, run_strategy="Once", state="started")
    cluster.forget()
    result = power(cluster, "fresh", "restarted")
    assert result.kind == "validation"
    assert "Once" in result.json["msg"]
    assert cluster.writes() == []


def test_a_machine_that_cannot_start_fails_at_once(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("crash_loop", count=0)
    result = power(cluster, "web2", "started")
    assert result.kind == "operation_failed"
    assert "CrashLoopBackOff" in result.json["msg"]


def test_a_guest_that_ignores_the_shutdown_times_out_and_force_ends_it(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("stuck_stop", count=1)
    late = power(cluster, "web1", "stopped", wait_timeout=1)
    assert late.kind == "timeout"
    assert power(cluster, "web1", "stopped", force=True).object["state"] == "stopped"


def test_somebody_elses_change_in_between_is_a_conflict(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("conflict", method="PATCH")
    result = run(cluster, name="web2", labels={"a": "b"})
    assert result.kind == "conflict"
    assert result.error["retryable"]


def test_a_denial_names_the_field(cluster: KubeVirt) -> None:
    result = run(
        cluster,
        name="web2",
        disks=[
            {"name": "root", "boot_order": 1},
            {"name": "two", "container_image": "example.org/two:1", "boot_order": 1},
        ],
    )
    assert result.kind == "validation"
    assert "Boot order" in result.json["msg"]
    assert next(iter(result.error["fields"])).startswith("spec.template.spec")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": "two"}, "memory_mib"),
        ({"name": "two", "memory_mib": 512, "disks": [{"name": "root"}]}, "disks[root]"),
        ({"name": "web1", "user_data": "x" * 3000}, "user_data"),
        ({"name": "Web"}, "name"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    cluster: KubeVirt, options: dict[str, Any], field: str
) -> None:
    cluster.forget()
    result = run(cluster, **options)
    assert (result.kind, list(result.error["fields"])) == ("validation", [field])
    assert cluster.writes() == []


def test_an_unknown_namespace_is_not_found(cluster: KubeVirt) -> None:
    result = run(cluster, **{**cluster.new(VM_RESOURCE), "namespace": "nowhere"})
    assert result.kind == "not_found"
    assert "nowhere" in result.json["msg"]


def test_deleting_what_runs_needs_force(cluster: KubeVirt) -> None:
    for check in (True, False):
        refused = run(cluster, check, name="web1", state="absent")
        assert (refused.kind, list(refused.error["fields"])) == ("validation", ["force"])
    assert run(cluster, name="web1", state="absent", force=True).changed
    assert not run(cluster, name="web1", state="absent").changed


def test_without_waiting_it_is_only_asked_for(cluster: KubeVirt) -> None:
    cluster.forget()
    assert run(cluster, name="web2", state="absent", wait=False).changed
    assert power(cluster, "app", "started", wait=False).changed
    assert [line for line in cluster.requests() if line.endswith("/virtualmachines")] == []


def test_a_paused_one_is_started_by_going_on(cluster: KubeVirt) -> None:
    cluster.forget()
    result = power(cluster, "db2", "started")
    assert result.object["state"] == "running"
    assert [line.rpartition("/")[2] for line in cluster.writes()] == ["unpause"]


def test_to_restart_a_stopped_one_is_to_start_it(cluster: KubeVirt) -> None:
    cluster.forget()
    assert power(cluster, "web2", "restarted").object["state"] == "running"
    assert [line.rpartition("/")[2] for line in cluster.writes()] == ["start"]


def test_one_that_ran_once_is_not_started_again(cluster: KubeVirt) -> None:
    fresh(cluster, run_strategy="Once", state="started")
    ended = {"kind": "VirtualMachineInstance", "verb": "delete", "name": "fresh"}
    call = looked_up(API.name, {**ended, "namespace": "default"})
    assert cluster.run(API, call).changed
    result = power(cluster, "fresh", "started")
    assert result.kind == "unsupported"
    assert "run strategy Once" in result.json["msg"]


@pytest.mark.parametrize(
    ("disk", "source"),
    [
        ({"image_url": "https://example.org/a.qcow2"}, {"source": {"http": "url"}}),
        ({"image_url": "docker://example.org/a:1"}, {"source": {"registry": "url"}}),
        ({"data_source": "debian-12"}, {"sourceRef": {"name": "debian-12"}}),
        ({"data_source": "other/debian"}, {"sourceRef": {"name": "debian", "namespace": "other"}}),
        ({"storage_class": "fast"}, {"source": {"blank": {}}}),
    ],
)
def test_a_new_disk_is_filled_from_what_is_named(
    cluster: KubeVirt, disk: dict[str, str], source: dict[str, Any]
) -> None:
    fresh(cluster, disks=[{"name": "root", "size_gib": 5, **disk}])
    made = vm(cluster, "fresh")["spec"]["dataVolumeTemplates"][0]["spec"]
    if "sourceRef" in source:
        assert made["sourceRef"] == {"kind": "DataSource", **source["sourceRef"]}
    else:
        ((kind, where),) = source["source"].items()
        expected = {"url": disk["image_url"]} if where else {}
        assert made["source"] == {kind: expected}
    assert made["storage"].get("storageClassName") == disk.get("storage_class")


def test_a_card_has_the_model_and_the_address_that_it_was_given(cluster: KubeVirt) -> None:
    nic = {"name": "lab", "network": "lab-net", "model": "e1000e", "mac": "02:00:00:00:00:99"}
    fresh(cluster, nics=[nic])
    card = vm(cluster, "fresh")["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"][-1]
    assert (card["model"], card["macAddress"]) == (nic["model"], nic["mac"])
    assert not run(cluster, name="fresh", nics=[nic]).changed
    assert run(cluster, name="fresh", nics=[{"name": "lab", "model": "virtio"}]).changed
    card = vm(cluster, "fresh")["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"][-1]
    assert (card["model"], card["macAddress"]) == ("virtio", nic["mac"])
