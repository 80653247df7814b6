# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that take longer than their answer may: asked for later, stopped, never lost."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from mcp import Client

from tests.mcp.conftest import Bridge, processes_of
from tests.mcp.inside import inside
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
STUCK = {"path": "/api2/json/(nodes|cluster)", "count": 0}


@pytest.fixture
def hasty(lab: Lab) -> Lab:
    """Return a bridge that answers with the run's id long before a run can have ended."""
    lab[0].config["server"] = {"answer_within": 0.1}
    return lab


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_slow_call_is_answered_later_as_it_would_have_been(hasty: Lab, mode: str) -> None:
    bridge, _sim = hasty

    async def talk(client: Client) -> list[dict[str, Any]]:
        begun = await bridge.answer(client, "vm_list", fields=["name"])
        run_id = begun["run_id"]
        first = await bridge.answer(client, "run_get", run_id=run_id, wait=60)
        again = await bridge.answer(client, "run_get", run_id=run_id)
        log = await bridge.answer(client, "run_get", run_id=run_id, show="log")
        late = await bridge.answer(client, "run_cancel", run_id=run_id)
        return [begun, first, again, log, late]

    begun, first, again, log, late = bridge.session(talk, mode=mode)
    assert (begun["ok"], begun["status"]) == (True, "running")
    assert begun["data"]["tool"] == "vm_list"
    assert begun["data"]["targets"] == ["lab"]
    assert "run_get" in begun["data"]["next"]
    assert first["status"] == "ok"
    assert first["run_id"] == begun["run_id"]
    assert [row["name"] for row in bridge.table(first)]
    assert again == first
    assert log["status"] == "ok"
    assert any("lab" in line for line in log["data"]["log"])
    assert late["status"] == "unchanged"
    assert [row["status"] for row in bridge.audit("outcome")] == ["successful"]


def test_a_running_call_is_stopped(hasty: Lab) -> None:
    bridge, sim = hasty
    sim.control.fault("timeout", **STUCK)

    async def talk(client: Client) -> list[dict[str, Any]]:
        begun = await bridge.answer(client, "vm_list")
        run_id = begun["run_id"]
        still = await bridge.answer(client, "run_get", run_id=run_id, wait=1)
        stopped = await bridge.answer(client, "run_cancel", run_id=run_id)
        ended = await bridge.answer(client, "run_get", run_id=run_id)
        return [still, stopped, ended]

    still, stopped, ended = bridge.session(talk)
    assert still["status"] == "running"
    assert still["data"]["seconds"] >= 1
    assert stopped["status"] == "changed"
    assert ended["error"]["code"] == "cancelled"
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]


def test_what_still_runs_ends_with_the_server(hasty: Lab) -> None:
    bridge, sim = hasty
    sim.control.fault("timeout", **STUCK)

    async def talk(client: Client) -> dict[str, Any]:
        return await bridge.answer(client, "vm_list")

    assert bridge.session(talk)["status"] == "running"
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]
    assert processes_of(bridge.folder.parent) == []


def test_a_run_that_is_not_known_is_not_found(bridge: Bridge) -> None:
    for tool in ("run_get", "run_cancel"):
        body = bridge.call(tool, run_id="0123456789abcdef")
        assert body["error"]["code"] == "not_found"
        assert body["error"]["next"]


def test_a_command_waits_for_the_end(hasty: Lab) -> None:
    bridge, _sim = hasty
    done = subprocess.run(
        bridge.command("call", "vm_list", "--json"), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert '"status": "ok"' in done.stdout


def test_a_call_that_comes_while_the_server_ends_reaches_nothing(lab: Lab) -> None:
    """Red when only those that run already are cancelled."""
    bridge, sim = lab
    with inside(bridge) as opened:
        assert opened.answer("vm_list")["ok"]
        before = len(sim.control.journal())
        assert opened.surface.cancel(0) is False
        assert opened.answer("vm_list")["error"]["code"] == "cancelled"
        assert len(sim.control.journal()) == before
        assert opened.answer("target_list")["ok"]
