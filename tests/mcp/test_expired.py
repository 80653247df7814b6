# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans whose time is over are in the audit soon and once, also when nobody asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from mcp import Client

from mcp_bridge.audit import Audit
from mcp_bridge.cleaning import Cleaning
from mcp_bridge.run_store import Keep, RunStore
from tests.mcp.conftest import Bridge
from tests.mcp.inside import Clock, Inside, inside
from tests.waiting import wait_for
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
PLANS = 5


@contextmanager
def cleaning(bridge: Bridge, one: Inside, turns: list[float], often: float) -> Iterator[None]:
    """Let a bridge do what it does now and then, and count how often it did."""
    state = bridge.folder.parent / "state/virtbridge"
    runs = RunStore(one.store, state / "bridges")
    made = Cleaning(state, runs, Audit(state / "audit.jsonl"), Keep())

    def also() -> None:
        one.planner.expire()
        turns.append(time.monotonic())

    made.start(also, often)
    try:
        yield
    finally:
        made.close()
        runs.close()


def test_a_plan_of_bridges_that_share_a_store_expires_once(lab: Lab) -> None:
    """Red when each bridge that finds it over writes a line, or none looks by itself."""
    bridge, _sim = lab
    clock = Clock()
    with ExitStack() as running:
        bridges = [running.enter_context(inside(bridge, clock=clock)) for _turn in range(3)]
        plans = {
            bridges[0].answer("vm_power", ref="lab/-/100", state="stopped", check=True)["data"][
                "plan"
            ]["id"]
            for _turn in range(PLANS)
        }
        turns: list[list[float]] = [[] for _bridge in bridges]
        for one, made in zip(bridges, turns, strict=True):
            running.enter_context(cleaning(bridge, one, made, 0.01))

        def turned() -> bool:
            done = [len(made) for made in turns]
            return bool(
                wait_for(
                    lambda: all(len(now) > was + 1 for now, was in zip(turns, done, strict=True))
                )
            )

        turned()
        assert bridge.audit("expired") == []
        clock.now += 900
        wait_for(lambda: len(bridge.audit("expired")) >= PLANS)
        turned()
        rows = bridge.audit("expired")
    assert sorted(row["plan_id"] for row in rows) == sorted(plans)
    assert {row["reason"] for row in rows} == {"it was planned"}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_bridge_that_serves_says_within_a_minute_what_expired(lab: Lab) -> None:
    """Red when a served bridge looks once in an hour."""
    bridge, _sim = lab
    bridge.config["approval"] = {"plan_ttl": 10}

    async def talk(client: Client) -> tuple[str, float]:
        asked: dict[str, Any] = {"ref": "lab/-/100", "state": "stopped", "check": True}
        body = await bridge.answer(client, "vm_power", **asked)
        begin = time.monotonic()
        look: Callable[[], Any] = lambda: bridge.audit("expired")  # noqa: E731
        wait_for(look, 150.0)
        return body["data"]["plan"]["id"], time.monotonic() - begin

    plan, took = bridge.session(talk)
    assert [row["plan_id"] for row in bridge.audit("expired")] == [plan]
    # Within a minute after ten seconds, and as much again for a machine with other work.
    assert took < 140
