# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that run: reads, writes, previews, refusals, against a simulator."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

import virtsim
from tests.mcp.conftest import until
from tests.waiting import Attended

MODES = ("auto", "legacy", "2026-07-28")
BUDGET = 24 * 1024
RISKS = ["disruptive", "destructive"]
ALLOW = {"match": {"risk": RISKS, "target": ["lab"]}, "verdict": "allow"}
STARTING = {"before": {"state": "stopped"}, "after": {"state": "running"}}


async def _first(bridge: Any, client: Client, state: str) -> str:
    body = await bridge.answer(client, "vm_list", state=state, fields=["state"])
    assert body["ok"], body
    ref: str = bridge.table(body)[0]["ref"]
    return ref


@pytest.mark.parametrize("mode", MODES)
def test_a_preview_says_what_would_change_and_writes_nothing(lab: Any, mode: str) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> None:
        ref = await _first(bridge, client, "stopped")
        planned = await bridge.answer(client, "vm_power", ref=ref, state="started", check=True)
        assert planned["status"] == "planned"
        assert planned["diff"] == STARTING
        assert planned["data"]["state"] == "stopped"

    bridge.session(talk, mode=mode)
    assert sim.control.writes() == []
    assert [row["check"] for row in bridge.audit("intent")] == [False, True]


def test_a_start_changes_and_a_second_start_does_not(lab: Any) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> None:
        ref = await _first(bridge, client, "stopped")
        started = await bridge.answer(client, "vm_power", ref=ref, state="started")
        assert (started["status"], started["data"]["state"]) == ("changed", "running")
        assert started["diff"] == STARTING
        again = await bridge.answer(client, "vm_power", ref=ref, state="started")
        assert again["status"] == "unchanged"
        assert len(sim.control.writes()) == 1

    bridge.session(talk)
    assert [row["changed"] for row in bridge.audit("outcome")] == [False, True, False]


def test_a_rule_of_the_configuration_allows_a_stop(lab: Any) -> None:
    bridge, _sim = lab
    bridge.allow(ALLOW)

    async def talk(client: Client) -> None:
        ref = await _first(bridge, client, "running")
        stopped = await bridge.answer(client, "vm_power", ref=ref, state="stopped", force=True)
        assert (stopped["status"], stopped["data"]["state"]) == ("changed", "stopped")
        shown = await bridge.answer(client, "vm_get", ref=ref)
        assert (shown["data"]["ref"], shown["data"]["state"]) == (ref, "stopped")
        assert shown["data"]["disks"]

    bridge.session(talk)


def test_what_interrupts_is_denied_until_the_configuration_allows_it(lab: Any) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> dict[str, Any]:
        ref = await _first(bridge, client, "running")
        sim.control.clear_journal()
        denied: dict[str, Any] = await bridge.answer(client, "vm_power", ref=ref, state="stopped")
        return denied

    body = bridge.session(talk)
    assert (body["status"], body["error"]["code"]) == ("denied", "denied_by_policy")
    assert body["error"]["retryable"] is False
    assert sim.control.journal() == []
    assert [row["tool"] for row in bridge.audit("intent")] == ["vm_list"]
    assert [row["decision"] for row in bridge.audit("refused")] == ["approve"]


def test_a_guest_that_does_not_exist_is_not_found(lab: Any) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> None:
        body = await bridge.answer(client, "vm_get", ref="lab/-/999999")
        assert body["error"]["code"] == "not_found", body
        body = await bridge.answer(client, "vm_power", ref="lab/-/999999", state="started")
        assert body["error"]["code"] == "not_found", body

    bridge.session(talk)
    assert sim.control.writes() == []


def test_filters_narrow_the_list(lab: Any) -> None:
    bridge, _sim = lab

    async def talk(client: Client) -> None:
        every = bridge.table(await bridge.answer(client, "vm_list"))
        one = next(row for row in every if row["tags"])
        wanted = {"name": one["name"][:-1] + "?", "state": one["state"], "tags": one["tags"]}
        where = {"host": one["host"], "cpus": one["cpus"]}
        found = bridge.table(await bridge.answer(client, "vm_list", **wanted, where=where))
        assert one["ref"] in [row["ref"] for row in found]
        assert len(found) == sum(
            row["name"][:-1] == one["name"][:-1]
            and len(row["name"]) == len(one["name"])
            and row["state"] == one["state"]
            and set(row["tags"]) >= set(one["tags"])
            and (row["host"], row["cpus"]) == (one["host"], one["cpus"])
            for row in every
        )
        none = await bridge.answer(client, "vm_list", where={"host": "no*such"})
        assert (none["ok"], none["page"]["total"]) == (True, 0)

    bridge.session(talk)


