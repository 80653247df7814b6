# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge client-config`: each client reads its form, and the server starts as it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
import tomllib
import yaml
from mcp import Client, StdioServerParameters

from mcp_bridge import cli_client
from mcp_bridge.clients import CLIENTS
from tests import measured

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8801/mcp"
READERS: Mapping[str, Callable[[str], Any]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
# Where each client looks for its servers, what names an address there, and what else it wants.
PLACES: Mapping[str, tuple[str, str, str, Mapping[str, Any], Mapping[str, Any]]] = {
    "claude-desktop": ("json", "mcpServers", "", {}, {}),
    "claude-code": ("json", "mcpServers", "url", {"type": "stdio"}, {"type": "http"}),
    "cline": (
        "json", "mcpServers", "url",
        {"disabled": False, "autoApprove": ["tool_search", "tool_describe"], "timeout": 120},
        {"type": "streamableHttp"},
    ),
    "cursor": ("json", "mcpServers", "url", {}, {}),
    "vscode": ("json", "servers", "url", {"type": "stdio"}, {"type": "http"}),
    "zed": ("json", "context_servers", "url", {}, {}),
    "continue": ("yaml", "mcpServers", "url", {}, {"type": "streamable-http"}),
    "windsurf": ("json", "mcpServers", "serverUrl", {}, {}),
    "codex": ("toml", "mcp_servers", "url", {"tool_timeout_sec": 120}, {}),
}  # fmt: skip


def environment(home: Path) -> dict[str, str]:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home)}
    return measured.environment() | given


def config(home: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_bridge.cli", "client-config", *words], text=True, timeout=200,
        env=environment(home), capture_output=True, check=False, cwd=home,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def server_of(client: str, text: str) -> dict[str, Any]:
    """Return what the client finds in its file."""
    language, key, _address, _more, _more_http = PLACES[client]
    servers = READERS[language](text)[key]
    if client == "continue":
        (server,) = servers
        assert server.pop("name") == "virtbridge"
        return dict(server)
    assert list(servers) == ["virtbridge"]
    return dict(servers["virtbridge"])


@cache
def listed(command: tuple[str, ...], given: tuple[tuple[str, str], ...], home: Path) -> list[str]:
    """Start the server as a client does, once for each way of starting it; return its tools."""

    async def main() -> list[str]:
        env = environment(home) | dict(given)
        server = StdioServerParameters(command=command[0], args=list(command[1:]), env=env)
        with anyio.fail_after(200):
            async with Client(server) as client:
                return [tool.name for tool in (await client.list_tools()).tools]

    return anyio.run(main)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("ho me 'ü")
    (folder / "virtbridge.yml").write_text("server: {no_destructive: true}\n")
    (folder / "targets.yml").write_text("targets: {}\n")
    return folder


def test_every_client_is_known_and_listed(home: Path) -> None:
    assert tuple(CLIENTS) == cli_client._CLIENTS == tuple(PLACES)
    rows = json.loads(config(home, "--list", "--json").stdout)["clients"]
    assert [row["client"] for row in rows] == list(CLIENTS)
    assert all(row["file"] for row in rows)
    table = config(home, "--list").stdout
    assert "Zed" in table


@pytest.mark.parametrize("client", PLACES)
def test_a_client_starts_the_server_by_its_form(home: Path, client: str) -> None:
    """Red when a key is misspelt, a path is relative, or the configuration is not passed on."""
    options = ("--config", "virtbridge.yml", "--targets", "targets.yml", "--read-only")
    done = config(home, "--client", client, *options)
    assert CLIENTS[client].title in done.stderr
    server = server_of(client, done.stdout)
    command, args, env = server.pop("command"), server.pop("args"), server.pop("env")
    assert server == PLACES[client][3]
    assert Path(command).is_absolute()
    assert env == {
        "VIRTBRIDGE_CONFIG": str(home / "virtbridge.yml"),
        "VIRTBRIDGE_TARGETS": str(home / "targets.yml"),
    }
    names = listed((command, *args), tuple(env.items()), home)
    assert "vm_list" in names
    assert "vm_power" not in names


@pytest.mark.parametrize("client", PLACES)
def test_a_client_finds_the_server_by_its_address(home: Path, client: str) -> None:
    _language, _key, address, _more, more = PLACES[client]
    if not address:
        assert "settings" in config(home, "--client", client, "--http", URL, code=2).stderr
        return
    shown = json.loads(config(home, "--client", client, "--http", URL, "--json").stdout)
    assert shown["file"] == CLIENTS[client].file
    server = server_of(client, shown["content"])
    assert server[address] == URL
    assert server.items() >= more.items()
    assert "command" not in server


def test_without_an_installation_uvx_starts_it(home: Path) -> None:
    server = server_of("cursor", config(home, "--client", "cursor", "--uvx").stdout)
    assert server == {"command": "uvx", "args": ["virtbridge", "serve"], "env": {}}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--list names the clients"),
        (("--client", "emacs"), "claude-code"),
        (("--client", "zed", "--http", "127.0.0.1:8801"), "is no address"),
        (("--client", "zed", "--http", "https://u:p@h/mcp"), "is no address"),
        (("--client", "zed", "--http", URL, "--read-only"), "configured there"),
    ],
)
def test_what_makes_no_form_is_said(home: Path, words: tuple[str, ...], says: str) -> None:
    assert says in config(home, *words, code=2).stderr
