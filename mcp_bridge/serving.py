# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's transports: standard input and output, or streamable HTTP."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

import anyio
import anyio.to_thread
import uvicorn
from anyio.abc import ObjectSendStream
from mcp import types
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import SessionMessage
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from .auth import Identity, open_verifier
from .bearer import BearerGate
from .config_auth import Auth, HttpServer
from .errors import AddressRefused, ConfigInvalid
from .person import os_user
from .private import open_private
from .server import build_server
from .surface import Surface
from .targets_problems import Problem
from .unreadable import refusal

PATH = "/mcp"
# Whoever reaches a loopback port; there is no authentication that could say more.
_ANYONE_HERE = "http:loopback"
_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_NO_LOGIN = "without a login: every user of this machine can call it"
_STOP_SECONDS = 5.0
_CLOSE_SECONDS = 3
# What an answer needs from its thread to the socket.
_LEAVE_SECONDS = 0.3


def serve_stdio(surface: Surface, version: str) -> None:
    """Serve one client over standard input and output until it closes its end.

    SIGTERM and SIGINT cancel what is running and end the process.
    """
    server = build_server(surface, version, os_user())
    surface.begin("stdio", version)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_told, surface)
            async with stdio_server() as (read, write), read:
                send, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
                group.start_soon(_hand_on, read, send, write.send)
                await server.run(messages, write, server.create_initialization_options())
            group.cancel_scope.cancel()

    anyio.run(main)


async def _hand_on(
    said: AsyncIterable[SessionMessage | Exception],
    send: ObjectSendStream[SessionMessage | Exception],
    answer: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """Hand on what a client says, and answer what is no message."""
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with send:
            async for item in said:
                body = refusal(item) if isinstance(item, Exception) else None
                if body is None:
                    await send.send(item)
                else:
                    await answer(SessionMessage(types.JSONRPCError.model_validate(body)))


async def _until_told(surface: Surface) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await anyio.to_thread.run_sync(surface.stop, _STOP_SECONDS)
            # A thread of the transport waits in read(stdin), which nothing can interrupt.
            os._exit(128 + number)


def listen(address: str, *, far: bool = False) -> socket.socket:
    """Return a socket that listens on ``HOST:PORT``; only ``far`` lets other machines reach it.

    Port 0 chooses a free one. Raises AddressRefused for an address that is none, that others can
    reach, or that is taken.
    """
    host, sign, port = address.rpartition(":")
    host = host.strip("[]")
    if not sign or not port.isdecimal() or int(port) > 65_535:
        raise AddressRefused(f"{address!r} is no HOST:PORT, such as 127.0.0.1:8801.")
    try:
        place = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise AddressRefused(f"{host!r} is no IP address and not localhost.") from None
    if not far and not place.is_loopback:
        raise AddressRefused(
            f"{host} can be reached by others, and with --no-auth there is no login. Listen on "
            f"127.0.0.1:{port}."
        )
    family = socket.AF_INET6 if place.version == 6 else socket.AF_INET
    try:
        return socket.create_server((str(place), int(port)), family=family)
    except OSError as error:
        raise AddressRefused(f"cannot listen on {address}: {error.strerror}.") from error


def serve_http(
    surface: Surface,
    version: str,
    listener: socket.socket,
    settings: HttpServer,
    auth: Auth | None,
) -> None:
    """Serve any number of clients over streamable HTTP until SIGTERM or SIGINT.

    Without ``auth`` everybody who reaches the address may call. Raises ConfigInvalid when a file
    that the settings name cannot be used.
    """
    server = build_server(surface, version, None if auth else _ANYONE_HERE)
    surface.begin(f"http {_place(listener)}", version)
    run_http(server, surface, listener, settings, auth)


def run_http(
    server: Server[dict[str, Any]],
    surface: Surface,
    listener: socket.socket,
    settings: HttpServer,
    auth: Auth | None = None,
) -> None:
    """Serve a protocol server of the surface over streamable HTTP until SIGTERM or SIGINT.

    Requests that name another host, or come from a page of another origin, are refused: a web
    page in the operator's browser must not reach the bridge.
    """
    config = uvicorn.Config(
        _application(server, surface, listener, settings, auth),
        log_level="warning",
        server_header=False,
        # Who sends a request is whom the system names, not whom its headers name.
        proxy_headers=False,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
        ssl_certfile=settings.tls.cert_file if settings.tls else None,
        ssl_keyfile=settings.tls.key_file if settings.tls else None,
    )
    try:
        if settings.tls:
            os.close(open_private(settings.tls.key_file, os.O_RDONLY))
        config.load()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigInvalid(None, [Problem("server.tls", f"cannot be used: {reason}")]) from error
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server puts these back at its end and raises the signal again.
        signal.signal(number, _leave)
    url = f"{'https' if settings.tls else 'http'}://{_place(listener)}{PATH}"
    login = f"with a login at {auth.issuer}" if auth else _NO_LOGIN
    sys.stderr.write(f"virtbridge serves MCP on {url}, {login}. Ctrl-C ends it.\n")
    sys.stderr.flush()
    _HttpServer(config, surface).run(sockets=[listener])


def _application(
    server: Server[dict[str, Any]],
    surface: Surface,
    listener: socket.socket,
    settings: HttpServer,
    auth: Auth | None,
) -> ASGIApp:
    port = listener.getsockname()[1]
    names = [f"{name}:{port}" for name in _LOCAL_NAMES]
    known = urlsplit(settings.public_url or "")
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=settings.max_request_bytes,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, _place(listener), *settings.allowed_hosts, *_hosts(known)],
            allowed_origins=[
                *(f"{scheme}://{name}" for name in names for scheme in ("http", "https")),
                *settings.allowed_origins,
                f"{known.scheme}://{known.netloc}",
            ],
        ),
    )
    return _asking(app, surface, settings, auth) if auth else app


