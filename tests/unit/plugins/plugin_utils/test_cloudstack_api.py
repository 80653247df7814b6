# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A raw CloudStack command as the controller checks it."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.errors import ValidationFailed
from plugins.plugin_utils.api import looked_up


def resolve(command: str, **params: Any) -> dict[str, Any]:
    return looked_up("cloudstack_api", {"command": command, "params": params})


def test_the_command_gets_its_right_case_and_risk() -> None:
    resolved = resolve("STOPvirtualmachine", id="x")
    assert resolved["command"] == "stopVirtualMachine"
    assert (resolved["operation"]["risk"], resolved["operation"]["job"]) == ("disruptive", True)


def test_maps_get_the_encoding_of_the_command() -> None:
    tags = resolve("createTags", resourceids=["a"], resourcetype="UserVm", tags={"env": "lab"})
    assert tags["params"] == {
        "resourceids": ["a"],
        "resourcetype": "UserVm",
        "tags[0].key": "env",
        "tags[0].value": "lab",
    }
    ids = {"serviceofferingid": "o", "zoneid": "z", "templateid": "t"}
    deploy = resolve(
        "deployVirtualMachine",
        details={"cpuNumber": 2, "memory": 512},
        iptonetworklist=[{"networkid": "n", "ip": "10.0.0.1"}],
        **ids,
    )
    assert deploy["params"] == {
        "details[0].cpuNumber": 2,
        "details[0].memory": 512,
        "iptonetworklist[0].networkid": "n",
        "iptonetworklist[0].ip": "10.0.0.1",
        **ids,
    }


def test_an_encoded_map_may_be_given_as_it_is_sent() -> None:
    given = {"resourceids": "a", "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"}
    assert resolve("createTags", **given)["params"] == given


def test_secrets_are_parted_and_hidden() -> None:
    resolved = resolve("updateVirtualMachine", id="x", userdata="c2VjcmV0")
    assert resolved["secret_params"] == {"userdata": "c2VjcmV0"}
    assert "**.password" in resolved["operation"]["hidden"]


def test_a_parameter_raises_the_risk() -> None:
    assert resolve("updateVirtualMachine", id="x")["operation"]["risk"] == "write"
    raised = resolve("updateVirtualMachine", id="x", cleanupdetails="yes")
    assert raised["operation"]["risk"] == "destructive"
    assert raised["params"]["cleanupdetails"] is True


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ValidationFailed) as refused:
        resolve("deployVirtualMachine", zonid="z", startvm="maybe", size=1.5, apikey="x")
    assert sorted(refused.value.fields) == [
        f"params.{name}"
        for name in ("apikey", "serviceofferingid", "size", "startvm", "zoneid", "zonid")
    ]
    assert "did you mean zoneid?" in refused.value.fields["params.zonid"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": 1}, "not a mapping"),
        (["a"], "must be one"),
        ("x" * 5000, "at most 255 characters"),
    ],
)
def test_a_text_is_one_text_that_is_not_too_long(value: Any, says: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        resolve("updateVirtualMachine", id="x", displayname=value)
    assert says in refused.value.fields["params.displayname"]


def test_a_truth_is_no_number() -> None:
    with pytest.raises(ValidationFailed) as refused:
        resolve("listVirtualMachines", page=True)
    assert "not true or false" in refused.value.fields["params.page"]


def test_an_unknown_command_says_the_nearest() -> None:
    with pytest.raises(ValidationFailed) as refused:
        resolve("listVirtualMachine")
    assert "did you mean listVirtualMachines?" in refused.value.message
