# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool list as clients of both protocol eras see it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS

GOLDEN = Path(__file__).parent / "golden" / "tools.json"
MODES = ("auto", "legacy", "2026-07-28")
NAME = re.compile(r"^[a-z][a-z_]{1,27}$")


async def _listed(client: Client) -> Any:
    first = await client.list_tools(cache_mode="bypass")
    second = await client.list_tools(cache_mode="bypass")
    dumps = [each.model_dump_json(by_alias=True, exclude_none=True) for each in (first, second)]
    assert dumps[0] == dumps[1]
    return json.loads(dumps[0])


@pytest.mark.parametrize("mode", MODES)
def test_the_list_is_the_golden_one_in_every_mode(bridge: Any, mode: str) -> None:
    listed = bridge.session(_listed, mode=mode)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(listed["tools"], indent=1, ensure_ascii=False) + "\n")
    golden = json.loads(GOLDEN.read_text())
    assert listed["tools"] == golden, "run again with UPDATE_GOLDEN=1 if this is meant"
    assert "nextCursor" not in listed
    assert len(json.dumps(listed)) <= 20 * 1024


def test_each_tool_keeps_the_limits_that_clients_have() -> None:
    for tool in json.loads(GOLDEN.read_text()):
        assert NAME.match(tool["name"])
        assert len(tool["description"].encode()) <= 400
        assert tool["inputSchema"]["additionalProperties"] is False
        Draft202012Validator.check_schema(tool["inputSchema"])
        assert tool["outputSchema"]["required"] == ["ok", "status"]
        assert set(tool["annotations"]) >= {"readOnlyHint", "destructiveHint", "idempotentHint"}


def test_read_only_hides_the_tools_that_write(bridge: Any) -> None:
    async def talk(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    assert bridge.session(talk, "--read-only") == [
        "target_list",
        "vm_list",
        "vm_get",
        "tool_search",
        "tool_describe",
        "tool_read",
        "run_get",
        "audit_query",
    ]


@pytest.mark.parametrize("mode", MODES)
def test_everything_else_is_answered_too(bridge: Any, mode: str) -> None:
    async def talk(client: Client) -> None:
        assert len((client.instructions or "").encode()) <= 2048
        assert (await client.list_resources()).resources == []
        assert (await client.list_resource_templates()).resource_templates == []
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError) as caught:
            await client.read_resource("virtbridge://none")
        assert caught.value.code == INVALID_PARAMS
        with pytest.raises(MCPError, match="no prompt nothing"):
            await client.get_prompt("nothing")

    bridge.session(talk, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_name(bridge: Any, mode: str) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(MCPError, match="did you mean vm_power") as caught:
            await client.call_tool("vm_powr", {})
        assert caught.value.code == INVALID_PARAMS

    bridge.session(talk, mode=mode)


def test_the_page_about_the_server_has_every_tool() -> None:
    page = (GOLDEN.parents[3] / "docs/mcp.md").read_text()
    table = page.partition("## Tools")[2].partition("## Answers")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    shown = re.findall(r"`([a-z_]+)`", " ".join(row.split("|")[1] for row in rows))
    assert sorted(shown) == sorted(tool["name"] for tool in json.loads(GOLDEN.read_text()))
