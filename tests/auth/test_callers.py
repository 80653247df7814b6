# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller may do by its scopes, and that callers do not see each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
import requests

from tests.auth.conftest import Guarded, Idp, Session
from tests.mcp.conftest import Bridge
from virtsim import SimServer

Starter = Callable[..., Guarded]
START = {"ref": "lab/-/101", "state": "started"}
CANCEL = {"name": "run_cancel", "arguments": {"run_id": "0" * 32}}


@pytest.fixture
def lab(bridge: Bridge, proxmox_sim: Callable[..., SimServer]) -> tuple[Bridge, SimServer]:
    sim = proxmox_sim()
    bridge.add("lab", sim)
    return bridge, sim


def _challenge(answer: requests.Response) -> str:
    assert answer.status_code == 403, answer.text
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    return challenge.partition('scope="')[2].partition('"')[0]


def test_scopes_say_what_is_listed_and_what_may_be_done(
    lab: Any, idp: Idp, guarded: Starter
) -> None:
    """Red when the gate or the surface takes a preview for the real thing."""
    bridge, sim = lab
    server = guarded(bridge, idp)
    reader, planner, writer = (
        server.session(idp.token(scope)) for scope in ("vb:read", "vb:plan", "vb:apply")
    )
    assert {"vm_list", "vm_get", "tool_read", "run_get"} <= set(reader.tools())
    assert not {"vm_power", "vm_delete", "tool_call", "run_cancel"} & set(reader.tools())
    assert set(planner.tools()) - set(reader.tools()) >= {"vm_power", "vm_delete", "tool_call"}
    assert set(writer.tools()) - set(planner.tools()) == {"run_cancel", "plan_apply"}

    power = {"name": "vm_power", "arguments": START}
    preview = {"name": "vm_power", "arguments": START | {"check": True}}
    assert _challenge(reader.send("tools/call", **preview)) == "vb:read vb:plan"
    assert _challenge(reader.send("tools/call", **power)) == "vb:read vb:apply"
    assert planner.call("vm_power", **START, check=True)["status"] == "planned"
    assert _challenge(planner.send("tools/call", **power)) == "vb:read vb:plan vb:apply"
    assert _challenge(planner.send("tools/call", **CANCEL)) == "vb:read vb:plan vb:apply"
    assert sim.control.writes() == []
    assert writer.call("vm_power", **START)["status"] == "changed"
    assert writer.call("run_cancel", run_id="0" * 32)["error"]["code"] == "not_found"

    rows = bridge.audit("intent")
    assert {row["principal"] for row in rows} == {f"oauth:{idp.issuer}#alice"}


def test_a_token_without_the_first_scope_is_good_for_nothing(
    lab: Any, idp: Idp, guarded: Starter
) -> None:
    bridge, _sim = lab
    server = guarded(bridge, idp)
    for scope in ("vb:approve", ""):
        session = server.session(idp.forged(scope=scope or None))
        assert "vb:read" in _challenge(session.send("tools/list"))
        assert "vb:read" in _challenge(session.send("server/discover"))


def test_a_scope_that_the_surface_needs_is_asked_for_there_too(lab: Any) -> None:
    """The gate only says it in HTTP's words: without it the call is refused all the same."""
    from mcp_bridge.cli_open import open_surface
    from mcp_bridge.tools.spec import Caller

    bridge, sim = lab
    bridge.command()
    files = bridge.folder / "none.yml", bridge.folder / "targets.yml"
    files[0].write_text("{}")
    with open_surface(*files, False, False) as surface:
        reader = Caller("oauth:x#a", "test", frozenset({"vb:read"}))
        for arguments in (START, START | {"check": True}):
            answer = surface.call("vm_power", arguments, reader)
            assert answer.body["error"]["code"] == "insufficient_scope"
        # It starts no run, so nobody after the surface would ask.
        answer = surface.call("run_cancel", {"run_id": "0" * 32}, reader)
        assert answer.body["error"]["code"] == "insufficient_scope"
    assert sim.control.writes() == []


def test_what_one_caller_was_given_is_nothing_to_another(
    lab: Any, idp: Idp, guarded: Starter
) -> None:
    """Red when runs or cursors are kept without whose they are."""
    bridge, _sim = lab
    server = guarded(bridge, idp)
    alice, bob = (server.session(idp.token("vb:apply", who)) for who in ("alice", "bob"))
    body = alice.call("vm_list", limit=1)
    assert alice.call("vm_list", cursor=body["page"]["next"])["ok"]
    assert bob.call("vm_list", cursor=body["page"]["next"])["error"]["code"] == "invalid_args"
    assert alice.call("run_get", run_id=body["run_id"])["ok"]
    for tool in ("run_get", "run_cancel"):
        assert bob.call(tool, run_id=body["run_id"])["error"]["code"] == "not_found"


