# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches and what a schema allows, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.virtsim.kubevirt.conftest import Call

VMS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"
VM = f"{VMS}/web2"
SERVICES = "/api/v1/namespaces/default/services"
SNAPSHOTS = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots"
RESTORES = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinerestores"
POLICIES = "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies"
SOURCE = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web2"}


@pytest.fixture
def front(call: Call) -> str:
    ports = [{"port": 53, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]
    metadata = {"name": "front", "finalizers": ["example.org/a", "example.org/b"]}
    made = call("POST", SERVICES, {"metadata": metadata, "spec": {"ports": ports}})
    assert made.status_code == 201
    return f"{SERVICES}/front"


@pytest.mark.parametrize(
    ("patch", "numbers"),
    [
        ([{"port": 80, "name": "web"}], [53, 80]),
        ([{"port": 443}], [53, 80, 443]),
        ([{"port": 53, "$patch": "delete"}], [80]),
        ([{"port": 443}, {"$patch": "replace"}], [443]),
    ],
)
def test_a_strategic_merge_goes_by_the_keys_of_a_list(
    call: Call, front: str, patch: list[Any], numbers: list[int]
) -> None:
    changed = call("PATCH", front, {"spec": {"ports": patch}}, "strategic-merge").json()
    assert [each["port"] for each in changed["spec"]["ports"]] == numbers


def test_a_strategic_merge_takes_fields_and_elements_of_sets_away(call: Call, front: str) -> None:
    metadata = {"labels": {"a": "b"}, "$deleteFromPrimitiveList/finalizers": ["example.org/a"]}
    changed = call("PATCH", front, {"metadata": metadata}, "strategic-merge").json()
    assert changed["metadata"]["finalizers"] == ["example.org/b"]
    more = {"metadata": {"labels": {"a": None}, "finalizers": ["example.org/c"]}}
    changed = call("PATCH", front, more, "strategic-merge").json()
    assert changed["metadata"]["labels"] == {}
    assert changed["metadata"]["finalizers"] == ["example.org/b", "example.org/c"]
    whole = {"metadata": {"labels": {"$patch": "replace", "z": "y"}}}
    assert call("PATCH", front, whole, "strategic-merge").json()["metadata"]["labels"] == {"z": "y"}


def test_a_json_patch_moves_and_copies(call: Call) -> None:
    inner = "/spec/template/spec"
    changed = call(
        "PATCH",
        VM,
        [
            {"op": "add", "path": f"{inner}/nodeSelector", "value": {"a": "b"}},
            {"op": "copy", "from": f"{inner}/nodeSelector/a", "path": f"{inner}/hostname"},
            {"op": "move", "from": f"{inner}/nodeSelector/a", "path": f"{inner}/nodeSelector/c"},
        ],
        "ops",
    ).json()["spec"]["template"]["spec"]
    assert (changed["hostname"], changed["nodeSelector"]) == ("b", {"c": "b"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"op": "move", "from": "/spec/nothing", "path": "/spec/other"},
        {"op": "test", "path": "/spec/runStrategy", "value": "Always"},
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "add", "path": "/spec/template/spec/volumes/9", "value": {}},
        {"op": "add", "path": "/nothing/below", "value": 1},
        {"op": "sing", "path": "/spec"},
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(call: Call, wrong: dict[str, Any]) -> None:
    assert call("PATCH", VM, [wrong], "ops").status_code == 422


def test_a_json_patch_has_its_limits(call: Call) -> None:
    step = {"op": "test", "path": "/spec/runStrategy", "value": "Halted"}
    assert call("PATCH", VM, [step] * 10_001, "ops").status_code == 413
    assert call("PATCH", VM, {"op": "test"}, "ops").status_code == 400


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "spec.source: Required value"),
        ({"source": 1}, 'spec.source in body must be of type object: "integer"'),
        ({"source": {**SOURCE, "kind": True}}, 'must be of type string: "boolean"'),
        (
            {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine"}},
            "source.name: Required",
        ),
    ],
)
def test_a_value_that_the_schema_forbids_is_named(call: Call, spec: Any, said: str) -> None:
    refused = call("POST", SNAPSHOTS, {"metadata": {"name": "s"}, "spec": spec})
    assert refused.status_code == 422
    assert said in refused.json()["message"]
    assert refused.json()["details"]["causes"][0]["field"].startswith("spec.source")


