# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login with a second factor, and the way through a proxy: trust is the same behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import TOKEN, listed, logins, options
from tests.contract.support.child import run_module
from virtsim.proxmox.tfa import code

Start = Callable[..., virtsim.SimServer]


def careful(sim: virtsim.SimServer, **other: Any) -> dict[str, Any]:
    user = {
        "api_user": sim.credentials["totp_username"],
        "api_password": sim.credentials["totp_password"],
    }
    return options(sim, **{**dict.fromkeys(TOKEN), **user, **other})


def now(sim: virtsim.SimServer) -> str:
    return code(sim.credentials["totp_secret"], sim.simulator.clock.now())


@pytest.mark.parametrize(
    ("seconds", "expected"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")]
)
def test_the_simulators_codes_are_those_of_the_standard(seconds: int, expected: str) -> None:
    """RFC 6238, appendix B, whose secret is the seeded one."""
    assert code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", seconds) == expected


def test_a_second_factor_opens_reads_and_writes(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    started = run_module(
        "proxmox_vm_power", careful(sim, api_totp=now(sim), vmid=101, state="started")
    )
    assert started.changed, started.json
    assert len(logins(sim)) == 2


def test_without_a_code_it_says_what_is_missing(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    refused = listed(sim, careful(sim))
    assert refused.kind == "auth"
    assert "api_totp" in refused.error["message"]
    assert len(logins(sim)) == 1


def test_a_wrong_code_is_tried_once_and_told_from_a_wrong_password(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    wrong = f"{(int(now(sim)) + 1) % 10**6:06d}"
    refused = listed(sim, careful(sim, api_totp=wrong))
    assert refused.kind == "auth"
    assert "The password was right; check api_totp" in refused.error["message"]
    assert len(logins(sim)) == 2
    refused = listed(sim, careful(sim, api_totp=now(sim), api_password="not-the-password"))
    assert "The password was right" not in refused.error["message"]


def test_a_code_holds_for_one_login_only(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    used = now(sim)
    assert listed(sim, careful(sim, api_totp=used)).json["total"] > 0
    refused = listed(sim, careful(sim, api_totp=used))
    assert refused.kind == "auth"
    assert "one login only" in refused.error["message"]


class Proxy:
    """Answers CONNECT and passes bytes on; remembers where to."""

    def __init__(self, listener: socket.socket) -> None:
        self.asked: list[str] = []
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                threading.Thread(target=self._tunnel, args=(near,), daemon=True).start()

    def _tunnel(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(4096)
            self.asked.append(head.split(b"\r\n")[0].decode())
            host, _mark, port = self.asked[-1].split()[1].rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxying() -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("trust", ["ca", "pin"])
def test_everything_goes_through_the_proxy(proxmox_sim: Start, trust: str) -> None:
    sim = proxmox_sim()
    pin = {"ca_path": None, "fingerprint": sim.fingerprint} if trust == "pin" else {}
    with proxying() as proxy:
        started = run_module(
            "proxmox_vm_power",
            careful(sim, api_totp=now(sim), proxy=proxy.url, vmid=101, state="started", **pin),
        )
        assert started.changed, started.json
        places = {line.split()[1] for line in proxy.asked}
    assert places == {f"127.0.0.1:{sim.port}"}


def test_a_wrong_pin_stops_behind_a_proxy_too(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    wrong = ":".join(["AB"] * 32)
    with proxying() as proxy:
        args = options(sim, proxy=proxy.url, ca_path=None, fingerprint=wrong)
        refused = listed(sim, args)
        assert proxy.asked
    assert refused.kind == "unavailable"
    assert sim.control.journal() == []


def test_a_proxy_that_is_not_there_is_unavailable(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    refused = listed(sim, options(sim, proxy="http://127.0.0.1:1"))
    assert refused.kind == "unavailable"
    assert sim.control.journal() == []
