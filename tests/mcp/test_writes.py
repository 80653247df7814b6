# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of each platform, made, changed, kept and deleted by an MCP client."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

import virtsim
from tests.mcp.conftest import Bridge

NEW: dict[str, dict[str, Any]] = {
    "proxmox": {"image": "debian-12-template", "memory_mib": 1024},
    "cloudstack": {"image": "debian-12", "size": "small", "networks": ["lab-net"]},
    "kubevirt": {"image": "docker://quay.io/containerdisks/fedora:latest", "memory_mib": 1024},
}
CHANGED: dict[str, dict[str, Any]] = {
    "proxmox": {"tags": ["shop"]},
    "cloudstack": {"tags": ["app=shop"]},
    "kubevirt": {"tags": ["app=shop"]},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", sorted(NEW))
def test_a_machine_lives_and_goes(bridge: Bridge, platform: str) -> None:
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        bridge.allow({"name": "lab", "match": {"target": ["lab"]}, "verdict": "allow"})

        async def talk(client: Client) -> list[dict[str, Any]]:
            made = {"target": "lab", "name": "fresh", **NEW[platform]}
            planned = await bridge.answer(client, "vm_create", **made, check=True)
            assert sim.control.writes() == []
            created = await bridge.answer(client, "vm_create", **made)
            again = await bridge.answer(client, "vm_create", **made)
            ref = created["data"]["ref"]
            refused = await bridge.answer(client, "vm_delete", ref=ref)
            answers = [planned, created, again, refused]
            for tool, arguments in (
                ("vm_update", CHANGED[platform]),
                ("vm_snapshot", {"snapshot": "before"}),
                ("vm_delete", {"force": True}),
            ):
                # Each says that it is idempotent, so the second call changes nothing.
                for _turn in range(2):
                    answers.append(await bridge.answer(client, tool, ref=ref, **arguments))
            return answers

        answers = bridge.session(talk)
    statuses = [answer["status"] for answer in answers]
    assert statuses == [
        "planned", "changed", "unchanged", "failed", *("changed", "unchanged") * 3,
    ], answers  # fmt: skip
    planned, created, _again, refused, changed, _same, kept, *_rest = answers
    assert planned["diff"]["after"] == created["diff"]["after"]
    assert created["data"]["state"] == "running"
    assert CHANGED[platform]["tags"][0] in changed["data"]["tags"]
    assert kept["data"]["snapshot"] == "before"
    assert refused["error"]["code"] == "invalid_args"


def test_deleting_is_denied_unless_it_is_allowed(lab: tuple[Bridge, virtsim.SimServer]) -> None:
    bridge, sim = lab
    body = bridge.call("vm_delete", ref="lab/-/101")
    assert body["error"]["code"] == "denied_by_policy"
    assert sim.control.writes() == []
    # A preview changes nothing, so it is a read.
    assert bridge.call("vm_delete", ref="lab/-/101", check=True)["status"] == "planned"


def test_what_a_platform_lacks_is_said(lab: tuple[Bridge, virtsim.SimServer]) -> None:
    body = lab[0].call("vm_create", target="lab", name="fresh", size="small", check=True)
    assert body["error"]["code"] == "unsupported"
    assert "size" in body["error"]["message"]


UNKNOWN = {
    "proxmox": "lab/-/999",
    "cloudstack": "lab/-/6f3d1b9e-5c0a-4a8e-9b57-2f7c1d0e4a11",
    "kubevirt": "lab/default/mistyped",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", sorted(NEW))
def test_creating_never_changes_and_changing_never_creates(bridge: Bridge, platform: str) -> None:
    made = {"target": "lab", "name": "fresh", **NEW[platform]}
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)

        async def talk(client: Client) -> list[dict[str, Any]]:
            typo = {"ref": UNKNOWN[platform], **CHANGED[platform]}
            unknown = await bridge.answer(client, "vm_update", **typo)
            assert sim.control.writes() == []
            await bridge.answer(client, "vm_create", **made)
            written = len(sim.control.writes())
            other = await bridge.answer(client, "vm_create", **{**made, **CHANGED[platform]})
            assert len(sim.control.writes()) == written
            return [unknown, other]

        unknown, other = bridge.session(talk)
    assert unknown["error"]["code"] == "not_found"
    assert other["error"]["code"] == "conflict"
    assert other["error"]["retryable"] is False
    assert set(other["diff"]["after"]) in ({"tags"}, {"labels"})


def test_what_needs_a_restart_is_said_and_done_when_it_is_asked_for(
    lab: tuple[Bridge, virtsim.SimServer],
) -> None:
    bridge, sim = lab
    bridge.allow({"name": "lab", "match": {"target": ["lab"]}, "verdict": "allow"})

    async def talk(client: Client) -> list[dict[str, Any]]:
        change = {"ref": "lab/-/100", "cpus": 4}
        waits = await bridge.answer(client, "vm_update", **change)
        done = await bridge.answer(client, "vm_update", **change, restart=True)
        again = await bridge.answer(client, "vm_update", **change)
        return [waits, done, again]

    waits, done, again = bridge.session(talk)
    assert (waits["status"], waits["data"]["restart_required"]) == ("changed", True)
    assert waits["data"]["pending"] == {"cores": 4}
    assert (done["status"], "restart_required" in done["data"]) == ("changed", False)
    assert again["status"] == "unchanged"
    calls = [row["path"].rpartition("/")[2] for row in sim.control.writes()]
    assert calls == ["config", "shutdown", "start"]
