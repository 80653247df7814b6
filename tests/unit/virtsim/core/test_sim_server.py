# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: TLS that can be verified and pinned, connections, a clean start and stop."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests

from tests.waiting import Attended, wait_for
from virtsim.core.server import SimServer
from virtsim.core.tls import Subject, trusted

Session = requests.Session
Serve = Callable[..., SimServer]
Connect = Callable[[SimServer], Session]


def _certificate(sim: SimServer) -> bytes:
    context = ssl.create_default_context(cafile=sim.ca_file)
    with (
        socket.create_connection(("127.0.0.1", sim.port), 3) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def test_the_certificate_verifies_and_has_the_stated_fingerprint(sim: SimServer) -> None:
    digest = hashlib.sha256(_certificate(sim)).hexdigest().upper()
    assert sim.fingerprint == ":".join(digest[n : n + 2] for n in range(0, 64, 2))


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign_ca"])
def test_a_bad_certificate_is_refused_by_a_client_yet_control_works(
    kind: str, serve: Serve, connect: Connect
) -> None:
    sim = serve(certificate=kind)
    with pytest.raises(requests.exceptions.SSLError):
        connect(sim).get("/boxes")
    assert sim.control.journal() == []


@pytest.mark.parametrize(
    ("kind", "accepted"), [("valid", True), ("expired", False), ("foreign_ca", False)]
)
def test_a_client_certificate_reaches_the_platform_which_judges_it(
    sim: SimServer, connect: Connect, tmp_path: Path, kind: str, accepted: bool
) -> None:
    assert connect(sim).get("/who").json() == {"peer": None}
    assert sim.certificates is not None
    alice = connect(sim)
    client = sim.certificates.client(Subject("alice", "guests"), kind)
    (tmp_path / "client.pem").write_text(client.certificate + client.key)
    alice.cert = str(tmp_path / "client.pem")
    peer = alice.get("/who").json()["peer"]
    assert [("commonName", "alice") in map(tuple, pairs) for pairs in peer["subject"]].count(True)
    assert trusted(peer) is accepted


def test_listed_client_certificates_are_among_the_credentials(
    sim: SimServer, connect: Connect, tmp_path: Path
) -> None:
    bob = connect(sim)
    for name in ("bob_certificate", "bob_key"):
        (tmp_path / name).write_text(sim.credentials[name])
    bob.cert = (str(tmp_path / "bob_certificate"), str(tmp_path / "bob_key"))
    assert trusted(bob.get("/who").json()["peer"])


def test_client_certificates_outlive_a_restart_with_a_state_dir(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    first = serve(state_dir=tmp_path)
    known = first.credentials
    first.stop()
    (tmp_path / "bob.pem").write_text(known["bob_certificate"] + known["bob_key"])
    bob = connect(serve(state_dir=tmp_path))
    bob.cert = str(tmp_path / "bob.pem")
    assert trusted(bob.get("/who").json()["peer"])


def test_a_platform_without_client_certificates_does_not_ask_for_one(
    serve: Serve, toy: Any, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "bob.pem").write_text("".join(bob_of(serve())))
    with patch.object(toy.Toy, "client_certificates", {}):
        sim = serve()
    assert sim.credentials == {"user": "toy", "password": "toy"}
    asked = connect(sim)
    asked.cert = str(tmp_path / "bob.pem")
    assert asked.get("/who").json() == {"peer": None}


def bob_of(sim: SimServer) -> tuple[str, str]:
    return sim.credentials["bob_certificate"], sim.credentials["bob_key"]


def test_plain_http_works_without_certificates(serve: Serve, connect: Connect) -> None:
    sim = serve(tls=False)
    assert sim.url.startswith("http://127.0.0.1:")
    assert connect(sim).get("/boxes").status_code == 200
    assert sim.ca_file is None
    assert len(sim.control.journal()) == 1


def test_a_state_directory_keeps_authority_and_fingerprint(
    tmp_path: Path, serve: Serve, connect: Connect
) -> None:
    first = serve(state_dir=tmp_path / "sim")
    pinned = first.fingerprint
    first.stop()
    second = serve(state_dir=tmp_path / "sim")
    assert second.fingerprint == pinned
    assert connect(second).get("/boxes").status_code == 200
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "sim").iterdir()}
    assert modes == {0}


