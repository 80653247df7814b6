# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What protects and what limits, through a real server and a real simulator."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

import virtsim
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


async def _marked(bridge: Bridge, client: Client, tag: str) -> str:
    body = await bridge.answer(client, "vm_list", state="stopped")
    ref = str(bridge.table(body)[0]["ref"])
    tagged = await bridge.answer(client, "vm_update", ref=ref, tags=[tag])
    assert tagged["ok"], tagged
    return ref


NAMES = {"proxmox": "web2", "cloudstack": "app", "kubevirt": "app"}


@pytest.mark.parametrize("platform", sorted(NAMES))
def test_a_tag_on_the_platform_protects_and_cannot_be_taken_away(
    bridge: Bridge, platform: str
) -> None:
    """Red when the door does not look the object up, or judges by what the caller says of it."""
    tag = "keep" if platform == "proxmox" else "keep=yes"
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        bridge.allow(ALLOW)

        ref = bridge.session(lambda client: _marked(bridge, client, tag))
        bridge.config["policy"]["protected"] = {"tags": ["keep*"]}
        sim.control.clear_journal()

        async def talk(client: Client) -> list[dict[str, Any]]:
            answer = bridge.answer
            changed = "other" if platform == "proxmox" else "keep=no"
            return [
                await answer(client, "vm_delete", ref=ref),
                await answer(client, "vm_update", ref=ref, tags=[changed]),
                await answer(client, "tool_call", operation="vm", target="lab",
                             args={"ref": ref, "tags": [], "exact": True}),
                await answer(client, "vm_delete", refs=[ref]),
                await answer(client, "vm_delete", ref=ref, check=True),
                await answer(client, "vm_update", ref=ref, tags=[tag]),
            ]  # fmt: skip

        *denied, preview, same = bridge.session(talk)
        # On Proxmox VE a tag is not a key with a value, so another one takes nothing away.
        plain = denied.pop(1)
        assert code(plain) == ("changed" if platform == "proxmox" else "denied_by_policy")
        for body in denied:
            assert code(body) == "denied_by_policy"
            assert f"the tag {tag} protects the object" in body["error"]["message"]
        assert (code(preview), code(same)) == ("planned", "unchanged")
        if platform != "proxmox":
            assert sim.control.writes() == []
        looks = [row for row in bridge.audit("intent") if row["operation"] == "vm_info"]
        assert len(looks) >= 5


def test_a_rule_about_names_is_judged_by_the_real_name(lab: Any) -> None:
    bridge, sim = lab
    bridge.allow(
        {"name": "web", "match": {"name": "web2", "risk": "destructive"}, "verdict": "allow"}
    )

    async def talk(client: Client) -> list[dict[str, Any]]:
        return [
            await bridge.answer(client, "vm_delete", ref="lab/-/104"),
            await bridge.answer(client, "vm_delete", ref="lab/-/9999"),
            await bridge.answer(client, "vm_delete", ref=REF),
        ]

    other, none, web2 = bridge.session(talk)
    assert code(other) == "denied_by_policy" and code(web2) == "changed"
    assert not none["ok"]
    assert len({row["path"] for row in sim.control.writes()}) >= 1


def test_a_target_that_does_not_answer_is_said_instead_of_a_verdict(lab: Any) -> None:
    bridge: Bridge = lab[0]
    bridge.allow(ALLOW)
    bridge.config["policy"]["protected"] = {"names": ["db-*"]}
    bridge.targets["lab"]["url"] = "https://127.0.0.1:9"
    body = bridge.call("vm_delete", ref=REF)
    assert code(body) == "target_unreachable"
