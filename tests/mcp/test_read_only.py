# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under `--read-only` nothing of the whole catalog can write, by the list or by a call.

The peers' advisory CVE-2026-46519 (GHSA-cr22-wjx7-2w6m): a server hid its writing tools from the
list, and ran them all the same when they were called by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client, MCPError

from mcp_bridge.catalog import Catalog
from mcp_bridge.config_policy import Rule
from mcp_bridge.operations import Operation, Operations
from mcp_bridge.policy import Approval, Call, Flags, decide
from mcp_bridge.rehearsal import Rehearsal
from mcp_bridge.scopes import LOCAL
from mcp_bridge.targets import load
from mcp_bridge.tools.spec import Caller, Refusal

CATALOG = Catalog()
OPERATIONS = Operations(CATALOG)
IDS = sorted(OPERATIONS.all)
PLATFORMS = ("proxmox", "cloudstack", "kubevirt")
CALLER = Caller("os:alice", "test", LOCAL)
EVERYTHING = (Rule.model_validate({"match": {"tool": "*"}, "verdict": "allow"}),)
ID = "849f6d62-f9a0-56c9-a2d2-40f112252fcf"
SAMPLES: Mapping[str, Any] = {
    "integer": 1, "long": 1, "number": 1, "boolean": True, "object": {}, "map": {}, "list": ["a"],
    "array": ["a"], "uuid": ID,
}  # fmt: skip
# What reads although its verb does not say so; each was looked at.
READERS = {
    "cloudstack:cloudianIsEnabled", "cloudstack:quotaBalance", "cloudstack:quotaCreditsList",
    "cloudstack:quotaEmailTemplateList", "cloudstack:quotaIsEnabled",
    "cloudstack:quotaListEmailConfiguration", "cloudstack:quotaPresetVariablesList",
    "cloudstack:quotaStatement", "cloudstack:quotaSummary", "cloudstack:quotaTariffList",
    "cloudstack:quotaValidateActivationRule", "cloudstack:readyForShutdown",
    "cloudstack:searchLdap", "cloudstack:verifyOAuthCodeAndGetUser",
    "kubevirt:call kubevirt.io/VirtualMachine/expand-spec",
    "kubevirt:call kubevirt.io/VirtualMachine/objectgraph",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/filesystemlist",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/guestosinfo",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/objectgraph",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/sev/fetchcertchain",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/sev/querylaunchmeasurement",
    "kubevirt:call kubevirt.io/VirtualMachineInstance/userlist",
    "kubevirt:call template.kubevirt.io/VirtualMachineTemplate/process",
    "proxmox:POST /access/openid/auth-url",
    "proxmox:POST /nodes/{node}/qemu/{vmid}/agent/fsfreeze-status",
    "proxmox:POST /nodes/{node}/qemu/{vmid}/agent/ping",
}  # fmt: skip
READING = {
    "proxmox": ("GET",),
    "kubevirt": ("get", "list", "watch"),
    "cloudstack": ("list", "get", "is", "find", "query"),
}
NAMED = {
    "cloudstack_instance_snapshot": {"name": "s", "instance_name": "a"},
    "kubevirt_vm_snapshot": {"name": "s", "vm_name": "a", "namespace": "n"},
    "proxmox_vm_snapshot": {"name": "snap", "vmid": 100},
    "vm": {"name": "a"},
    "vm_snapshot": {"snapshot": "s", "name": "a"},
}


@pytest.fixture
def door(tmp_path: Path) -> Rehearsal:
    """Return a door to one target of each platform, which nobody answers."""
    logins = {
        "proxmox": {"token_id": "a@pve!b", "token_secret_file": "s"},
        "cloudstack": {"api_key_file": "s", "secret_key_file": "s"},
        "kubevirt": {"token_file": "s"},
    }
    content = {
        name: {"platform": name, "url": "https://127.0.0.1:9", "credential": logins[name]}
        for name in PLATFORMS
    }
    path = tmp_path / "targets.yml"
    path.write_text(yaml.safe_dump({"targets": content}))
    return Rehearsal(CATALOG, load(path), path)


