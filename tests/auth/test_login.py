# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that knows only the address finds the provider, logs in, and asks for more when told."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client

from tests.auth.conftest import SECRET, Guarded, Idp
from tests.mcp.conftest import Bridge
from virtsim import SimServer

START = {"ref": "lab/-/101", "state": "started"}


class Wallet:
    """Keeps what the client was given."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self._tokens: Any = None

    async def get_tokens(self) -> Any:
        return self._tokens

    async def set_tokens(self, tokens: Any) -> None:
        self._tokens = tokens
        claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
        self.scopes.append(claims["scope"])

    async def get_client_info(self) -> Any:
        return None

    async def set_client_info(self, _info: Any) -> None:
        return None


def _free_port() -> int:
    """Return a port that nobody listens on, and that is given to nobody who asks for any."""
    range_of_any = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    for port in range(int(range_of_any[0]) - 1, 1024, -1):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("every port is taken")


class Known(Guarded):
    """A server whose address is its public one."""

    def start(self, bridge: Bridge, command: list[str]) -> None:
        place = bridge.config["server"]["public_url"].split("/")[2]
        super().start(bridge, [*command[:-1], place])


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_client_of_the_sdk_finds_its_way(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer], mode: Any
) -> None:
    """Red when the challenge lacks the scope, or the metadata is of another address."""
    sim = proxmox_sim()
    bridge.add("lab", sim)
    url = f"http://127.0.0.1:{_free_port()}/mcp"
    bridge.config["server"] = {"public_url": url}
    wallet = Wallet()

    async def talk() -> None:
        login = ClientCredentialsOAuthProvider(
            url, wallet, "alice", SECRET, scope=None, issuer=idp.issuer
        )
        async with httpx2.AsyncClient(auth=login, timeout=60) as http:
            with anyio.fail_after(200):
                async with Client(
                    streamable_http_client(url, http_client=http), mode=mode
                ) as client:
                    assert (await bridge.answer(client, "vm_list"))["ok"]
                    assert wallet.scopes == ["vb:read"]
                    assert (await bridge.answer(client, "vm_power", **START))["status"] == "changed"

    with Known(bridge, idp):
        anyio.run(talk)
    assert wallet.scopes == ["vb:read", "vb:read vb:apply"]
    assert [row["applied"] for row in sim.control.writes()] == [True]
