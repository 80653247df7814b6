# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as the Python kubernetes client sees it: typed, dynamic, watching, applying."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client, dynamic
from kubernetes.client import ApiException

import virtsim
from tests.unit.virtsim.kubevirt.conftest import Connect

GROUP = ("kubevirt.io", "v1")


def machines(connect: Connect, token: str = "token") -> Any:
    resources = dynamic.DynamicClient(connect(token)).resources
    return resources.get(api_version="kubevirt.io/v1", kind="VirtualMachine")


def refusal(call: Any, *args: Any, **options: Any) -> ApiException:
    with pytest.raises(ApiException) as caught:
        call(*args, **options)
    return caught.value


def test_typed_kinds_are_listed(connect: Connect) -> None:
    core = client.CoreV1Api(connect())
    assert [each.metadata.name for each in core.list_node().items] == ["node1", "node2", "node3"]
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="create", namespace="default")
        )
    )
    answers = [
        client.AuthorizationV1Api(connect(token)).create_self_subject_access_review(review)
        for token in ("token", "reader_token")
    ]
    assert [each.status.allowed for each in answers] == [True, False]


def test_lists_come_in_pages_that_hold_each_once(connect: Connect) -> None:
    api, names, more = client.CustomObjectsApi(connect()), [], None
    while True:
        page = api.list_cluster_custom_object(
            *GROUP, "virtualmachines", limit=3, **({"_continue": more} if more else {})
        )
        names += [each["metadata"]["name"] for each in page["items"]]
        more = page["metadata"].get("continue")
        if not more:
            break
    assert len(names) == 7
    chosen = api.list_cluster_custom_object(
        *GROUP, "virtualmachines", label_selector="env in (prod),!nosuch"
    )
    assert [each["metadata"]["name"] for each in chosen["items"]] == ["web1"]


def test_a_new_machine_is_watched_until_it_runs(connect: Connect) -> None:
    vms = machines(connect)
    template = vms.get(name="web2", namespace="default").to_dict()["spec"]["template"]
    template["spec"]["domain"].pop("firmware")
    body = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "fresh"},
        "spec": {"runStrategy": "Always", "template": template},
    }
    made = vms.create(body=body, namespace="default")
    assert made.spec.template.spec.domain.firmware.serial
    seen = []
    for event in vms.watch(
        namespace="default",
        name="fresh",
        resource_version=made.metadata.resourceVersion,
        timeout=10,
    ):
        status = event["raw_object"].get("status") or {}
        seen.append(status.get("printableStatus"))
        if seen[-1] == "Running":
            break
    assert seen[-2:] == ["Starting", "Running"]
    vms.delete(name="fresh", namespace="default")
    for _turn in range(40):
        if not client.CustomObjectsApi(connect()).list_namespaced_custom_object(
            *GROUP, "default", "virtualmachines", field_selector="metadata.name=fresh"
        )["items"]:
            return
    raise AssertionError("the machine is still there")


def test_a_webhook_denies_with_causes(connect: Connect) -> None:
    error = refusal(
        machines(connect).patch,
        name="web2",
        namespace="default",
        body={"spec": {"runStrategy": "Sometimes"}},
        content_type="application/merge-patch+json",
    )
    assert error.status == 422
    assert "Invalid RunStrategy (Sometimes)" in error.body


def test_custom_resources_refuse_a_strategic_merge(connect: Connect) -> None:
    error = refusal(
        machines(connect).patch,
        name="web2",
        namespace="default",
        body={"metadata": {"labels": {"a": "b"}}},
        content_type="application/strategic-merge-patch+json",
    )
    assert error.status == 415


def test_an_old_version_conflicts(connect: Connect) -> None:
    vms = machines(connect)
    old = vms.get(name="web2", namespace="default").to_dict()
    old["metadata"]["labels"] = {"a": "b"}
    vms.replace(body=old, namespace="default")
    old["metadata"]["labels"] = {"a": "c"}
    assert refusal(vms.replace, body=old, namespace="default").status == 409


def apply(vms: Any, owner: str, spec: dict[str, Any], **options: Any) -> Any:
    body = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "web2"},
        "spec": spec,
    }
    return vms.server_side_apply(
        body=body, name="web2", namespace="default", field_manager=owner, **options
    )


