# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns which field: server-side apply, and writes of other kinds, over HTTP."""

from __future__ import annotations

from typing import Any

import requests

from tests.unit.virtsim.kubevirt.conftest import Call

VM = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines/web2"
CLUSTER = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
SERVICE = "/api/v1/namespaces/default/services/front"
KINDS = {
    VM: ("kubevirt.io/v1", "VirtualMachine", "web2"),
    CLUSTER: ("kubevirt.io/v1", "KubeVirt", "kubevirt"),
    SERVICE: ("v1", "Service", "front"),
}


def applied(call: Call, path: str, owner: str, spec: Any, **query: str) -> requests.Response:
    version, kind, name = KINDS[path]
    head = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    return call("PATCH", path, {**head, "spec": spec}, "apply", fieldManager=owner, **query)


def owned(obj: Any, owner: str) -> Any:
    entries = obj["metadata"]["managedFields"]
    return next((each["fieldsV1"] for each in entries if each["manager"] == owner), None)


def test_a_conflict_with_another_write_names_its_version_and_time(call: Call) -> None:
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"runStrategy": "Manual"}}
    call("PATCH", VM, patch, "merge", fieldManager="ann")
    refused = applied(call, VM, "bob", {"runStrategy": "Halted"})
    body = refused.json()
    entry = call("GET", VM).json()["metadata"]["managedFields"][-1]
    assert (entry["manager"], entry["operation"]) == ("ann", "Update")
    who = f'conflict with "ann" using kubevirt.io/v1 at {entry["time"]}'
    assert refused.status_code == 409
    assert body["message"] == f"Apply failed with 1 conflict: {who}: .spec.runStrategy"
    cause = {"reason": "FieldManagerConflict", "message": who, "field": ".spec.runStrategy"}
    assert body["details"]["causes"] == [cause]


def test_several_conflicts_are_listed_by_owner(call: Call) -> None:
    template = {"spec": {"hostname": "one", "nodeSelector": {"a": "b"}}}
    applied(call, VM, "ann", {"runStrategy": "Manual", "template": template}, force="true")
    other = {"spec": {"hostname": "two", "nodeSelector": {"a": "c"}}}
    refused = applied(call, VM, "bob", {"runStrategy": "Halted", "template": other})
    assert refused.json()["message"].splitlines() == [
        'Apply failed with 3 conflicts: conflicts with "ann":',
        "- .spec.runStrategy",
        "- .spec.template.spec.hostname",
        "- .spec.template.spec.nodeSelector.a",
    ]


def test_force_takes_the_fields_and_leaves_the_rest_to_their_owner(call: Call) -> None:
    template = {"spec": {"hostname": "one"}}
    applied(call, VM, "ann", {"runStrategy": "Manual", "template": template}, force="true")
    taken = applied(call, VM, "bob", {"runStrategy": "Halted"}, force="true").json()
    assert owned(taken, "bob") == {"f:spec": {"f:runStrategy": {}}}
    assert owned(taken, "ann") == {"f:spec": {"f:template": {"f:spec": {"f:hostname": {}}}}}


def test_two_owners_of_one_value_keep_it_until_both_let_go(call: Call) -> None:
    template = {"template": {"spec": {"hostname": "one"}}}
    applied(call, VM, "ann", template, force="true")
    assert applied(call, VM, "bob", template).status_code == 200
    kept = applied(call, VM, "ann", {"runStrategy": "Halted"}, force="true").json()
    assert kept["spec"]["template"]["spec"]["hostname"] == "one"
    gone = applied(call, VM, "bob", {"template": {"metadata": {"labels": {"a": "b"}}}}).json()
    assert "hostname" not in gone["spec"]["template"]["spec"]


