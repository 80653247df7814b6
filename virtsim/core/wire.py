# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw side of a connection: status lines of any wording, cut and broken answers."""

from __future__ import annotations

import asyncio
import http
import logging
import socket
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LOG = logging.getLogger("virtsim.wire")


class _Connection(h11.Connection):
    """An h11 connection whose next status line may have a phrase of its own."""

    reason: bytes | None = None

    def send(self, event: Any) -> Any:
        if isinstance(event, h11.Response) and self.reason is not None:
            event = h11.Response(
                status_code=event.status_code, headers=event.headers, reason=self.reason
            )
            self.reason = None
        return super().send(event)


class WireProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1, which hands itself to the application.

    The scope's ``extensions["virtsim"]`` is this object: peer certificate, reset, raw writes.
    """

    conn: _Connection
    _certificate: Mapping[str, Any] | None
    _channel: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = LOG
        self.access_log = False
        self.served = 0
        self.conn = _Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
        application = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {"virtsim": self}
            self.served += 1
            await application(scope, receive, send)

        self.app = app

    def connection_made(self, transport: Any) -> None:
        """Begin; a transport that has ended can no longer be asked who the client was."""
        super().connection_made(transport)
        self._certificate = transport.get_extra_info("peercert") or None
        self._channel = transport.get_extra_info("socket")

    @property
    def peer_certificate(self) -> Mapping[str, Any] | None:
        """The client certificate, if one was shown; ``tls.trusted`` judges it."""
        return self._certificate

    @property
    def rest(self) -> bytes | None:
        """What a client that has gone had still sent of its request; None when not all of it."""
        return None if self.cycle.more_body else bytes(self.cycle.body)

    @property
    def gone(self) -> bool:
        """Whether the client can no longer be answered."""
        return self.cycle.disconnected or self.transport.is_closing()

    def set_reason(self, reason: str) -> None:
        """Use ``reason`` (its first line) in the next status line."""
        self.conn.reason = _line(reason).encode("utf-8")

    def abandon(self) -> None:
        """Leave the request without an answer."""
        if self.cycle is not None:
            self.cycle.disconnected = True

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        self.abandon()
        with suppress(OSError):
            # It may be closed already.
            self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def write(self, content: bytes) -> None:
        """Send bytes as they are, at the client's pace."""
        if not self.gone:
            self.transport.write(content)
            if self.flow.write_paused:
                await self.flow.drain()

    async def write_head(self, status: int, reason: str | None, headers: Mapping[str, str]) -> None:
        """Send a status line and headers exactly as given."""
        phrase = _line(reason if reason is not None else standard_reason(status))
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        await self.write("\r\n".join([*lines, "", ""]).encode("utf-8"))

    def finish(self) -> None:
        """End a raw answer by ending the connection."""
        self.abandon()
        self.transport.close()

    async def dribble(self, content: bytes, size: int, pause: float) -> None:
        """Send ``size`` bytes at a time, with ``pause`` seconds between."""
        for start in range(0, len(content), size):
            if self.gone:
                return
            await self.write(content[start : start + size])
            await asyncio.sleep(pause)

    async def pour(self, pieces: Iterable[bytes]) -> None:
        """Send many pieces until the client has gone."""
        for piece in pieces:
            if self.gone:
                return
            await self.write(piece)


def standard_reason(status: int) -> str:
    """Return the usual phrase of a status, empty for those that have none."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


def _line(text: str) -> str:
    return text.splitlines()[0] if text else ""
