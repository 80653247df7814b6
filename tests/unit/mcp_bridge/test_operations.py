# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a found operation becomes: a module's name and its options, and its risk."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_bridge.catalog import Catalog, secrets_of
from mcp_bridge.operations import Operations
from mcp_bridge.tools.spec import Refusal
from plugins.plugin_utils.api import looked_up

OPERATIONS = Operations(Catalog())
ARGUMENTS = {"namespace": "default", "name": "web1"}


def becomes(ident: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    operation = OPERATIONS.all[ident]
    return OPERATIONS.module_call(operation, arguments)


@pytest.mark.parametrize(
    ("ident", "given", "module", "options"),
    [
        ("proxmox_vm", {"vmid": 100}, "proxmox_vm", {"vmid": 100}),
        (
            "proxmox:PUT /nodes/{node}/qemu/{vmid}/config",
            {"node": "pve1", "vmid": 100},
            "proxmox_api",
            {
                "method": "PUT",
                "path": "/nodes/{node}/qemu/{vmid}/config",
                "params": {"node": "pve1", "vmid": 100},
            },
        ),
        (
            "cloudstack:startVirtualMachine",
            {"id": "x"},
            "cloudstack_api",
            {"command": "startVirtualMachine", "params": {"id": "x"}},
        ),
    ],
)
def test_an_operation_becomes_the_options_of_its_module(
    ident: str, given: dict[str, Any], module: str, options: dict[str, Any]
) -> None:
    assert becomes(ident, **given) == (module, options)


def test_every_kubevirt_operation_becomes_a_call_that_the_module_knows() -> None:
    subs = set()
    for ident, operation in OPERATIONS.all.items():
        if operation.platform == "kubevirt" and operation.is_vendor:
            module, options = becomes(ident, **ARGUMENTS)
            assert module == "kubevirt_api"
            assert options["verb"] != "call"
            subs.add(options.get("subresource"))
    assert {None, "start", "stop"} <= subs
    ident = next(each for each in OPERATIONS.all if each.endswith("VirtualMachine/start"))
    _module, options = becomes(ident, **ARGUMENTS)
    assert looked_up("kubevirt_api", options)["operation"]["path"].endswith("/web1/start")


def test_secrets_are_found_in_lists_and_deep_inside() -> None:
    facts = {"secrets": ["users.password", "note"]}
    arguments = {"users": [{"password": "a"}, {"password": ""}, {"password": "b"}], "note": None}
    assert secrets_of(facts, arguments) == ("a", "b")
    assert secrets_of(facts, {"users": "none"}) == ()


def test_the_secrets_in_a_body_are_found_by_their_names_and_decoded() -> None:
    """Red when a body is searched by whole paths only, or what is encoded in it is not known."""
    facts = OPERATIONS.get("kubevirt:create core/Secret").facts
    body = {"metadata": {"name": "x"}, "stringData": {"a": "first"}, "data": {"b": "c2Vjb25k"}}
    found = secrets_of(facts, {"namespace": "default", "body": body})
    assert sorted(found) == ["c2Vjb25k", "first", "second"]
    facts = OPERATIONS.get("kubevirt:patch kubevirt.io/VirtualMachine").facts
    volumes = [{"cloudInitNoCloud": {"userData": "third", "networkData": "x"}}]
    body = {"spec": {"template": {"spec": {"volumes": volumes}}}, "data": {"b": "no secret here"}}
    assert secrets_of(facts, {"body": body}) == ("third",)


def test_no_refusal_shows_a_secret() -> None:
    """Red when a problem shows the value of a secret argument, or what is inside of one."""
    operation = OPERATIONS.get("proxmox_vm")
    for wrong in (["s3cret-word"], {"password": "s3cret-word"}, 12345678):
        with pytest.raises(Refusal) as refused:
            OPERATIONS.check(operation, {"name": "a", "ci_password": wrong})
        assert "ci_password must be string" in refused.value.message
        assert "s3cret" not in refused.value.message and "12345678" not in refused.value.message
    with pytest.raises(Refusal, match='cores must be integer, is "x"'):
        OPERATIONS.check(operation, {"name": "a", "cores": "x"})
