# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs outlive the bridge's memory: asked for after a restart, lost by a kill, kept by policy."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from tests.mcp.conftest import Bridge, Http, processes_of, until
from tests.mcp.test_process import Raw
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
STUCK = {"path": "/api2/json/(nodes|cluster)", "count": 0}


def state_of(bridge: Bridge) -> Path:
    return bridge.folder.parent / "state" / "virtbridge"


def rows(bridge: Bridge) -> list[dict[str, Any]]:
    """Return the table of runs as it is on the disk."""
    connection = sqlite3.connect(state_of(bridge) / "state.db")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute("SELECT * FROM runs ORDER BY began")]
    finally:
        connection.close()


def begun(bridge: Bridge) -> str:
    """Return the id of the one run, as soon as it is written down."""
    until(lambda: (state_of(bridge) / "state.db").exists() and rows(bridge))
    run_id: str = rows(bridge)[0]["run_id"]
    return run_id


def test_an_answer_is_there_after_a_restart(lab: Lab) -> None:
    bridge, _sim = lab
    first = bridge.call("vm_list", fields=["name"])
    again = bridge.call("run_get", run_id=first["run_id"])
    assert again == first
    log = bridge.call("run_get", run_id=first["run_id"], show="log")
    assert any("lab" in line for line in log["data"]["log"])
    assert bridge.call("run_cancel", run_id=first["run_id"])["status"] == "unchanged"


@pytest.mark.parametrize("tool", ["vm_power", "vm_list"])
def test_a_run_of_a_killed_bridge_is_uncertain_once_and_never_repeated(lab: Lab, tool: str) -> None:
    """Red when a run is written down at its end: nobody would know it.

    Red when recovery does not look into the store first: each start adds a line to the audit.
    """
    bridge, sim = lab
    sim.control.fault("timeout", **STUCK)
    arguments = {"vm_power": {"ref": "lab/-/101", "state": "started"}}.get(tool, {})
    with Raw(bridge) as raw:
        raw.call(tool, 2, **arguments)
        run_id = begun(bridge)
        until(lambda: any(row["path"].startswith("/api2") for row in sim.control.journal()))
        raw.process.send_signal(signal.SIGKILL)
        raw.close()
    until(lambda: not processes_of(bridge.folder.parent))
    sim.control.reset()
    bodies = [bridge.call("run_get", run_id=run_id, wait=5) for _start in range(2)]
    assert bodies[0] == bodies[1]
    error = bodies[0]["error"]
    assert (bodies[0]["status"], error["code"], error["retryable"]) == (
        "failed",
        "uncertain",
        False,
    )
    assert ("vm_get" if tool == "vm_power" else "vm_list") in error["next"]
    assert [row["state"] for row in rows(bridge)] == ["uncertain"]
    outcomes = [(row["run_id"], row["status"]) for row in bridge.audit("outcome")]
    assert outcomes == [(run_id, "uncertain")]
    assert sim.control.journal() == []


def test_an_end_that_the_audit_has_is_not_recorded_a_second_time(lab: Lab) -> None:
    """Red without the look into the audit: a bridge may die between its two lasts writes."""
    bridge, _sim = lab
    run_id = bridge.call("vm_list")["run_id"]
    with sqlite3.connect(state_of(bridge) / "state.db") as connection:
        connection.execute("UPDATE runs SET state = 'running', ended = NULL, answer = NULL")
    assert bridge.call("run_get", run_id=run_id)["error"]["code"] == "uncertain"
    assert [row["status"] for row in bridge.audit("outcome")] == ["successful"]


