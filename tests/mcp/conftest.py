# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configured bridge in a folder of its own, started as a client starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
import yaml
from mcp import Client, StdioServerParameters
from mcp.client import stdio

from mcp_bridge.cli_demo import LOGINS
from tests import measured
from tests.waiting import wait_for as until
from virtsim import SimServer

ROOT = Path(__file__).parents[2]
Result = TypeVar("Result")
# A server is stopped by force when it takes longer; a busy machine is no reason to.
stdio.PROCESS_TERMINATION_TIMEOUT = 30.0
__all__ = ["Bridge", "Http", "processes_of", "until"]


class Bridge:
    """The files of one bridge, and sessions with the server that they make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.targets: dict[str, Any] = {}
        self.config: dict[str, Any] = {}

    def add(self, name: str, sim: SimServer, **more: Any) -> None:
        """Configure a running simulator as a target."""
        address, names = LOGINS[sim.simulator.platform]
        credential: dict[str, str] = {}
        for each in names:
            if each == "token_id":
                credential[each] = sim.credentials[each]
                continue
            secret = self.folder / f"{name}.{each}"
            secret.touch(mode=0o600)
            secret.write_text(sim.credentials[each])
            credential[f"{each}_file"] = secret.name
        self.targets[name] = {
            "platform": sim.simulator.platform,
            "url": sim.url + address,
            "ca_file": str(sim.ca_file),
            "credential": credential,
        } | more

    def allow(self, *rules: dict[str, Any]) -> None:
        """Put rules into the policy."""
        self.config.setdefault("policy", {}).setdefault("rules", []).extend(rules)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of the bridge, its files written."""
        if self.targets:
            (self.folder / "targets.yml").write_text(yaml.safe_dump({"targets": self.targets}))
        if self.config:
            (self.folder / "virtbridge.yml").write_text(yaml.safe_dump(self.config))
        return [sys.executable, "-m", "mcp_bridge.cli", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has nothing but these files."""
        home = str(self.folder.parent)
        return measured.environment() | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_STATE_HOME": str(self.folder.parent / "state"),
        }

    def session(
        self, talk: Callable[[Client], Awaitable[Result]], *flags: str, mode: Any = "auto"
    ) -> Result:
        """Start the server, let `talk` use a client of it, and return what that returns."""
        command = self.command("serve", *flags)
        server = StdioServerParameters(
            command=command[0], args=command[1:], env=self.environment, cwd=self.folder
        )

        async def main() -> Result:
            with anyio.fail_after(200):
                async with Client(server, mode=mode) as client:
                    return await talk(client)

        return anyio.run(main)

    def call(self, tool: str, *flags: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of one call in a session of its own."""

        async def talk(client: Client) -> dict[str, Any]:
            return await self.answer(client, tool, **arguments)

        return self.session(talk, *flags)

    @staticmethod
    async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of one call, and check that both of its forms say the same."""
        result = await client.call_tool(tool, arguments)
        body: dict[str, Any] = result.structured_content
        assert result.is_error is not body["ok"]
        assert [json.loads(block.text) for block in result.content] == [body]
        return body

    @staticmethod
    def table(body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a list answer, whichever form they came in."""
        rows: list[Any] = body["data"]["rows"]
        columns = body["data"].get("cols")
        return [dict(zip(columns, row, strict=True)) for row in rows] if columns else rows

    def audit(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the audit's rows of calls and plans, or those of one event."""
        path = self.folder.parent / "state" / "virtbridge" / "audit.jsonl"
        # What is after the last end of a line is being written.
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        rows = [json.loads(line) for line in lines]
        if event:
            return [row for row in rows if row["event"] == event]
        return [row for row in rows if row["event"] not in ("started", "ended")]


class Http:
    """A server of a bridge that listens on a free port."""

    def __init__(self, bridge: Bridge, *flags: str) -> None:
        self.start(bridge, bridge.command("serve", "--http", "127.0.0.1:0", "--no-auth", *flags))

    def start(self, bridge: Bridge, command: list[str]) -> None:
        """Start the command and wait until it says where it listens."""
        self.process = subprocess.Popen(
            command, env=bridge.environment, cwd=bridge.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.find()

    def find(self) -> None:
        """Wait until the process says where it listens."""
        assert self.process.stderr is not None
        found, said = None, "not yet"
        while said and not found:
            said = self.process.stderr.readline()
            found = re.search(r"serves MCP on (https?://[\d.]+:\d+/mcp)", said)
            assert found or "-v" in self.process.args, said
        assert found, "it ended"
        self.url = found[1]

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.end()

    def end(self) -> tuple[str, str]:
        """Return what it printed, its end waited for."""
        try:
            return self.process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def processes_of(home: Path) -> list[int]:
    """Return the processes that were started with this home."""
    mark = str(home).encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                environ = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in environ:
                found.append(int(folder.name))
    return found


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    """Return a bridge without targets."""
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    return Bridge(folder)


@pytest.fixture
def lab(bridge: Bridge, proxmox_sim: Callable[..., SimServer]) -> tuple[Bridge, SimServer]:
    """Return a bridge with one small simulator as its target `lab`."""
    sim = proxmox_sim()
    bridge.add("lab", sim)
    return bridge, sim
