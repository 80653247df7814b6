# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search, describe, preview, call: what has no tool of its own is found by words."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from mcp_bridge.catalog import Catalog
from mcp_bridge.operations import Operations
from tests.mcp.conftest import Bridge
from virtsim import SimServer

CONFIG = "proxmox:PUT /nodes/{node}/qemu/{vmid}/config"
OPERATIONS = Operations(Catalog())


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_search_describe_preview_call(lab: tuple[Bridge, SimServer], mode: str) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> dict[str, Any]:
        found = await bridge.answer(
            client, "tool_search", query="update the config of a qemu guest", platform="proxmox"
        )
        ids = [row["operation"] for row in bridge_rows(found)]
        assert CONFIG in ids
        told = await bridge.answer(client, "tool_describe", operation=CONFIG)
        assert told["data"]["required"] == ["node", "vmid"]
        assert told["data"]["risk"] == "write"
        args = {"node": "pve1", "vmid": 101, "description": "by a tool"}
        call: dict[str, Any] = {"operation": CONFIG, "target": "lab", "args": args}
        planned = await bridge.answer(client, "tool_call", **call, check=True)
        assert planned["status"] == "planned"
        assert sim.control.writes() == []
        return await bridge.answer(client, "tool_call", **call)

    assert bridge.session(talk, mode=mode)["status"] == "changed"
    assert "by a tool" in str(sim.control.snapshot()["guests"]["101"])


def bridge_rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = body["data"]["operations"]
    return rows


def test_a_read_is_run_and_a_write_is_not(lab: tuple[Bridge, SimServer]) -> None:
    bridge, sim = lab
    version = {"operation": "proxmox:GET /version", "target": "lab"}

    async def talk(client: Client) -> list[dict[str, Any]]:
        return [
            await bridge.answer(client, "tool_read", **version),
            await bridge.answer(
                client, "tool_read", operation=CONFIG, target="lab", args={"node": "a", "vmid": 1}
            ),
        ]

    read, refused = bridge.session(talk)
    assert read["data"]["release"]
    assert refused["error"]["code"] == "invalid_args"
    assert "tool_call" in refused["error"]["next"]
    assert sim.control.writes() == []
    assert [row["operation"] for row in bridge.audit("intent")] == ["proxmox:GET /version"]


def test_the_risk_of_the_arguments_is_judged(lab: tuple[Bridge, SimServer]) -> None:
    bridge, sim = lab
    args = {"node": "pve1", "vmid": 101, "delete": "net0"}
    body = bridge.call("tool_call", operation=CONFIG, target="lab", args=args)
    assert body["error"]["code"] == "denied_by_policy"
    assert "destructive" in body["error"]["message"]
    assert sim.control.writes() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"operation": "proxmox:GET /versio"}, "proxmox:GET /version"),
        ({"operation": "cloudstack:listZones"}, "target lab is proxmox"),
        (
            {"operation": CONFIG, "args": {"node": "a", "vmid": 1, "memry": 1}},
            "did you mean memory",
        ),
        ({"operation": CONFIG, "args": {}}, "missing argument node"),
        ({"operation": "proxmox_vm_info", "args": {"vmid": "x"}}, "vmid must be integer"),
    ],
)
def test_a_wrong_call_starts_no_run(
    lab: tuple[Bridge, SimServer], arguments: dict[str, Any], says: str
) -> None:
    body = lab[0].call("tool_call", target="lab", **arguments)
    assert body["error"]["code"] == "invalid_args"
    assert says in body["error"]["message"]
    assert lab[0].audit() == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("create a snapshot of a vm", "vm_snapshot"),
        ("restart a vm", "vm_power"),
        ("list zones", "cloudstack:listZones"),
        ("migrate a virtual machine to another host", "cloudstack:migrateVirtualMachine"),
        ("create a user", "cloudstack:createUser"),
        ("cluster status", "proxmox:GET /cluster/status"),
        ("resize a disk", "proxmox:PUT /nodes/{node}/qemu/{vmid}/resize"),
        ("delete a volume", "cloudstack:deleteVolume"),
        ("list core node", "kubevirt:list core/Node"),
    ],
)
def test_words_find_it_among_the_first_ten(words: str, wanted: str) -> None:
    assert wanted in [each.id for each in OPERATIONS.search(words, limit=10)]


def test_every_operation_is_described_and_has_a_known_risk() -> None:
    assert len(OPERATIONS.all) > 2000
    for operation in OPERATIONS.all.values():
        assert OPERATIONS.risk(operation, {}) in ("read", "write", "disruptive", "destructive")


def test_a_read_that_a_parameter_makes_more_is_no_read_then() -> None:
    operation = OPERATIONS.get("cloudstack:getRouterHealthCheckResults")
    assert OPERATIONS.risk(operation, {"routerid": "x"}) == "read"
    fresh = {"routerid": "x", "performfreshchecks": "true"}
    assert OPERATIONS.risk(operation, fresh) == "disruptive"


def test_a_module_is_described_with_its_options(lab: tuple[Bridge, SimServer]) -> None:
    told = lab[0].call("tool_describe", operation="proxmox_vm_snapshot")["data"]
    assert told["module"] == "virtbridge.core.proxmox_vm_snapshot"
    assert told["risk"] == "write"
    assert "vmstate" in str(told)
    assert told["risk_raised_by"] == {"state": "destructive"}