def test_apply_names_the_owner_of_what_conflicts_and_lists_are_atomic(connect: Connect) -> None:
    vms = machines(connect)
    apply(vms, "ann", {"runStrategy": "Manual"}, force_conflicts=True)
    error = refusal(apply, vms, "bob", {"runStrategy": "Halted"})
    assert error.status == 409
    assert 'conflict with \\"ann\\"' in error.body
    assert ".spec.runStrategy" in error.body
    volumes = [{"name": "root", "containerDisk": {"image": "example.org/other:1"}}]
    applied = apply(vms, "bob", {"template": {"spec": {"volumes": volumes}}})
    assert applied.to_dict()["spec"]["template"]["spec"]["volumes"] == volumes
    # What a manager no longer applies, and nobody else owns, goes.
    named = {"template": {"spec": {"volumes": volumes, "hostname": "one"}}}
    assert apply(vms, "bob", named).to_dict()["spec"]["template"]["spec"]["hostname"] == "one"
    gone = apply(vms, "bob", {"template": {"spec": {"volumes": volumes}}})
    assert "hostname" not in gone.to_dict()["spec"]["template"]["spec"]


def test_a_dry_run_stores_nothing(connect: Connect, sim: virtsim.SimServer) -> None:
    before = sim.control.snapshot()
    changed = machines(connect).patch(
        name="web2",
        namespace="default",
        body={"spec": {"runStrategy": "Always"}},
        content_type="application/merge-patch+json",
        query_params=[("dryRun", "All")],
    )
    assert changed.spec.runStrategy == "Always"
    assert sim.control.snapshot() == before
    assert sim.control.writes() == []


def test_an_unknown_field_is_pruned_with_a_warning_or_refused(connect: Connect) -> None:
    options: dict[str, Any] = {
        "name": "web2",
        "namespace": "default",
        "body": {"spec": {"template": {"spec": {"fooo": 1}}}},
        "content_type": "application/merge-patch+json",
    }
    vms = machines(connect)
    assert "fooo" not in vms.patch(**options).to_dict()["spec"]["template"]["spec"]
    strict = refusal(vms.patch, **options, query_params=[("fieldValidation", "Strict")])
    assert strict.status == 400
    assert "spec.template.spec.fooo" in strict.body


def test_who_may_only_read_or_only_one_namespace(connect: Connect) -> None:
    reader, apps = (
        client.CustomObjectsApi(connect(name)) for name in ("reader_token", "apps_token")
    )
    assert reader.list_cluster_custom_object(*GROUP, "virtualmachines")["items"]
    error = refusal(
        reader.delete_namespaced_custom_object, *GROUP, "apps", "virtualmachines", "app"
    )
    assert (error.status, "cannot delete" in error.body) == (403, True)
    found = apps.list_namespaced_custom_object(*GROUP, "apps", "virtualmachines")["items"]
    assert len(found) == 1
    assert refusal(apps.list_cluster_custom_object, *GROUP, "virtualmachines").status == 403


def test_a_watch_from_too_long_ago_is_gone(connect: Connect) -> None:
    api = client.CustomObjectsApi(connect())
    options = {"watch": True, "resource_version": "1", "timeout_seconds": 2}
    error = refusal(api.list_cluster_custom_object, *GROUP, "virtualmachines", **options)
    assert error.status == 410


def test_what_a_machine_owns_goes_with_it(connect: Connect, sim: virtsim.SimServer) -> None:
    vms = machines(connect)
    vm = vms.get(name="web2", namespace="default").to_dict()
    claims = client.CoreV1Api(connect())
    spec = vm["spec"]
    spec["template"]["spec"]["volumes"] = [{"name": "root", "dataVolume": {"name": "web2-root"}}]
    spec["dataVolumeTemplates"] = [
        {
            "metadata": {"name": "web2-root"},
            "spec": {
                "source": {"blank": {}},
                "storage": {"resources": {"requests": {"storage": "5Gi"}}},
            },
        }
    ]
    vms.replace(body=vm, namespace="default")
    for _turn in range(20):
        if claims.list_namespaced_persistent_volume_claim("default").items:
            break
    vms.delete(name="web2", namespace="default")
    for _turn in range(20):
        if not claims.list_namespaced_persistent_volume_claim("default").items:
            return
    raise AssertionError(sim.control.snapshot().get("persistentvolumeclaims"))
