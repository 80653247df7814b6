# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The HTTP session by itself: what is old is not used again, what does not end is ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from plugins.module_utils import transport
from plugins.module_utils.engine.errors import UncertainOutcome
from plugins.module_utils.transport import Endpoint, Transport
from tests.waiting import Attended


class Server(ThreadingHTTPServer):
    """Counts connections; ``/`` answers at once, ``/drip`` and ``/stream`` never end."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.send_response(200)
        streams = self.path == "/stream"
        if streams:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(1 << 30 if self.path == "/drip" else 2))
        self.end_headers()
        piece = b"2\r\nx\n\r\n" if streams else b"x\n"
        with suppress(ConnectionError):
            self.wfile.write(piece)
            while self.path != "/" and not self.server.over.wait(0.05):
                self.wfile.write(piece)

    def log_message(self, *_said: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def session(server: Server) -> Iterator[Transport]:
    opened = Transport(Endpoint((address_of(server),), timeout=0.3))
    yield opened
    opened.close()


def address_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_connection_is_kept_until_it_was_idle_for_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Transport(Endpoint((address_of(server),), timeout=60))
    monkeypatch.setattr(transport, "IDLE", 60.0)
    for _request in range(2):
        assert session.send("GET", "/", label="a read").content == b"x\n"
    assert server.connections == 1
    monkeypatch.setattr(transport, "IDLE", 0.0)
    assert session.send("GET", "/", label="a read").content == b"x\n"
    assert server.connections == 2
    session.close()


def test_an_answer_that_takes_too_long_is_lost(session: Transport) -> None:
    with (
        Attended() as spent,
        pytest.raises(UncertainOutcome, match=r"a write: the connection .* ended"),
    ):
        session.send("GET", "/drip", label="a write")
    assert spent.seconds < 3


def test_a_stream_ends_with_its_time(session: Transport) -> None:
    lines: list[bytes] = []
    for seconds in (0.3, 5.0):
        # On a busy machine it may have no time to begin.
        with suppress(UncertainOutcome):
            stream = session.lines("/stream", label="a watch", headers={}, seconds=seconds)
            lines = lines or list(stream)
    assert set(lines) == {b"x"}