def _handshake(session: Session) -> dict[str, str]:
    """Return the headers of a session in the older revision."""
    headers = {
        "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25",
        "Authorization": f"Bearer {session.token}",
    }  # fmt: skip
    hello = {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "old", "version": "1"},
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    answer = requests.post(session.url, json=body, headers=headers, timeout=60)
    headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert requests.post(session.url, json=body, headers=headers, timeout=60).status_code == 202
    return headers


def test_a_session_has_the_scopes_of_each_requests_own_token(
    lab: Any, idp: Idp, guarded: Starter
) -> None:
    """Red when the caller of the first request of a session stands for all of them."""
    bridge, _sim = lab
    server = guarded(bridge, idp)
    headers = _handshake(server.session(idp.token("vb:read")))

    def tools(token: str) -> requests.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        login = {"Authorization": f"Bearer {token}"}
        return requests.post(server.url, json=body, headers=headers | login, timeout=60)

    assert "vm_delete" not in tools(idp.token("vb:read")).text
    assert "vm_delete" in tools(idp.token("vb:apply")).text
    assert "vm_delete" not in tools(idp.token("vb:read")).text
    assert tools(idp.token("vb:apply", "bob")).status_code == 404


def test_policy_knows_who_calls(lab: Any, idp: Idp, guarded: Starter) -> None:
    bridge, sim = lab
    rule = {"match": {"principal": f"oauth:{idp.issuer}#bob", "risk": "write"}, "verdict": "deny"}
    bridge.allow(rule | {"name": "not bob"})
    server = guarded(bridge, idp)
    alice, bob = (server.session(idp.token("vb:apply", who)) for who in ("alice", "bob"))
    assert bob.call("vm_power", **START)["error"]["code"] == "denied_by_policy"
    assert sim.control.writes() == []
    assert alice.call("vm_power", **START)["status"] == "changed"
    assert [row["rule"] for row in bridge.audit("refused")] == ["not bob"]


class Talkative(Guarded):
    """A server that logs all it can."""

    def start(self, bridge: Bridge, command: list[str]) -> None:
        at = command.index("serve")
        super().start(bridge, [*command[:at], "-v", *command[at:]])


def test_no_token_is_kept_or_handed_on(lab: Any, idp: Idp) -> None:
    bridge, sim = lab
    token = idp.token("vb:apply")
    with Talkative(bridge, idp) as server:
        assert server.session(token).call("vm_power", **START)["ok"]
        server.session(token + "x").send("tools/list")
        server.process.terminate()
        said = "".join(server.end())
    assert "a token was refused: it is no such token" in said
    kept = [file.read_bytes() for file in bridge.folder.parent.rglob("*") if file.is_file()]
    assert any(b"vm_power" in content for content in kept)
    for part in (token, token.split(".")[2]):
        assert part not in said
        assert part not in str(sim.control.journal())
        assert not [content for content in kept if part.encode() in content]


def test_others_may_reach_a_server_that_asks_for_a_login(bridge: Bridge, idp: Idp) -> None:
    class Everywhere(Guarded):
        def start(self, bridge: Bridge, command: list[str]) -> None:
            super().start(bridge, [*command[:-1], "0.0.0.0:0"])

    with Everywhere(bridge, idp) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert Session(url, idp.token("vb:read")).tools()
        assert Session(url, None).send("tools/list").status_code == 401


def test_a_client_of_the_sdk_comes_in_with_a_token(lab: Any, idp: Idp, guarded: Starter) -> None:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    bridge, _sim = lab
    server = guarded(bridge, idp)

    async def main(mode: Any) -> dict[str, Any]:
        login = {"Authorization": f"Bearer {idp.token('vb:read')}"}
        async with httpx2.AsyncClient(headers=login) as http:
            transport = streamable_http_client(server.url, http_client=http)
            with anyio.fail_after(200):
                async with Client(transport, mode=mode) as client:
                    return await bridge.answer(client, "vm_list")

    for mode in ("legacy", "2026-07-28"):
        assert anyio.run(main, mode)["ok"]