def test_a_second_bridge_leaves_the_first_its_runs_and_can_stop_them(lab: Lab) -> None:
    """Red when any bridge but one's own is taken for dead."""
    bridge, sim = lab
    sim.control.fault("timeout", **STUCK)
    with Raw(bridge) as first:
        first.call("vm_list", 2)
        run_id = begun(bridge)

        async def talk(client: Client) -> list[dict[str, Any]]:
            seen = await bridge.answer(client, "run_get", run_id=run_id)
            stopped = await bridge.answer(client, "run_cancel", run_id=run_id)
            ended = await bridge.answer(client, "run_get", run_id=run_id)
            return [seen, stopped, ended]

        seen, stopped, ended = bridge.session(talk)
        answered = first.read()
    assert seen["status"] == "running"
    assert "another process" in seen["data"]["doing"]
    assert stopped["status"] == "changed"
    assert ended["error"]["code"] == "cancelled"
    assert answered["result"]["structuredContent"] == ended
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]


def test_the_runs_of_another_principal_are_not_found(lab: Lab) -> None:
    """Red when only the memory of a bridge is asked whose a run is."""
    bridge, _sim = lab
    run_id = bridge.call("vm_list")["run_id"]
    with Http(bridge) as server:

        async def talk() -> list[dict[str, Any]]:
            async with Client(server.url) as client:
                tools = ("run_get", "run_cancel")
                return [await bridge.answer(client, tool, run_id=run_id) for tool in tools]

        bodies = anyio.run(talk)
    assert [body["error"]["code"] for body in bodies] == ["not_found", "not_found"]


def test_what_is_kept_on_disk_is_private_and_has_no_secret(lab: Lab) -> None:
    bridge, sim = lab
    bridge.call("vm_list")
    secret = sim.credentials["token_secret"].encode()
    files = [path for path in state_of(bridge).iterdir() if path.is_file()]
    assert "state.db" in [path.name for path in files]
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
        assert secret not in path.read_bytes(), path


def test_runs_and_artifacts_are_kept_as_configured(lab: Lab) -> None:
    bridge, _sim = lab
    bridge.config["runs"] = {"keep_count": 1}
    kept = state_of(bridge) / "artifacts"
    for name in ("a", "b"):
        (kept / name).mkdir(parents=True)
        (kept / name / "stdout").write_text(json.dumps(name))

    async def talk(client: Client) -> None:
        until(lambda: len(list(kept.iterdir())) == 1)
        for _turn in range(2):
            await bridge.answer(client, "vm_list")

    bridge.session(talk)
    assert len(rows(bridge)) == 2
    last = rows(bridge)[-1]["run_id"]

    async def wait(_client: Client) -> None:
        until(lambda: len(rows(bridge)) == 1)

    bridge.session(wait)
    assert bridge.call("run_get", run_id=last)["ok"]


def test_a_run_that_cannot_be_written_down_is_not_run(lab: Lab) -> None:
    """Red when the store is asked after the run: the platform would have been called."""
    bridge, sim = lab

    async def talk(client: Client) -> dict[str, Any]:
        await bridge.answer(client, "target_list")
        with sqlite3.connect(state_of(bridge) / "state.db") as connection:
            connection.execute("DROP TABLE runs")
        return await bridge.answer(client, "vm_list")

    error = bridge.session(talk)["error"]
    assert error["code"] == "internal"
    assert "state.db" in error["message"]
    assert "nothing was run" in error["next"]
    assert sim.control.journal() == []
    assert bridge.audit("intent") == []


def test_an_answer_is_given_also_when_its_end_cannot_be_written_down(lab: Lab) -> None:
    """Red when what the store raises goes to the client in place of the answer."""
    bridge, sim = lab
    sim.control.fault("slow", path="/api2/json/(nodes|cluster)", chunk=100, pause=0.3)

    async def talk(client: Client) -> dict[str, Any]:
        def drop() -> None:
            until(sim.control.journal)
            with sqlite3.connect(state_of(bridge) / "state.db") as connection:
                connection.execute("DROP TABLE runs")

        bodies: list[dict[str, Any]] = []

        async def ask() -> None:
            bodies.append(await bridge.answer(client, "vm_list", fields=["name"]))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.to_thread.run_sync(drop)
        return bodies[0]

    body = bridge.session(talk)
    assert body["ok"], body
    assert [row["status"] for row in bridge.audit("outcome")] == ["successful"]
