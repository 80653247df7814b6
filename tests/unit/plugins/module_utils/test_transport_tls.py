# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a TLS error means: before the request nothing was sent, afterwards nobody knows."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from plugins.module_utils.engine.errors import Unavailable, UncertainOutcome
from plugins.module_utils.transport import Endpoint, Transport

Server = Callable[[Callable[[socket.socket, ssl.SSLContext], None]], Endpoint]


def garbage(plain: socket.socket, context: ssl.SSLContext) -> None:
    """Read the whole request, then answer with bytes that are not TLS."""
    with context.wrap_socket(plain, server_side=True) as secured:
        received = b""
        while b"the-body" not in received:
            received += secured.recv(65536)
        os.write(secured.fileno(), b"HTTP/1.1 200 OK\r\n\r\n")


def no_tls(plain: socket.socket, _context: ssl.SSLContext) -> None:
    """Answer the handshake with bytes that are not TLS."""
    plain.recv(65536)
    plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Serve one connection in a thread."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def start(answer: Callable[[socket.socket, ssl.SSLContext], None]) -> Endpoint:
            def serve() -> None:
                plain, _address = listener.accept()
                with plain:
                    answer(plain, context)

            threads.append(threading.Thread(target=serve))
            threads[-1].start()
            base = f"https://127.0.0.1:{listener.getsockname()[1]}"
            return Endpoint(bases=(base,), ca_path=str(tmp_path / "ca.pem"), timeout=60)

        yield start
        for thread in threads:
            thread.join(5)


def test_a_tls_error_after_the_request_leaves_its_outcome_open(server: Server) -> None:
    transport = Transport(server(garbage))
    with pytest.raises(UncertainOutcome):
        transport.send("POST", "/", label="POST /", body="the-body")
    transport.close()


def test_a_tls_error_in_the_handshake_says_that_nothing_was_sent(server: Server) -> None:
    transport = Transport(server(no_tls))
    with pytest.raises(Unavailable, match="Nothing was sent"):
        transport.send("POST", "/", label="POST /", body="the-body")
    transport.close()
