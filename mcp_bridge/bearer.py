# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of the HTTP server: who has no token for here, or not the scope, gets no further.

It also says to clients where to log in (RFC 9728), and what was missing (RFC 6750).
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .audit_refusals import NO_LOGIN
from .auth import LONGEST_TOKEN, Identity, IssuerSilent, TokenRefused, Verifier
from .config_auth import Auth
from .scopes import APPROVE, LADDER

KEY = "virtbridge.identity"
_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_IN_QUERY = ("access_token", "token", "authorization")
_AT_ONCE = 8

_log = logging.getLogger(__name__)
Needs = Callable[[str, Mapping[str, Any]], str | None]
Noted = Callable[[str, str, str], None]


class BearerGate:
    """An ASGI application that lets through only what carries a good token in its header.

    What gets through has its `Identity` in the ASGI scope under `KEY`, and no longer its token.
    ``needs`` says which scope a call of a tool needs, and ``marks`` what else the application
    wants to find in the ASGI scope for an identity. ``noted`` records what is refused: why, from
    where, and who where that is known; it may wait for the disk.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        auth: Auth,
        public_url: str,
        *,
        needs: Needs,
        largest: int,
        marks: Callable[[Identity], Mapping[str, Any]],
        noted: Noted,
    ) -> None:
        self._app, self._verifier, self._needs, self._marks = app, verifier, needs, marks
        self._noted = noted
        self._required = auth.required_scopes
        self._largest = largest
        parts = urlsplit(public_url)
        path = parts.path.rstrip("/")
        self._known = {_WELL_KNOWN, _WELL_KNOWN + path}
        self._metadata_url = f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{path}"
        self._metadata = {
            "resource": public_url,
            "authorization_servers": [auth.issuer],
            "scopes_supported": [*LADDER, APPROVE],
            "bearer_methods_supported": ["header"],
            "resource_name": "virtbridge",
        }
        self._limiter: anyio.CapacityLimiter | None = None
        self._notes: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] in self._known:
            await self._describe(scope, send)
        else:
            await self._judge(scope, receive, send)

    async def _describe(self, scope: Scope, send: Send) -> None:
        status = 200 if scope["method"] in ("GET", "HEAD", "OPTIONS") else 405
        # Web clients read it from their own pages; it is public.
        headers = {"access-control-allow-origin": "*", "cache-control": "public, max-age=3600"}
        await _answer(send, status, self._metadata, headers)

    async def _judge(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name.lower() in _IN_QUERY for name, _value in query):
            # It stands in the logs of every proxy on the way: whoever sent it must replace it.
            text = "A token in the address is not accepted; send it in the header Authorization."
            await self._note(scope, "it stands in the address")
            await self._refuse(send, 400, "invalid_request", text)
            return
        token = _bearer(scope["headers"])
        if token is None:
            given = any(name == b"authorization" for name, _value in scope["headers"])
            await self._note(scope, "it is no bearer token" if given else NO_LOGIN)
            await self._refuse(send, 401, None, "Log in first.")
            return
        try:
            identity = await self._verified(token)
        except TokenRefused as reason:
            _log.info("a token was refused: %s", reason)
            await self._note(scope, str(reason))
            await self._refuse(send, 401, "invalid_token", f"The token is not good: {reason}.")
            return
        except IssuerSilent as reason:
            _log.warning("no token can be checked: %s", reason)
            await self._note(scope, str(reason))
            body = {"error": "temporarily_unavailable", "error_description": f"{reason}."}
            await _answer(send, 503, body, {"retry-after": "5"})
            return
        missing = [each for each in self._required if each not in identity.scopes]
        if missing:
            await self._narrow(scope, send, identity, missing)
            return
        await self._pass(scope, receive, send, identity)

    async def _verified(self, token: str) -> Identity:
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("it is too long")
        self._limiter = self._limiter or anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(
            self._verifier.verify, token, abandon_on_cancel=True, limiter=self._limiter
        )

    async def _pass(self, scope: Scope, receive: Receive, send: Send, identity: Identity) -> None:
        """Let a request through, unless it calls a tool for which the scopes do not suffice."""
        body, complete = (
            await _read(receive, self._largest) if scope["method"] == "POST" else ([], True)
        )
        need = self._need(body) if complete else None
        if need is not None and need not in identity.scopes:
            await self._narrow(scope, send, identity, [need])
            return
        headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
        inner = {**scope, "headers": headers, KEY: identity, **self._marks(identity)}
        await self._app(inner, _again(body, receive), send)

    def _need(self, messages: Iterable[Message]) -> str | None:
        try:
            request = json.loads(b"".join(each.get("body", b"") for each in messages))
        except (ValueError, RecursionError):
            return None
        if _answers(request):
            return APPROVE
        params = request.get("params") if isinstance(request, dict) else None
        if not isinstance(params, dict) or request.get("method") != "tools/call":
            return None
        name, arguments = params.get("name"), params.get("arguments") or {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return None
        return self._needs(name, arguments)

    async def _narrow(
        self, scope: Scope, send: Send, identity: Identity, missing: list[str]
    ) -> None:
        wanted = [each for each in (*LADDER, APPROVE) if each in {*identity.scopes, *missing}]
        text = f"The token lacks the scope {missing[0]}."
        await self._note(scope, f"it lacks the scope {missing[0]}", identity.principal)
        await self._refuse(send, 403, "insufficient_scope", text, wanted)

    async def _note(self, scope: Scope, reason: str, principal: str = "") -> None:
        # Their own few threads: whoever knocks takes none from those who are let in.
        self._notes = self._notes or anyio.CapacityLimiter(_AT_ONCE)
        await anyio.to_thread.run_sync(
            self._noted, reason, _source(scope), principal, limiter=self._notes
        )

    async def _refuse(
        self,
        send: Send,
        status: int,
        error: str | None,
        text: str,
        scopes: Iterable[str] | None = None,
    ) -> None:
        parts = {"resource_metadata": self._metadata_url}
        parts["scope"] = " ".join(scopes or self._required)
        if error is not None:
            parts |= {"error": error, "error_description": text}
        challenge = "Bearer " + ", ".join(f'{key}="{value}"' for key, value in parts.items())
        body = {"error": error or "unauthorized", "error_description": text}
        await _answer(send, status, body, {"www-authenticate": challenge})


def _answers(message: Any) -> bool:
    """Whether a message is what the user of a client says to a question of the server."""
    result = message.get("result") if isinstance(message, dict) else None
    return isinstance(result, dict) and "action" in result


def _source(scope: Scope) -> str:
    """Return who sent a request: its address, or the network of which one caller has all of."""
    try:
        place = ipaddress.ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return "unknown"
    if isinstance(place, ipaddress.IPv4Address):
        return str(place)
    return str(place.ipv4_mapped or ipaddress.ip_network((place, 64), strict=False))


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the token of the header, None when there is none or more than one."""
    found = [value for name, value in headers if name == b"authorization"]
    kind, _space, token = (
        found[0].decode("latin-1").partition(" ") if len(found) == 1 else ("", "", "")
    )
    token = token.strip()
    return token if kind.lower() == "bearer" and token else None


async def _read(receive: Receive, largest: int) -> tuple[list[Message], bool]:
    """Return the parts of the body as they came, and whether it ended within the size."""
    parts: list[Message] = []
    size = 0
    while True:
        part = await receive()
        parts.append(part)
        size += len(part.get("body", b""))
        if part["type"] != "http.request" or not part.get("more_body", False):
            return parts, part["type"] == "http.request" and size <= largest
        if size > largest:
            return parts, False


def _again(parts: list[Message], receive: Receive) -> Receive:
    """Return a receive that gives these parts first."""
    left = list(parts)

    async def next_part() -> Message:
        return left.pop(0) if left else await receive()

    return next_part


async def _answer(send: Send, status: int, body: Any, headers: Mapping[str, str]) -> None:
    content = json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    lines = [(name.encode(), value.encode("latin-1", "replace")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})
