# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A raw KubeVirt call as the controller checks it."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.errors import ValidationFailed
from plugins.module_utils.engine.raw import hidden
from plugins.module_utils.engine.redact import MASK
from plugins.plugin_utils.api import looked_up

PLACE = {"namespace": "default", "name": "web1"}
VM = {"kind": "VirtualMachine", **PLACE}


def resolve(**arguments: Any) -> dict[str, Any]:
    operation: dict[str, Any] = looked_up("kubevirt_api", arguments)["operation"]
    return operation


def refusal(**arguments: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        looked_up("kubevirt_api", arguments)
    assert "Nothing was sent" in refused.value.message
    return dict(refused.value.fields)


def test_the_version_is_the_stored_one_or_the_one_that_is_asked_for() -> None:
    assert resolve(**VM)["path"] == "/apis/kubevirt.io/v1/namespaces/default/virtualmachines/web1"
    old = resolve(**VM, api_version="kubevirt.io/v1alpha3")
    assert old["path"].startswith("/apis/kubevirt.io/v1alpha3/")
    assert "kubevirt.io/v1" in refusal(**VM, api_version="kubevirt.io/v2")["api_version"]


def test_a_subresource_of_kubevirt_goes_to_its_own_server() -> None:
    stop = resolve(**VM, subresource="stop")
    path = "/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/web1/stop"
    assert (stop["method"], stop["path"], stop["risk"]) == ("PUT", path, "disruptive")
    status = resolve(**VM, subresource="status")
    assert status["path"].endswith("/virtualmachines/web1/status")
    assert status["path"].startswith("/apis/kubevirt.io/")


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({"kind": "VirtualMachin"}, "kind", "VirtualMachine"),
        ({}, "kind", "is given"),
        ({**VM, "verb": "gett"}, "verb", "unknown verb; did you mean get?"),
        ({"kind": "PodMetrics", **PLACE, "verb": "delete"}, "verb", "has only"),
        ({"kind": "VirtualMachine", "namespace": "default"}, "name", "needed"),
        ({"kind": "VirtualMachine", "name": "web1"}, "namespace", "needed"),
        ({"kind": "Node", "name": "n", "namespace": "default"}, "namespace", "unset"),
        ({**VM, "verb": "replace"}, "body", "needed"),
        ({**VM, "verb": "replace", "body": "text"}, "body", "mapping"),
        ({**VM, "subresource": "stopp"}, "subresource", "stop"),
        ({**VM, "verb": "list", "subresource": "stop", "namespace": None}, "namespace", "needed"),
    ],
)
def test_a_mistake_is_named(arguments: dict[str, Any], field: str, says: str) -> None:
    fields = refusal(**arguments)
    assert list(fields) == [field]
    assert says in fields[field]


def test_all_mistakes_are_named_at_once() -> None:
    assert set(refusal(kind="VirtualMachine", verb="patch")) == {"name", "namespace", "body"}


def test_what_opens_a_stream_is_refused() -> None:
    instance = {**VM, "kind": "VirtualMachineInstance"}
    assert "stream" in refusal(**instance, subresource="console")["subresource"]


def test_what_is_secret_in_a_body_is_told_to_the_module_and_hidden_in_the_answer() -> None:
    """Red when the body of a Secret, or the cloud-init in one, is shown like any other."""
    body = {"stringData": {"hello": "secret one", "short": "x"}, "data": {"b": "c2VjcmV0IHR3bw=="}}
    place = {"kind": "Secret", "namespace": "default", "verb": "create"}
    found = looked_up("kubevirt_api", {**place, "body": body})
    assert found["secret_params"]["body"] == ["secret one", "c2VjcmV0IHR3bw==", "secret two"]
    assert found["body"] == body
    volumes = [{"cloudInitNoCloud": {"userData": "#cloud-config"}}]
    patch = {"spec": {"template": {"spec": {"volumes": volumes}}}}
    found = looked_up("kubevirt_api", {**VM, "verb": "patch", "body": patch})
    assert found["secret_params"] == {"body": ["#cloud-config"]}
    assert "secret_params" not in looked_up("kubevirt_api", VM)
    answer: Any = {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {"volumes": [{"cloudInitNoCloud": {"userData": "a", "userDataBase64": "b"}}]},
        "data": {"kept": "c"},
    }
    for where in resolve(**VM)["hidden"]:
        answer = hidden(answer, where.split("."))
    assert answer["spec"]["volumes"] == [
        {"cloudInitNoCloud": {"userData": MASK, "userDataBase64": MASK}}
    ]
    assert list(answer["metadata"]["annotations"].values()) == [MASK]
    assert answer["data"] == {"kept": "c"}