def test_a_spec_must_be_there(call: Call) -> None:
    refused = call("POST", SNAPSHOTS, {"metadata": {"name": "s"}}).json()["message"]
    assert refused.endswith("is invalid: spec: Required value")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"maxDowntimeMs": 0}, "should be greater than or equal to 1"),
        ({"maxDowntimeMs": 3_000_000}, "should be less than or equal to 2000000"),
        ({"experimental": {"compression": "lz"}}, 'Unsupported value: "lz": supported values:'),
    ],
)
def test_limits_of_values_are_kept(call: Call, spec: Any, said: str) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"selectors": {}, **spec}}
    refused = call("POST", POLICIES, body)
    assert refused.status_code == 422
    assert said in refused.json()["message"]


def test_lists_have_a_greatest_length(call: Call) -> None:
    vm = call("GET", VM).json()
    row = vm["spec"]["template"]["spec"]["volumes"][0]
    vm["spec"]["template"]["spec"]["volumes"] = [row] * 257
    refused = call("PUT", VM, vm).json()["message"]
    assert "Too many: 257: must have at most 256 items" in refused


def test_a_default_of_the_schema_is_filled_in(call: Call) -> None:
    call("POST", SNAPSHOTS, {"metadata": {"name": "s"}, "spec": {"source": SOURCE}})
    spec = {"target": SOURCE, "virtualMachineSnapshotName": "s"}
    made = call("POST", RESTORES, {"metadata": {"name": "r"}, "spec": spec}).json()
    assert made["spec"]["targetReadinessPolicy"] == "WaitGracePeriod"


def test_an_unknown_field_goes_silently_where_the_client_asks_so(call: Call) -> None:
    patch = {"spec": {"fooo": 1}, "fooo": 1}
    for asked, warned in (("Warn", True), ("Ignore", False)):
        answer = call("PATCH", VM, patch, "merge", fieldValidation=asked)
        assert "fooo" not in {*answer.json(), *answer.json()["spec"]}
        assert ("spec.fooo" in answer.headers.get("warning", "")) == warned


def test_another_version_or_kind_is_refused(call: Call) -> None:
    vm = call("GET", VM).json()
    other = call("PUT", VM, {**vm, "apiVersion": "kubevirt.io/v2"})
    assert other.status_code == 400
    assert "does not match the expected API version (kubevirt.io/v1)" in other.json()["message"]
    wrong = call("PUT", VM, {**vm, "kind": "Pod"})
    assert wrong.status_code == 422
    assert 'kind: Invalid value: "Pod": must be VirtualMachine' in wrong.json()["message"]


def test_what_the_mutating_webhook_cannot_read_is_refused_in_its_words(call: Call) -> None:
    patch = {"spec": {"template": {"spec": {"domain": {"memory": {"guest": "lots"}}}}}}
    refused = call("PATCH", VM, patch, "merge")
    start = 'admission webhook "virtualmachines-mutator.kubevirt.io" denied the request: quantities'
    assert refused.status_code == 400
    assert refused.json()["message"].startswith(start)


def test_a_subresource_that_is_not_modelled_says_so(call: Call) -> None:
    path = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancereplicasets/a/scale"
    assert "is not modelled" in call("GET", path).json()["message"]


@pytest.mark.parametrize(
    ("path", "wrong", "said"),
    [
        ("template", "x", 'spec.template in body must be of type object: "string"'),
        ("template/spec", [], 'spec.template.spec in body must be of type object: "array"'),
        ("template/spec/domain/cpu", {"sockets": "two"}, 'must be of type integer: "string"'),
        ("template/spec/volumes", [1], 'spec.volumes in body must be of type object: "integer"'),
        ("template/spec/hostname", True, 'must be of type string: "boolean"'),
    ],
)
def test_a_machine_of_wrong_types_is_refused_by_its_webhook(
    call: Call, path: str, wrong: Any, said: str
) -> None:
    patch = [{"op": "add", "path": f"/spec/{path}", "value": wrong}]
    refused = call("PATCH", VM, patch, "ops")
    assert (refused.status_code, said in refused.json()["message"]) == (422, True), refused.text


def test_a_port_is_a_number_or_a_name(call: Call) -> None:
    for port in (80, "web"):
        patch = {"spec": {"template": {"spec": {"readinessProbe": {"httpGet": {"port": port}}}}}}
        assert call("PATCH", VM, patch, "merge").status_code == 200
