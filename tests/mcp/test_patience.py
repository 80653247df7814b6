# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client hears while it waits, when it has its answer, and what becomes of it if it goes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.mcp.conftest import Bridge, Http, until
from tests.mcp.test_recovery import STUCK, rows
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
MODES = ("legacy", "2026-07-28")
TRANSPORTS = ("stdio", "http")
# What is promised to clients, in seconds.
LONGEST_SILENCE = 10.0
LONGEST_ANSWER = 110.0


@pytest.fixture
def stuck(lab: Lab) -> Iterator[tuple[Bridge, SimServer, ExitStack]]:
    """Return a bridge whose platform does not answer."""
    bridge, sim = lab
    sim.control.fault("timeout", **STUCK)
    with ExitStack() as opened:
        yield bridge, sim, opened


def client_of(bridge: Bridge, transport: str, mode: Any, opened: ExitStack) -> Client:
    if transport == "http":
        return Client(opened.enter_context(Http(bridge)).url, mode=mode)
    command = bridge.command("serve")
    server = StdioServerParameters(
        command=command[0], args=command[1:], env=bridge.environment, cwd=bridge.folder
    )
    return Client(server, mode=mode)


def listen(client: Client) -> tuple[dict[str, Any], list[float], float]:
    """Call what does not end; return its answer, when something was heard, and how long it took."""
    heard: list[float] = []

    async def note(_progress: float, _total: float | None, message: str | None) -> None:
        assert message
        heard.append(time.monotonic())

    async def main() -> tuple[dict[str, Any], list[float], float]:
        with anyio.fail_after(200):
            async with client:
                begin = time.monotonic()
                heard.append(begin)
                result = await client.call_tool("vm_list", {}, progress_callback=note)
                end = time.monotonic()
                body: dict[str, Any] = result.structured_content
                await client.call_tool("run_cancel", {"run_id": body["run_id"]})
                return body, [*heard, end], end - begin

    return anyio.run(main)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_slow_call_is_answered_in_time(stuck: Any, transport: str, mode: str) -> None:
    """Red when the answer waits for the end of the run."""
    bridge, _sim, opened = stuck
    bridge.config["server"] = {"answer_within": 2}
    body, _heard, seconds = listen(client_of(bridge, transport, mode, opened))
    assert body["status"] == "running"
    assert 2 <= seconds < LONGEST_ANSWER - 100 + 2


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_who_asked_for_progress_hears_something_at_least_every_ten_seconds(
    stuck: Any, transport: str, mode: str
) -> None:
    """Red when only what the run does is told: a module that waits does nothing for minutes."""
    bridge, _sim, opened = stuck
    bridge.config["server"] = {"answer_within": 25}
    body, heard, _seconds = listen(client_of(bridge, transport, mode, opened))
    assert body["status"] == "running"
    silences = [later - sooner for sooner, later in itertools.pairwise(heard)]
    assert max(silences) <= LONGEST_SILENCE
    print(f"{transport}, {mode}: longest silence of {len(silences)}: {max(silences):.1f} s")


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_goes_before_the_answer_has_its_run_cancelled(stuck: Any, mode: str) -> None:
    """Red when the run of a client that is gone goes on, with nobody who knows its id."""
    bridge, _sim, opened = stuck
    client = client_of(bridge, "http", mode, opened)

    async def main() -> None:
        async with client:
            with anyio.move_on_after(200) as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(client.call_tool, "vm_list", {})
                    await anyio.to_thread.run_sync(until, lambda: rows(bridge))
                    scope.cancel()

    anyio.run(main)
    until(lambda: rows(bridge)[0]["state"] != "running")
    assert [(row["state"], row["code"]) for row in rows(bridge)] == [("failed", "cancelled")]
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_goes_after_the_answer_loses_nothing(stuck: Any, mode: str) -> None:
    """Red when a run ends with the connection of whoever asked for it."""
    bridge, sim, opened = stuck
    bridge.config["server"] = {"answer_within": 0.5}
    # What waits for an answer that never comes asks again soon.
    bridge.targets["lab"]["timeout"] = 5
    server = opened.enter_context(Http(bridge))

    async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        with anyio.fail_after(200):
            async with Client(server.url, mode=mode) as client:
                return await bridge.answer(client, tool, **arguments)

    begun = anyio.run(lambda: ask("vm_list", fields=["name"]))
    assert begun["status"] == "running"
    assert rows(bridge)[0]["state"] == "running"
    sim.control.reset()
    ended = anyio.run(lambda: ask("run_get", run_id=begun["run_id"], wait=60))
    assert ended["run_id"] == begun["run_id"]
    assert ended["status"] != "running"
