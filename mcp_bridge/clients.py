# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nine MCP clients want to read to find this server: as a command, or as an address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

NAME = "virtbridge"
# Longer than a call is answered within; some clients give up after 60 s unless they are told.
_PATIENCE = 120
_ASK_FIRST = {"disabled": False, "autoApprove": ["tool_search", "tool_describe"]}
Form = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """How a client starts the server."""

    command: str
    args: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> Form:
        """Return what nearly every client wants."""
        return {"command": self.command, "args": list(self.args), "env": dict(self.env)}


@dataclass(frozen=True)
class McpClient:
    """One client: where its file is, and what stands in it.

    ``by_address`` is None where no file can name an address; ``note`` then says what to do.
    """

    title: str
    file: str
    by_command: Callable[[Form], Form]
    by_address: Callable[[str], Form] | None
    note: str = "Merge it into the file when there is one, and start the client anew."
    language: Literal["json", "toml", "yaml"] = "json"


class NoAddress(Exception):
    """The client's file cannot name an address; the text says what it can."""


def config_of(client: McpClient, server: Command | str) -> str:
    """Return the text for the client's file; a ``server`` that is a text is an address.

    Raises NoAddress for a client that takes none in its file.
    """
    if isinstance(server, Command):
        content = client.by_command(server.form)
    elif client.by_address is None:
        raise NoAddress(f"{client.title} takes no address from its file. {client.note}")
    else:
        content = client.by_address(server)
    if client.language == "toml":
        return _toml(content)
    if client.language == "yaml":
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _under(key: str, **more: Any) -> Callable[[Form], Form]:
    """Return what puts a server under a key, with more beside what every client wants."""
    return lambda server: {key: {NAME: {**server, **more}}}


_desktop = _under("mcpServers")
_cline = _under("mcpServers", timeout=_PATIENCE, **_ASK_FIRST)
_zed = _under("context_servers")
_codex = _under("mcp_servers", tool_timeout_sec=_PATIENCE)
_vscode = _under("servers")


def _continue(server: Form) -> Form:
    return {
        "name": NAME,
        "version": "1.0.0",
        "schema": "v1",
        "mcpServers": [{"name": NAME, **server}],
    }


CLIENTS: Mapping[str, McpClient] = {
    "claude-desktop": McpClient(
        "Claude Desktop",
        "claude_desktop_config.json (Settings > Developer > Edit Config; macOS: "
        "~/Library/Application Support/Claude, Windows: %APPDATA%\\Claude)",
        _desktop,
        None,
        "Addresses are added in its settings, as connectors; for a server on this machine leave "
        "out --http. Merge it into the file when there is one, and start the client anew.",
    ),
    "claude-code": McpClient(
        "Claude Code",
        ".mcp.json in the project's folder",
        lambda command: _desktop({"type": "stdio", **command}),
        lambda url: _desktop({"type": "http", "url": url}),
    ),
    "cline": McpClient(
        "Cline",
        "cline_mcp_settings.json (MCP Servers > Configure)",
        _cline,
        lambda url: _cline({"type": "streamableHttp", "url": url, "headers": {}}),
    ),
    "cursor": McpClient(
        "Cursor",
        "~/.cursor/mcp.json, or .cursor/mcp.json in the project's folder",
        _desktop,
        lambda url: _desktop({"url": url, "headers": {}}),
    ),
    "vscode": McpClient(
        "VS Code",
        ".vscode/mcp.json in the project's folder (or the command MCP: Open User Configuration)",
        lambda command: _vscode({"type": "stdio", **command}),
        lambda url: _vscode({"type": "http", "url": url}),
    ),
    "zed": McpClient(
        "Zed",
        "~/.config/zed/settings.json",
        _zed,
        lambda url: _zed({"url": url, "headers": {}}),
    ),
    "continue": McpClient(
        "Continue",
        f".continue/mcpServers/{NAME}.yaml in the project's folder",
        _continue,
        lambda url: _continue({"type": "streamable-http", "url": url}),
        note="The file is this server's alone.",
        language="yaml",
    ),
    "windsurf": McpClient(
        "Windsurf",
        "~/.codeium/windsurf/mcp_config.json",
        _desktop,
        lambda url: _desktop({"serverUrl": url}),
    ),
    "codex": McpClient(
        "Codex",
        "~/.codex/config.toml",
        _codex,
        lambda url: _codex({"url": url}),
        language="toml",
    ),
}


def _toml(content: Form) -> str:
    """Return tables of tables as TOML, whose strings, lists and numbers are those of JSON."""
    lines: list[str] = []

    def table(path: str, values: Form) -> None:
        inner = {key: value for key, value in values.items() if isinstance(value, dict)}
        plain = {key: value for key, value in values.items() if key not in inner}
        if plain:
            lines.append(f"[{path}]")
            lines.extend(f"{key} = {_value(value)}" for key, value in plain.items())
        for key, value in inner.items():
            table(f"{path}.{key}" if path else key, value)

    table("", content)
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