@pytest.mark.parametrize("platform", ["cloudstack", "kubevirt", "proxmox"])
def test_five_thousand_guests_come_in_pages_each_once(bridge: Any, platform: str) -> None:
    with virtsim.start(platform, seed="5000") as sim:
        bridge.add("lab", sim)
        refs = bridge.session(_every_page(bridge))
    assert len(refs) == len(set(refs)) == 5000
    assert len(bridge.audit("intent")) == 1


def _every_page(bridge: Any) -> Any:

    async def talk(client: Client) -> list[str]:
        refs: list[str] = []
        more: dict[str, Any] = {}
        while True:
            body = await bridge.answer(client, "vm_list", limit=1000, **more)
            assert body["ok"], body
            assert len(json.dumps(body, ensure_ascii=False, separators=(",", ":"))) <= BUDGET
            refs += [row["ref"] for row in bridge.table(body)]
            assert body["page"]["total"] == 5000
            if body["page"]["next"] is None:
                return refs
            more = {"cursor": body["page"]["next"]}

    return talk


def test_a_cursor_is_bound_to_its_filters(lab: Any) -> None:
    bridge, _sim = lab

    async def talk(client: Client) -> None:
        first = await bridge.answer(client, "vm_list", limit=1)
        cursor = first["page"]["next"]
        assert cursor
        same = await bridge.answer(client, "vm_list", limit=1, cursor=cursor)
        assert bridge.table(same) != bridge.table(first)
        other = await bridge.answer(client, "vm_list", state="running", cursor=cursor)
        assert other["error"]["code"] == "invalid_args"
        forged = await bridge.answer(client, "vm_list", cursor=cursor[:-4] + "AAAA")
        assert forged["error"]["code"] == "invalid_args"

    bridge.session(talk)


@pytest.mark.parametrize("dead", ["cloudstack", "kubevirt", "proxmox"])
def test_a_dead_target_of_three_delays_nobody(bridge: Any, dead: str) -> None:
    with ExitStack() as stack:
        nobody = stack.enter_context(_nobody())
        for platform in ("cloudstack", "kubevirt", "proxmox"):
            sim = stack.enter_context(virtsim.start(platform, seed="small"))
            if platform == dead:
                bridge.add("dead", sim, url=nobody)
            else:
                bridge.add(platform, sim)
        _one_is_dead(bridge)


def _one_is_dead(bridge: Any) -> None:
    alive = {name for name in bridge.targets if name != "dead"}

    async def talk(client: Client) -> dict[str, Any]:
        with Attended() as spent:
            body: dict[str, Any] = await bridge.answer(client, "vm_list")
        assert spent.seconds < 10
        probed = await bridge.answer(client, "target_list", probe=True)
        reached = {row["name"]: row["reachable"] for row in probed["data"]["targets"]}
        assert reached == {"dead": False, **dict.fromkeys(alive, True)}
        return body

    body = bridge.session(talk)
    assert {row["ref"].split("/")[0] for row in bridge.table(body)} == alive
    assert [text for text in body["warnings"] if text.startswith("dead did not answer")]
    assert len(bridge.audit("intent")) == 2


def test_a_target_that_nobody_answers_is_unreachable(bridge: Any, proxmox_sim: Any) -> None:
    with _nobody() as url:
        bridge.add("dead", proxmox_sim(), url=url)
        body = bridge.call("vm_list")
    assert (body["error"]["code"], body["error"]["retryable"]) == ("target_unreachable", True)


def test_cancelling_a_call_stops_its_run(lab: Any) -> None:
    bridge, sim = lab
    sim.control.fault("timeout", path="/api2/json/(nodes|cluster)", count=0)

    async def talk(client: Client) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "vm_list", {})
            await anyio.to_thread.run_sync(until, sim.control.journal)
            group.cancel_scope.cancel()
        await anyio.to_thread.run_sync(until, lambda: bridge.audit("outcome"))

    bridge.session(talk)
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]


def test_progress_is_reported_when_it_is_asked_for(lab: Any) -> None:
    bridge, _sim = lab
    seen: list[float] = []

    async def note(progress: float, _total: float | None, _message: str | None) -> None:
        seen.append(progress)

    async def talk(client: Client) -> None:
        await client.call_tool("vm_list", {}, progress_callback=note)

    bridge.session(talk)
    assert seen
    assert seen == sorted(set(seen))


@contextmanager
def _nobody() -> Iterator[str]:
    """Give an address where nobody listens; it is kept from whoever looks for a free one."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{kept.getsockname()[1]}"
