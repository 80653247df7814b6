# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane below ``/_sim/``, and a small client of it for tests and scripts."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .http import ERROR
from .seeds import SEEDS
from .simulator import Simulator
from .tls import colon_hex

Refuse = Callable[[float, Any], None]


def control_app(simulator: Simulator, refuse: Refuse) -> Starlette:
    """Return the ASGI application that answers below ``/_sim/`` for ``simulator``.

    ``refuse(seconds, keep)`` closes the listener for a while; ``keep`` is the connection that
    still gets its answer.
    """
    plane = _Plane(simulator, refuse)
    return Starlette(
        routes=[
            Route("/_sim/", plane.index, methods=["GET"]),
            Route("/_sim/reset", plane.reset, methods=["POST"]),
            Route("/_sim/seed", plane.seed, methods=["POST"]),
            Route("/_sim/faults", plane.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sim/clock", plane.clock, methods=["GET", "POST"]),
            Route("/_sim/journal", plane.journal, methods=["GET", "DELETE"]),
            Route("/_sim/snapshot", plane.snapshot, methods=["GET"]),
            Route("/_sim/coverage", plane.coverage, methods=["GET"]),
        ],
        exception_handlers={ValueError: _wrong, TypeError: _wrong},
    )


async def _wrong(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, ERROR)


class _Plane:
    """The control plane of one simulator; every answer is JSON."""

    def __init__(self, simulator: Simulator, refuse: Refuse) -> None:
        self._simulator = simulator
        self._refuse = refuse

    async def index(self, _request: Request) -> Response:
        simulator = self._simulator
        return JSONResponse(
            {
                "platform": simulator.platform,
                "seed": simulator.seed.name,
                "seeds": list(SEEDS),
                "faults": simulator.faults.names,
            }
        )

    async def reset(self, _request: Request) -> Response:
        self._simulator.reset()
        return JSONResponse({"seed": self._simulator.seed.name})

    async def seed(self, request: Request) -> Response:
        wanted = await _body(request, {"name"})
        self._simulator.reset(str(wanted.get("name", "")))
        return JSONResponse({"seed": self._simulator.seed.name})

    async def faults(self, request: Request) -> Response:
        faults = self._simulator.faults
        if request.method == "POST":
            rule = await _body(request)
            with self._simulator.lock:
                added = faults.add(rule)
            if added.fault == "refuse":
                seconds = float(added.args.get("seconds", 1.0))
                self._refuse(seconds, request.scope["extensions"]["virtsim"])
                added.fired = 1
            return JSONResponse(added.describe(), 201, headers={"connection": "close"})
        with self._simulator.lock:
            if request.method == "DELETE":
                faults.clear()
            return JSONResponse([rule.describe() for rule in faults.rules()])

    async def clock(self, request: Request) -> Response:
        clock = self._simulator.clock
        wanted = {}
        if request.method == "POST":
            wanted = await _body(request, {"mode", "speed", "advance"})
        with self._simulator.lock:
            if "mode" in wanted or "speed" in wanted:
                clock.configure(mode=wanted.get("mode"), speed=wanted.get("speed"))
            if "advance" in wanted:
                clock.advance(wanted["advance"])
            clock.settle()
            return JSONResponse(clock.describe())

    async def journal(self, request: Request) -> Response:
        journal = self._simulator.journal
        with self._simulator.lock:
            if request.method == "DELETE":
                journal.clear()
            writes = request.query_params.get("writes", "0") not in ("", "0", "false")
            return JSONResponse(journal.rows(writes=writes))

    async def snapshot(self, _request: Request) -> Response:
        with self._simulator.lock:
            return JSONResponse(self._simulator.snapshot())

    async def coverage(self, _request: Request) -> Response:
        coverage = self._simulator.coverage()
        return JSONResponse(
            {"modelled": list(coverage.modelled), "unmodelled": list(coverage.unmodelled)}
        )


async def _body(request: Request, known: set[str] | None = None) -> dict[str, Any]:
    value = json.loads(await request.body() or b"{}")
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, not {type(value).__name__}")
    extra = sorted(set(value) - known) if known is not None else []
    if extra:
        raise ValueError(f"unknown key {extra[0]!r}; known: {', '.join(sorted(known or ()))}")
    return value


class ControlError(Exception):
    """The control plane refused; the text says why."""


class Control:
    """Client of a simulator's control plane, in this process or another.

    With TLS the server is recognised by its fingerprint alone, so that it works also when the
    simulator shows a certificate that clients are meant to refuse.
    """

    def __init__(self, url: str, fingerprint: str | None = None) -> None:
        self._address = urlsplit(url)
        self._fingerprint = fingerprint

    def reset(self) -> None:
        """Start again from the same seed, without faults, events and journal."""
        self._call("POST", "reset")

    def seed(self, name: str) -> None:
        """Start again from the seed ``name``."""
        self._call("POST", "seed", {"name": name})

    def fault(
        self,
        fault: str,
        *,
        method: str | None = None,
        path: str = "",
        nth: int = 1,
        count: int = 1,
        **args: Any,
    ) -> dict[str, Any]:
        """Let ``fault`` happen to matching requests; see ``virtsim.core.faults``."""
        rule = {"fault": fault, "method": method, "path": path, "nth": nth, "count": count}
        added: dict[str, Any] = self._call("POST", "faults", {**rule, "args": args})
        return added

    def faults(self) -> list[dict[str, Any]]:
        """Return the rules with how often each matched and fired."""
        rules: list[dict[str, Any]] = self._call("GET", "faults")
        return rules

    def clear_faults(self) -> None:
        """Remove all rules."""
        self._call("DELETE", "faults")

    def clock(self, **wanted: Any) -> dict[str, Any]:
        """Return the clock; first set ``mode``, ``speed`` or ``advance`` when given."""
        state: dict[str, Any] = self._call("POST" if wanted else "GET", "clock", wanted or None)
        return state

    def advance(self, seconds: float) -> dict[str, Any]:
        """Let virtual time pass."""
        return self.clock(advance=seconds)

    def journal(self, *, writes: bool = False) -> list[dict[str, Any]]:
        """Return what was received, oldest first."""
        rows: list[dict[str, Any]] = self._call("GET", f"journal?writes={int(writes)}")
        return rows

    def writes(self) -> list[dict[str, Any]]:
        """Return the writes that were received, applied or not."""
        return self.journal(writes=True)

    def clear_journal(self) -> None:
        """Forget all rows."""
        self._call("DELETE", "journal")

    def snapshot(self) -> Any:
        """Return the whole state."""
        return self._call("GET", "snapshot")

    def coverage(self) -> dict[str, list[str]]:
        """Return which operations are modelled."""
        operations: dict[str, list[str]] = self._call("GET", "coverage")
        return operations

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = self._connect()
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/_sim/{path}", content)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"null")
        finally:
            connection.close()
        if response.status >= ERROR:
            raise ControlError(f"{method} /_sim/{path}: {answer['error']}")
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=30)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=30, context=context)
        connection.connect()
        shown = colon_hex(connection.sock.getpeercert(binary_form=True) or b"")
        if self._fingerprint is not None and shown != self._fingerprint:
            connection.close()
            raise ControlError(f"{self._address.netloc} is another server: fingerprint {shown}")
        return connection
