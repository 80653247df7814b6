# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server over streamable HTTP: the same tools, and nobody from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
import requests
from mcp import Client

from tests.mcp.conftest import Bridge, Http, processes_of, until
from tests.runner import tree
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "vm_list", "arguments": {}},
}
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@pytest.fixture
def served(lab: Lab) -> Iterator[tuple[Bridge, SimServer, Http]]:
    """Return a server over HTTP with one simulator behind it."""
    bridge, sim = lab
    with Http(bridge) as server:
        yield bridge, sim, server


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_a_client_does_the_whole_way(served: Any, mode: Any) -> None:
    bridge, sim, server = served

    async def talk() -> list[dict[str, Any]]:
        with anyio.fail_after(200):
            async with Client(server.url, mode=mode) as client:
                found = await bridge.answer(client, "tool_search", query="start a machine")
                shown = await bridge.answer(client, "tool_describe", operation="vm_power")
                power = {
                    "operation": "vm_power",
                    "target": "lab",
                    "args": {"ref": "lab/-/101", "state": "started"},
                }
                planned = await bridge.answer(client, "tool_call", **power, check=True)
                assert sim.control.writes() == []
                done = await bridge.answer(client, "tool_call", **power)
                return [found, shown, planned, done]

    found, shown, planned, done = anyio.run(talk)
    assert "vm_power" in [row["operation"] for row in found["data"]["operations"]]
    assert "state" in shown["data"]["args"]["properties"]
    assert planned["status"] == "planned", planned
    assert done["status"] == "changed", done
    assert {row["principal"] for row in bridge.audit("intent")} == {"http:loopback"}


def test_clients_are_served_side_by_side(served: Any) -> None:
    bridge, _sim, server = served
    answers: list[dict[str, Any]] = []

    async def one() -> None:
        async with Client(server.url) as client:
            answers.append(await bridge.answer(client, "vm_list", fields=["name"]))

    async def main() -> None:
        with anyio.fail_after(200):
            async with anyio.create_task_group() as group:
                for _number in range(4):
                    group.start_soon(one)

    anyio.run(main)
    assert len({answer["run_id"] for answer in answers}) == 4
    assert {str(answer["data"]) for answer in answers} == {str(answers[0]["data"])}


def test_what_a_foreign_web_page_could_send_is_refused(served: Any) -> None:
    bridge, sim, server = served
    port = server.url.split(":")[2].split("/")[0]
    assert _post(server, Host="evil.example.org").status_code == 421
    assert _post(server, Host=f"evil.example.org:{port}").status_code == 421
    assert _post(server, Origin="http://evil.example.org").status_code == 403
    assert _post(server, Origin="null").status_code == 403
    form = {"Content-Type": "text/plain"}
    assert 400 <= _post(server, **form).status_code < 500
    assert 400 <= requests.get(server.url, headers=JSON, timeout=40).status_code < 500
    big = requests.post(server.url, data=b"x" * (5 << 20), headers=JSON, timeout=40)
    assert big.status_code == 413
    assert sim.control.journal() == []
    assert bridge.audit() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_what_it_runs(served: Any, number: int) -> None:
    bridge, sim, server = served
    sim.control.fault("timeout", path="/api2/json/(nodes|cluster)", count=0)
    body: list[dict[str, Any]] = []

    async def ask() -> None:
        async with Client(server.url) as client:
            body.append(await bridge.answer(client, "vm_list"))

    async def main() -> None:
        with anyio.fail_after(200):
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                await anyio.to_thread.run_sync(until, sim.control.journal)
                server.process.send_signal(number)

    anyio.run(main)
    _out, errors = server.end()
    assert body[0]["error"]["code"] == "cancelled"
    assert server.process.returncode == 128 + number
    assert "Traceback" not in errors
    assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]
    until(lambda: not processes_of(bridge.folder.parent))


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_the_answer_of_a_call_that_is_slow_to_end_leaves_too(served: Any, mode: Any) -> None:
    """Red when the streams of answers are cut off as soon as a signal comes."""
    bridge, sim, server = served
    sim.control.fault("timeout", path="/api2/json/(nodes|cluster)", count=0)
    body: list[dict[str, Any]] = []

    async def ask() -> None:
        async with Client(server.url, mode=mode) as client:
            body.append(await bridge.answer(client, "vm_list"))

    def stop() -> None:
        until(sim.control.journal)
        # Its guard gives it time before it ends it by force.
        os.kill(tree.roles(server.process.pid)["runner"], signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)

    async def main() -> None:
        with anyio.fail_after(200):
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                await anyio.to_thread.run_sync(stop)

    anyio.run(main)
    server.end()
    assert body[0]["error"]["code"] == "cancelled"
    until(lambda: not processes_of(bridge.folder.parent))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("0.0.0.0:8801", "can be reached by others"),
        ("192.0.2.7:8801", "can be reached by others"),
        ("[::]:8801", "can be reached by others"),
        ("example.org:8801", "no IP address"),
        ("8801", "no HOST:PORT"),
        ("127.0.0.1:http", "no HOST:PORT"),
        ("127.0.0.1:70000", "no HOST:PORT"),
    ],
)
def test_an_address_that_will_not_do_is_refused(bridge: Bridge, address: str, says: str) -> None:
    done = _serve(bridge, address, "--no-auth")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(bridge: Bridge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _serve(bridge, f"127.0.0.1:{taken.getsockname()[1]}", "--no-auth")
    assert done.returncode == 2
    assert "in use" in done.stderr


def test_it_does_not_start_without_a_login_unless_told(bridge: Bridge) -> None:
    """Red when `--http` without `--no-auth` listens."""
    done = _serve(bridge, "127.0.0.1:0")
    assert done.returncode == 2
    assert "say so with --no-auth" in done.stderr


def _post(server: Http, **headers: str) -> requests.Response:
    """Return the answer to a call of a tool with these headers."""
    return requests.post(server.url, json=CALL, headers=JSON | headers, timeout=40)


def _serve(bridge: Bridge, address: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        bridge.command("serve", "--http", address, *flags), env=bridge.environment,
        cwd=bridge.folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
