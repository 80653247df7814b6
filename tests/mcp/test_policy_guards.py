# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What protects and what limits, through a real server and a real simulator."""

from __future__ import annotations

from typing import Any

from mcp import Client

from tests.mcp.conftest import Bridge

ALLOW = {"match": {"target": "lab"}, "verdict": "allow"}
REF = "lab/-/101"


def code(body: dict[str, Any]) -> str:
    return str(body["error"]["code"]) if "error" in body else str(body["status"])


def test_a_limit_holds_over_sessions_and_previews_are_free(lab: Any) -> None:
    """Red when the ledger is a list in memory, or when a preview is counted."""
    bridge, sim = lab
    bridge.allow(ALLOW)
    bridge.config["policy"]["limits"] = {"writes_per_minute": 2}
    one: dict[str, Any] = {"ref": REF, "tags": ["a"]}

    async def first(client: Client) -> list[str]:
        bodies = [
            await bridge.answer(client, "vm_update", **one, check=True),
            await bridge.answer(client, "vm_update", **one),
            await bridge.answer(client, "vm_update", **one, check=True),
        ]
        return [code(body) for body in bodies]

    async def second(client: Client) -> list[dict[str, Any]]:
        return [await bridge.answer(client, "vm_update", ref=REF, tags=[tag]) for tag in "bc"]

    assert bridge.session(first) == ["planned", "changed", "planned"]
    allowed, denied = bridge.session(second)
    assert (code(allowed), code(denied)) == ("changed", "denied_by_policy")
    assert "2 of 2 writes a minute by os:" in denied["error"]["message"]
    assert [row["rule"] for row in bridge.audit("refused")] == ["limits.writes_per_minute"]
    assert len(sim.control.writes()) == 2


def test_a_protected_label_beats_a_rule_that_allows(lab: Any) -> None:
    """Red when what is protected is asked after the rules."""
    bridge, sim = lab
    bridge.targets["lab"]["labels"] = {"env": "prod"}
    bridge.allow(ALLOW)
    bridge.config["policy"]["protected"] = {"labels": {"env": "prod"}}

    async def talk(client: Client) -> tuple[Any, ...]:
        return (
            await bridge.answer(client, "vm_delete", ref=REF),
            await bridge.answer(client, "vm_delete", ref=REF, check=True),
            await bridge.answer(client, "target_list"),
        )

    deleted, preview, listed = bridge.session(talk)
    assert code(deleted) == "denied_by_policy"
    assert "the label env=prod protects lab" in deleted["error"]["message"]
    assert code(preview) == "planned"
    assert listed["data"]["targets"][0]["policy"] == {
        "read": "allow", "write": "allow", "disruptive": "deny", "destructive": "deny",
    }  # fmt: skip
    assert sim.control.writes() == []


def test_target_list_says_what_needs_an_approval(lab: Any) -> None:
    bridge: Bridge = lab[0]
    body = bridge.call("target_list")
    assert body["data"]["targets"][0]["policy"] == {
        "read": "allow", "write": "allow", "disruptive": "approve", "destructive": "approve",
    }  # fmt: skip
