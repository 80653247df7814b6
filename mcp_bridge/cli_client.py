# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `client-config`: what to write into an MCP client's file so that it finds us."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from .cli_options import as_json, configured, examples

# Not imported from `clients`, to keep --help quick; a test holds both equal.
_CLIENTS = (
    "claude-desktop", "claude-code", "cline", "cursor", "vscode", "zed", "continue", "windsurf",
    "codex",
)  # fmt: skip


@click.command(
    "client-config",
    epilog=examples(
        "virtbridge client-config --client vscode > .vscode/mcp.json",
        "virtbridge client-config --client codex --read-only --targets ./targets.yml",
        "virtbridge client-config --client cursor --http http://127.0.0.1:8801/mcp",
        "virtbridge client-config --list",
    ),
)
@click.option("--client", type=click.Choice(_CLIENTS), help="Which client.")
@click.option("--list", "listing", is_flag=True, help="List the clients and their files.")
@click.option("--http", "url", metavar="URL", help="The address of a running server instead.")
@click.option("--uvx", is_flag=True, help="Let uvx fetch and start it, not this installation.")
@configured
@as_json
def client_config(
    client: str | None,
    listing: bool,
    url: str | None,
    uvx: bool,
    json_output: bool,
    **chosen: Any,
) -> None:
    """Print what an MCP client must read to start this server, or to find it by address.

    Standard output is the text of the file; where the file is, is said on standard error. The
    options that choose and narrow the configuration are passed on.
    """
    from .cli_output import show_rows, write_json
    from .clients import CLIENTS, Command, NoAddress, config_of

    if listing:
        rows = [
            {"client": name, "title": each.title, "file": each.file, "format": each.language}
            for name, each in CLIENTS.items()
        ]
        write_json({"clients": rows}) if json_output else show_rows(tuple(rows[0]), rows)
        return
    if client is None:
        raise click.UsageError("--client is missing; --list names the clients")
    if url is not None and (uvx or any(chosen.values())):
        raise click.UsageError("--http names a server that runs already: it is configured there")
    server = _address(url) if url is not None else Command(*_start(uvx, chosen))
    facts = CLIENTS[client]
    try:
        text = config_of(facts, server)
    except NoAddress as error:
        raise click.UsageError(str(error)) from error
    if json_output:
        shown = {"client": client, "file": facts.file, "format": facts.language, "content": text}
        write_json({**shown, "note": facts.note})
        return
    click.echo(f"For {facts.title}: {facts.file}. {facts.note}", err=True)
    click.echo(text, nl=False)


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise click.UsageError(f"--http: {url!r} is no address, such as http://127.0.0.1:8801/mcp")
    return url


def _start(uvx: bool, chosen: dict[str, Any]) -> tuple[str, list[str], dict[str, str]]:
    """Return command, arguments and environment that start the server as it is chosen here."""
    flags = [f"--{name.replace('_', '-')}" for name in ("read_only", "no_destructive")]
    given = [flag for flag in flags if chosen[flag[2:].replace("-", "_")]]
    command, before = ("uvx", ["virtbridge"]) if uvx else _installed()
    environment = {}
    for name, option in (
        ("VIRTBRIDGE_CONFIG", "config_file"),
        ("VIRTBRIDGE_TARGETS", "targets_file"),
    ):
        # A client starts the server with little of this environment, and in a folder of its own.
        value = chosen[option] or os.environ.get(name)
        if value:
            environment[name] = str(Path(value).expanduser().absolute())
    return command, [*before, "serve", *given], environment


def _installed() -> tuple[str, list[str]]:
    script = Path(sys.executable).with_name("virtbridge")
    if os.access(script, os.X_OK):
        return str(script), []
    return sys.executable, ["-m", "mcp_bridge.cli"]
