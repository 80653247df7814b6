# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not let in stands in the audit: why and from where, never with what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.auth.conftest import Guarded, Idp, Session
from tests.auth.test_bearer import CALL, Behind
from tests.auth.test_tokens import BAD
from tests.mcp.conftest import Bridge, until

Starter = Callable[..., Guarded]
REASONS = {
    "the way it is signed is not allowed", "it does not name its key", "it has expired",
    "it is not valid yet", "it was made for another server", "another issuer made it",
    "it lacks a claim", "its signature does not hold", "the issuer has no such key",
    "it is no such token", "it does not say whose it is", "it is too long",
    "it is bound to a key of its holder, which is not checked here",
}  # fmt: skip


def _told(bridge: Bridge) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in bridge.audit("token_refused"):
        found[row["reason"]] = found.get(row["reason"], 0) + row["count"]
    return found


def test_each_token_that_is_refused_is_counted_and_none_is_kept(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    """Red when a refusal is silent, is a line each time, or holds something of the token."""
    server = guarded(bridge, idp)
    tokens = [make(idp) for make in BAD.values()]
    for token in [*tokens, *tokens, *tokens]:
        assert server.session(token).send("tools/list").status_code == 401
    rows = bridge.audit("token_refused")
    assert {row["reason"] for row in rows} == REASONS
    assert len(rows) == len(REASONS)
    assert {(row["source"], row["count"]) for row in rows} == {("127.0.0.1", 1)}
    forged = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
    assert server.session(tokens[0]).send("tools/list", headers=forged).status_code == 401
    server.process.terminate()
    server.end()
    assert sum(_told(bridge).values()) == 3 * len(tokens) + 1
    assert {row["source"] for row in bridge.audit("token_refused")} == {"127.0.0.1"}
    assert [row["event"] for row in bridge.audit("ended")] == ["ended"]
    kept = json.dumps([*bridge.audit(), *bridge.audit("ended")])
    for token in tokens:
        assert not [part for part in token.split(".") if len(part) > 8 and part in kept]


def test_whoever_is_known_is_named_and_who_asks_sees_only_what_is_its_own(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    """Red when a missing scope is silent, or a caller sees who else was refused."""
    server = guarded(bridge, idp)
    alice, bob, chief = (
        server.session(idp.token(scope, who))
        for scope, who in (("vb:read", "alice"), ("vb:read", "bob"), ("vb:admin", "bridge"))
    )
    start = {"name": "vm_power", "arguments": {"ref": "lab/-/101", "state": "started"}}
    assert alice.send("tools/call", **start).status_code == 403
    assert server.session(idp.token("vb:approve")).send("tools/list").status_code == 403
    assert server.session(None).send("tools/list").status_code == 401
    assert server.session(None).send("tools/list", query="?token=x").status_code == 400
    basic = {"Authorization": "Basic YWxpY2U6eA=="}
    assert server.session(None).send("tools/list", headers=basic).status_code == 401

    def seen(session: Session) -> list[tuple[Any, Any]]:
        rows = bridge.table(session.call("audit_query"))
        refused = [row for row in rows if row["event"] == "token_refused"]
        return [(row["reason"], row.get("principal")) for row in refused]

    me = f"oauth:{idp.issuer}#alice"
    mine = [("it lacks the scope vb:read", me), ("it lacks the scope vb:apply", me)]
    assert seen(alice) == mine
    assert seen(bob) == []
    assert seen(chief) == [
        ("it is no bearer token", None), ("it stands in the address", None), *mine,
    ]  # fmt: skip


def test_requests_without_a_login_are_counted_and_few_lines(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    """Red when they are silent, or a line each, or what is public is one of them."""
    server = guarded(bridge, idp)
    public = f"{server.url.removesuffix('/mcp')}/.well-known/oauth-protected-resource"
    for _turn in range(20):
        assert server.session(None).send("tools/list").status_code == 401
        assert requests.get(public, timeout=40).status_code == 200
    (first,) = bridge.audit("login_missing")
    told = (first["reason"], first["source"], first["count"])
    assert told == ("no login was sent", "127.0.0.1", 1)
    assert server.session(idp.token("vb:read")).send("tools/list").status_code == 200
    server.process.terminate()
    server.end()
    assert [row["count"] for row in bridge.audit("login_missing")] == [1, 19]
    assert bridge.audit("token_refused") == []


def test_what_cannot_be_recorded_stays_refused(bridge: Bridge, idp: Idp, guarded: Starter) -> None:
    """Red when the answer depends on the audit."""
    server = guarded(bridge, idp)
    log = bridge.folder.parent / "state/virtbridge/audit.jsonl"
    log.chmod(0o644)
    for _turn in range(2):
        assert server.session("x.y.z").send("tools/list").status_code == 401
    assert bridge.audit("token_refused") == []
    log.chmod(0o600)
    assert server.session("x.y.z").send("tools/list").status_code == 401
    assert _told(bridge) == {"it is no such token": 3}


def test_an_issuer_that_cannot_be_asked_is_recorded_too(
    bridge: Bridge, idp: Idp, guarded: Starter, tmp_path: Any
) -> None:
    provider = Idp(tmp_path)
    server = guarded(bridge, provider)
    token = provider.token("vb:read")
    provider.stop()
    assert server.session(token).send("tools/list").status_code == 503
    assert _told(bridge) == {"the issuer's keys cannot be read": 1}


@pytest.mark.parametrize(
    ("client", "source"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8::7", 1), "2001:db8::/64"),
        (("2001:db8::ffff:1", 1), "2001:db8::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("x\ny", 1), "unknown"),
        (None, "unknown"),
    ],
)
def test_a_source_is_an_address_and_nothing_else(idp: Idp, client: Any, source: str) -> None:
    """Red when whoever has a network of addresses is a new source with each."""
    behind = Behind(idp)
    login = {"Authorization": "Bearer x.y.z"}
    assert behind.ask(json.dumps(CALL).encode(), headers=login, client=client) == 401
    assert behind.noted == [("it is no such token", source, "")]


def test_a_server_that_is_told_to_end_says_so_last(bridge: Bridge, idp: Idp) -> None:
    """Red when the end is recorded while calls still go on, or twice."""
    with Guarded(bridge, idp) as server:
        (row,) = bridge.audit("started")
        assert row["transport"] == f"http {server.url.split('/')[2]}"
    until(lambda: bridge.audit("ended"))
    lines = (bridge.folder.parent / "state/virtbridge/audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["started", "ended"]
