# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before an application: what gets through it, in which form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from mcp_bridge.auth import Identity, TokenRefused, open_verifier
from mcp_bridge.bearer import KEY, BearerGate
from mcp_bridge.config_auth import Auth
from tests.auth.conftest import RESOURCE, Idp

LARGEST = 1000
CALL = {"method": "tools/call", "params": {"name": "erase", "arguments": {}}}


class Behind:
    """The application behind a gate; it remembers what came through."""

    def __init__(self, idp: Idp) -> None:
        self.scope: dict[str, Any] = {}
        self.body = b""
        self.noted: list[tuple[str, str, str]] = []
        auth = Auth(issuer=idp.issuer, jwks_url=f"{idp.issuer}/jwks")
        self.gate = BearerGate(
            self, open_verifier(auth, RESOURCE), auth, RESOURCE,
            needs=lambda name, _arguments: "vb:apply" if name == "erase" else None,
            largest=LARGEST, marks=lambda identity: {"mark": identity.subject},
            noted=lambda *said: self.noted.append(said),
        )  # fmt: skip

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.body, more = scope, b"", scope["type"] == "http"
        while more:
            part = await receive()
            self.body += part.get("body", b"")
            more = part.get("more_body", False)
        await send({"type": "http.response.start", "status": 204, "headers": []})

    def ask(
        self, *parts: bytes, headers: Mapping[str, str] | list[tuple[str, str]],
        method: str = "POST", path: str = "/mcp", kind: str = "http", client: Any = None,
    ) -> int:  # fmt: skip
        """Return the status of a request whose body comes in parts."""
        self.scope, self.body = {}, b""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        scope = {
            "type": kind, "method": method, "path": path, "query_string": b"", "client": client,
            "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
        }  # fmt: skip
        left = [
            {"type": "http.request", "body": part, "more_body": n < len(parts)}
            for n, part in enumerate(parts or (b"",), start=1)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return left.pop(0) if left else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        anyio.run(self.gate, scope, receive, send)
        return int(sent[0]["status"])


@pytest.fixture
def behind(idp: Idp) -> Behind:
    return Behind(idp)


@pytest.fixture
def login(idp: Idp) -> dict[str, str]:
    return {"Authorization": f"Bearer {idp.forged()}", "X-Other": "1"}


def test_the_identity_gets_through_and_the_token_does_not(
    behind: Behind, login: dict[str, str], idp: Idp
) -> None:
    """Red when the header is left in."""
    assert behind.ask(b'{"a":', b" 1}", headers=login) == 204
    assert behind.body == b'{"a": 1}'
    identity = behind.scope[KEY]
    assert isinstance(identity, Identity)
    assert identity.principal == f"oauth:{idp.issuer}#alice"
    assert identity.scopes == {"vb:read"}
    assert behind.scope["mark"] == "alice"
    assert behind.scope["headers"] == [(b"x-other", b"1")]


def test_two_tokens_are_none(behind: Behind, login: dict[str, str]) -> None:
    assert behind.ask(headers=[*login.items(), *login.items()]) == 401
    for given in ("Bearer", "Bearer ", "bearer", "Token x"):
        assert behind.ask(headers={"Authorization": given}) == 401
    assert behind.scope == {}
    good = login["Authorization"].partition(" ")[2]
    assert behind.ask(headers={"Authorization": f"bEARER  {good}"}) == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (CALL, 403),
        (CALL | {"params": {"name": "erase"}}, 403),
        (CALL | {"params": {"name": "look"}}, 204),
        (CALL | {"params": {"name": "erase", "arguments": [1]}}, 204),
        (CALL | {"params": {"name": 1}}, 204),
        (CALL | {"params": []}, 204),
        (CALL | {"method": "tools/list"}, 204),
        ([CALL], 204),
        ("erase", 204),
    ],
)
def test_only_a_call_that_needs_more_is_stopped(
    behind: Behind, login: dict[str, str], body: Any, status: int
) -> None:
    """What is no call of a tool is for the application to refuse."""
    content = json.dumps(body).encode()
    assert behind.ask(content, headers=login) == status
    assert behind.body == (content if status == 204 else b"")


def test_a_body_that_is_no_json_or_too_large_gets_through_as_it_is(
    behind: Behind, login: dict[str, str]
) -> None:
    assert behind.ask(b"{", b"\xff", headers=login) == 204
    assert behind.body == b"{\xff"
    assert behind.ask(b"[" * 900, headers=login) == 204
    long = [json.dumps(CALL).encode(), b" " * LARGEST, b" "]
    assert behind.ask(*long, headers=login) == 204
    assert behind.body == b"".join(long)


def test_what_is_not_http_and_what_is_public_needs_no_token(behind: Behind) -> None:
    assert behind.ask(headers={}, kind="lifespan") == 204
    place = "/.well-known/oauth-protected-resource"
    for path in (place, f"{place}/mcp"):
        assert behind.ask(headers={}, method="GET", path=path) == 200
        assert behind.ask(headers={}, method="POST", path=path) == 405
    assert behind.ask(headers={}, method="GET", path=f"{place}/other") == 401
    assert behind.ask(headers={}, method="GET") == 401


def test_a_token_is_read_only_up_to_a_length(behind: Behind) -> None:
    assert behind.ask(headers={"Authorization": f"Bearer {'a' * 16_385}"}) == 401


def test_scopes_come_in_the_forms_that_providers_use(idp: Idp) -> None:
    auth = Auth(issuer=idp.issuer, jwks_url=f"{idp.issuer}/jwks", algorithms="RS256")
    verifier = open_verifier(auth, RESOURCE)
    for claims in (
        {"scope": "openid vb:plan"},
        {"scope": None, "scp": "vb:plan"},
        {"scope": None, "scp": ["vb:plan", 7]},
        {"scope": ["vb:plan"]},
    ):
        assert verifier.verify(idp.forged(**claims)).scopes == {"vb:read", "vb:plan"}
    assert verifier.verify(idp.forged(scope=None)).scopes == frozenset()
    assert verifier.verify(idp.forged(aud=["x", RESOURCE])).client_id == "alice"
    with pytest.raises(TokenRefused, match="whose it is"):
        verifier.verify(idp.forged(sub="a\nb"))