def test_stop_frees_port_thread_and_files_even_with_an_open_connection(
    serve: Serve, connect: Connect
) -> None:
    before = threading.enumerate()
    sim = serve()
    directory = Path(str(sim.ca_file)).parent
    connect(sim).get("/boxes")
    sim.control.fault("timeout")
    with pytest.raises(requests.exceptions.ReadTimeout):
        connect(sim).get("/boxes", timeout=(30, 0.1))
    with Attended() as spent:
        sim.stop()
    assert spent.seconds < 1
    assert set(threading.enumerate()) <= set(before)
    assert not directory.exists()
    again = serve(port=sim.port)
    assert connect(again).get("/boxes").status_code == 200


def test_a_taken_port_is_an_error_and_leaves_nothing_behind(sim: SimServer, serve: Serve) -> None:
    before = threading.enumerate()
    with pytest.raises(OSError, match="in use"):
        serve(port=sim.port)
    assert set(threading.enumerate()) <= set(before)


def test_an_unknown_certificate_kind_is_refused_and_leaves_nothing_behind(serve: Serve) -> None:
    before = threading.enumerate()
    with pytest.raises(ValueError, match="wrong_name"):
        serve(certificate="wrong")
    assert set(threading.enumerate()) <= set(before)


def test_a_reason_of_ones_own_and_a_body_ended_by_the_connection(sim: SimServer) -> None:
    context = ssl.create_default_context(cafile=sim.ca_file)
    client = http.client.HTTPSConnection("localhost", sim.port, timeout=60, context=context)
    client.request("GET", "/odd")
    response = client.getresponse()
    assert (response.status, response.reason) == (418, "No ticket")
    assert response.headers["content-length"] is None
    assert response.headers["connection"] == "close"
    assert response.read() == b""
    client.close()


def test_a_connection_is_kept_on_success_and_closed_on_an_error(sim: SimServer) -> None:
    context = ssl.create_default_context(cafile=sim.ca_file)
    client = http.client.HTTPSConnection("localhost", sim.port, timeout=60, context=context)
    client.request("GET", "/boxes")
    client.getresponse().read()
    kept = client.sock
    client.request("POST", "/boxes", '{"name": "a", "refused": true}')
    assert client.sock is kept
    response = client.getresponse()
    assert (response.status, response.reason) == (409, "Not this one")
    assert response.headers["connection"] == "close"
    assert response.headers["server"] == "toy"
    client.close()


def test_an_idle_connection_is_ended_by_the_server(sim: SimServer) -> None:
    context = ssl.create_default_context(cafile=sim.ca_file)
    client = http.client.HTTPSConnection("localhost", sim.port, timeout=60, context=context)
    began = time.monotonic()
    client.request("GET", "/boxes")
    client.getresponse().read()
    with Attended() as spent:
        assert client.sock.recv(1) == b""
    assert time.monotonic() - began > 0.5
    assert spent.seconds < 2.5
    client.close()


def test_latency_holds_each_request_back(serve: Serve, connect: Connect) -> None:
    session = connect(serve(latency=0.2))
    began = time.monotonic()
    session.get("/boxes")
    assert time.monotonic() - began >= 0.2


def test_a_small_answer_is_not_held_back_by_the_network(sim: SimServer, session: Session) -> None:
    session.post("/login")
    took = []
    for _ in range(50):
        began = time.monotonic()
        session.post("/login")
        took.append(time.monotonic() - began)
    # The network holds back most of them, a busy machine some.
    assert sorted(took)[len(took) // 4] < 0.03


@pytest.mark.parametrize(
    ("farewell", "whole"),
    [("told", True), ("cut", True), ("told", False), ("cut", False), ("reset", False)],
)
def test_a_client_that_leaves_is_served_when_it_had_asked(
    sim: SimServer, session: Session, caplog: pytest.LogCaptureFixture, farewell: str, whole: bool
) -> None:
    """Red when a closed transport is asked for a certificate, and half a request carried out."""
    context = ssl.create_default_context(cafile=sim.ca_file)
    plain = socket.create_connection(("127.0.0.1", sim.port), 60)
    secured = context.wrap_socket(plain, server_hostname="localhost")
    body = b'{"name": "left"}   '
    head = f"POST /boxes HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    secured.sendall(head.encode() + body[: None if whole else -1])
    if farewell == "reset":
        secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if farewell == "told":
        with suppress(OSError):
            secured.unwrap()
    secured.close()
    if whole:
        wait_for(sim.control.writes)
    assert ("left" in session.get("/boxes").json()) is whole
    assert caplog.text == ""