def arguments(operation: Operation) -> Iterator[dict[str, Any]]:
    """Give arguments of an operation: as few as it takes, one more at a time, and all."""
    if operation.is_vendor:
        params = operation.facts["params"]
        every = {name: SAMPLES.get(str(kind), "a") for name, kind in params.items()}
        few = {name: every.get(name, "a") for name in operation.facts["required"]}
        yield few
        yield every
        for rule in operation.facts["raises"]:
            if rule["param"] in every:
                yield {**few, rule["param"]: rule.get("when", every[rule["param"]])}
        return
    few = dict(NAMED.get(operation.id, {"name": "a", "namespace": "n"}))
    known = operation.facts["options"]["properties"]
    few = {name: value for name, value in few.items() if name in known}
    states = known.get("state", {}).get("enum", [None])
    for state in states:
        yield few | ({"state": state} if state else {})
    for rule in operation.facts["risk"]["raises"]:
        for value in rule.get("values") or (True,):
            yield few | {"state": states[0], rule["option"]: value}


def asked(tool: str, operation: Operation, given: dict[str, Any], door: Rehearsal) -> list[Call]:
    """Return what policy is asked when an operation is called; none when it is refused before.

    Half of the reads go the way of several in one run.
    """
    target = operation.platform if operation.platform in PLATFORMS else "proxmox"
    body = {"operation": operation.id, "target": target, "args": given}
    several = {"calls": [body]} if tool == "tool_read" and len(given) % 2 else body
    try:
        return [seen.judged for seen in door.ask(tool, several, CALLER)]
    except Refusal:
        return []


def test_what_is_called_a_read_reads() -> None:
    """Red when a writing operation is classed as one that reads."""
    odd = set()
    for ident, operation in OPERATIONS.all.items():
        if operation.is_vendor and operation.base_risk == "read":
            verb = ident.partition(":")[2].partition(" ")[0]
            if not verb.startswith(READING[operation.platform]):
                odd.add(ident)
    assert odd == READERS
    reading = {name for name, entry in CATALOG.modules.items() if entry["risk"]["base"] == "read"}
    assert reading == {name for name in CATALOG.modules if name.endswith("_info")}


def test_no_operation_of_the_catalog_can_write(door: Rehearsal) -> None:
    """Red when policy forgets its flag for one risk, or tool_read does not look at the risk."""
    judged, writes = set(), 0
    for ident in IDS:
        operation = OPERATIONS.get(ident)
        for given in arguments(operation):
            for tool in ("tool_call", "tool_read"):
                for call in asked(tool, operation, given, door):
                    judged.add(ident)
                    writes += call.risk != "read"
                    assert tool == "tool_call" or call.risk == "read"
                    _cannot_write(call, given)
    assert judged == set(IDS)
    assert writes > 1000


def _cannot_write(call: Call, given: Mapping[str, Any]) -> None:
    approved = replace(call, plan_digest="d", approval=Approval("person", "os:bob", "d"))
    verdict = decide(approved, EVERYTHING, Flags(read_only=True))
    assert verdict.allowed is (call.risk == "read"), (call.operation, given)
    assert (verdict.permit is not None) is verdict.allowed
    if call.risk == "destructive":
        assert not decide(approved, EVERYTHING, Flags(no_destructive=True)).allowed


GOLDEN = json.loads((Path(__file__).parent / "golden" / "tools.json").read_text())


@pytest.mark.timeout(300)
def test_what_is_not_in_the_list_cannot_be_called(lab: Any) -> None:
    """Red when the list alone is narrowed (CVE-2026-46519)."""
    bridge, sim = lab
    bridge.allow({"match": {"tool": "*"}, "verdict": "allow"})
    sample = [
        operation
        for operation in map(OPERATIONS.get, IDS[::20])
        if operation.platform == "proxmox" and operation.base_risk != "read"
    ]
    assert len(sample) > 10

    async def talk(client: Client) -> tuple[set[str], list[str], list[str]]:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        refused = []
        for tool in GOLDEN:
            if tool["name"] not in listed:
                with pytest.raises(MCPError) as error:
                    await client.call_tool(tool["name"], {"ref": "lab/-/100", "state": "stopped"})
                refused.append(str(error.value))
        codes = []
        for operation in sample:
            given = next(arguments(operation))
            body = await bridge.answer(
                client, "tool_read", operation=operation.id, target="lab", args=given
            )
            codes.append(body["error"]["code"])
        return listed, refused, codes

    listed, refused, codes = bridge.session(talk, "--read-only")
    writers = {tool["name"] for tool in GOLDEN if not tool["annotations"]["readOnlyHint"]}
    assert not listed & writers and len(refused) == len(writers) > 4
    assert all("There is no tool" in text for text in refused)
    assert set(codes) == {"invalid_args"}
    assert sim.control.writes() == [] and bridge.audit("intent") == []