def test_lists_that_the_schema_keys_are_merged_by_owner(call: Call) -> None:
    def resources(kind: str, cpu: str) -> Any:
        row = {"type": kind, "resources": {"limits": {"cpu": cpu}}}
        return {"configuration": {"supportContainerResources": [row]}}

    applied(call, CLUSTER, "ann", resources("vmexport", "1"))
    both = applied(call, CLUSTER, "bob", resources("container-disk", "2")).json()
    found = both["spec"]["configuration"]["supportContainerResources"]
    assert [each["type"] for each in found] == ["vmexport", "container-disk"]
    refused = applied(call, CLUSTER, "bob", resources("vmexport", "3")).json()["message"]
    place = '.spec.configuration.supportContainerResources[type="vmexport"].resources.limits.cpu'
    assert refused.endswith(f'conflict with "ann": {place}')
    left = applied(call, CLUSTER, "ann", {}).json()["spec"]["configuration"]
    assert [each["type"] for each in left["supportContainerResources"]] == ["container-disk"]


def test_sets_are_owned_element_by_element(call: Call) -> None:
    def ciphers(*names: str) -> Any:
        return {"configuration": {"tlsConfiguration": {"ciphers": list(names)}}}

    applied(call, CLUSTER, "ann", ciphers("A", "B"))
    both = applied(call, CLUSTER, "bob", ciphers("B", "C")).json()
    assert both["spec"]["configuration"]["tlsConfiguration"]["ciphers"] == ["A", "B", "C"]
    left = applied(call, CLUSTER, "ann", ciphers("A")).json()
    assert left["spec"]["configuration"]["tlsConfiguration"]["ciphers"] == ["A", "B", "C"]
    left = applied(call, CLUSTER, "ann", ciphers("B")).json()
    assert left["spec"]["configuration"]["tlsConfiguration"]["ciphers"] == ["B", "C"]


def test_ports_of_a_service_are_told_apart_by_number_and_protocol(call: Call) -> None:
    def ports(*rows: tuple[int, str]) -> Any:
        return {"ports": [{"port": port, "protocol": protocol} for port, protocol in rows]}

    made = applied(call, SERVICE, "ann", ports((53, "TCP"), (53, "UDP")))
    assert made.status_code == 201
    fewer = applied(call, SERVICE, "ann", ports((53, "UDP"))).json()
    assert fewer["spec"]["ports"] == [{"port": 53, "protocol": "UDP"}]
    more = applied(call, SERVICE, "bob", ports((80, "TCP"))).json()
    assert [each["port"] for each in more["spec"]["ports"]] == [53, 80]


def test_an_apply_says_who_applies_and_nothing_that_the_server_keeps(call: Call) -> None:
    nobody = applied(call, VM, "", {"runStrategy": "Halted"})
    text = "fieldManager: Required value: is required for apply patch"
    assert nobody.status_code == 422
    assert nobody.json()["message"] == f'PatchOptions.meta.k8s.io "" is invalid: {text}'
    head = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine"}
    for metadata, code, text in (
        ({"name": "other"}, 400, "the name of the object (other) does not match"),
        ({"name": "web2", "managedFields": []}, 400, "metadata.managedFields must be nil"),
    ):
        sent = call("PATCH", VM, {**head, "metadata": metadata}, "apply", fieldManager="ann")
        assert (sent.status_code, text in sent.json()["message"]) == (code, True), sent.text
    wrong = applied(call, VM, "ann", {"template": {"spec": {"fooo": 1}}})
    assert wrong.status_code == 500
    assert wrong.json()["message"].endswith(
        ".spec.template.spec.fooo: field not declared in schema"
    )


def test_the_status_is_owned_apart(call: Call) -> None:
    version, kind, name = KINDS[VM]
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    status = {"status": {"desiredGeneration": 7}, "spec": {"runStrategy": "Always"}}
    changed = call("PATCH", f"{VM}/status", {**body, **status}, "apply", fieldManager="ann").json()
    assert changed["status"]["desiredGeneration"] == 7
    assert changed["spec"]["runStrategy"] == "Halted"
    entry = changed["metadata"]["managedFields"][-1]
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:desiredGeneration": {}}}


def test_what_another_write_takes_away_is_nobodys(call: Call) -> None:
    applied(call, VM, "ann", {"template": {"spec": {"hostname": "one"}}}, force="true")
    patch = {"spec": {"template": {"spec": {"hostname": None}}}}
    changed = call("PATCH", VM, patch, "merge", fieldManager="bob").json()
    assert owned(changed, "ann") is None
    again = call("PATCH", VM, patch, "merge", fieldManager="bob").json()
    assert again["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]