def _asking(app: ASGIApp, surface: Surface, settings: HttpServer, auth: Auth) -> ASGIApp:
    """Return the application behind a gate that asks for tokens."""
    public_url = str(settings.public_url)
    gate = BearerGate(
        AuthContextMiddleware(app),
        open_verifier(auth, auth.audience or public_url),
        auth,
        public_url,
        needs=surface.scope,
        largest=settings.max_request_bytes,
        marks=_marks,
        noted=surface.refusals.note,
    )
    # A browser asks first, without a token, whether a page of another origin may call.
    return CORSMiddleware(
        gate,
        allow_origins=settings.allowed_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("Mcp-Session-Id", "WWW-Authenticate"),
    )


def _marks(identity: Identity) -> dict[str, Any]:
    """Return by what the SDK knows whose a session is. The token itself goes no further."""
    token = AccessToken(
        token="",
        client_id=identity.client_id,
        scopes=sorted(identity.scopes),
        subject=identity.subject,
        claims={"iss": identity.issuer},
    )
    return {"user": AuthenticatedUser(token)}


def _hosts(known: SplitResult) -> list[str]:
    """Return the forms in which a client may name the host of an address."""
    if not known.hostname:
        return []
    port = known.port or (443 if known.scheme == "https" else 80)
    host = known.netloc.removesuffix(f":{port}")
    return [known.netloc, f"{host}:{port}"] if known.port is None else [known.netloc]


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _HttpServer(uvicorn.Server):
    """Cancels the calls when it is told to end, and lets their answers leave before it does.

    From then on the SDK cuts off every stream, also one that is to have an answer.
    """

    def __init__(self, config: uvicorn.Config, surface: Surface) -> None:
        super().__init__(config)
        self._surface = surface
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._told:
            super().handle_exit(sig, frame)
            return
        self._told = True
        threading.Thread(target=self._end, args=(sig, frame), daemon=True).start()

    def _end(self, sig: int, frame: FrameType | None) -> None:
        if self._surface.cancel(_STOP_SECONDS):
            time.sleep(_LEAVE_SECONDS)
        super().handle_exit(sig, frame)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
