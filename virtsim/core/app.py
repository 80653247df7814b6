# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application: reads a request, lets a fault happen to it or not, sends the answer."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_plus

from .faults import Rule
from .http import ERROR, Request, Response
from .simulator import Simulator
from .wire import WireProtocol

_LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>"
    '<form method="post" action="/login"><input name="user"><input name="password" '
    'type="password"></form></body></html>'
)
_MIB = 1024 * 1024
_DEPTH = 10_000


def echoed(request: Request, status: int, as_text: bool) -> Response:
    """Return an error that shows the request, as careless servers and proxies do."""
    target = f"{request.raw_path}?{request.query_string}"
    lines = [f"{request.method} {target}", *(f"{k}: {v}" for k, v in request.headers.items())]
    shown = "\n".join([*lines, "", request.body.decode("utf-8", "replace")])
    forms = [shown, unquote_plus(shown), quote(shown), base64.b64encode(shown.encode()).decode()]
    forms += [shown.encode().hex(), json.dumps(shown), repr(shown), html.escape(shown)]
    reason = f"cannot handle {lines[0]} {request.headers.get('authorization', '')}"
    if as_text:
        reply = Response.text("\n".join(forms), status)
    else:
        reply = Response.json(
            {"message": forms[0], "errors": {"request": forms}, "data": None}, status
        )
    reply.reason = reason
    return reply


class App:
    """Serve one simulator; ``control`` answers below ``/_sim/``, out of reach of faults."""

    def __init__(self, simulator: Simulator, control: Any, *, latency: float = 0.0) -> None:
        self._simulator = simulator
        self._control = control
        self.latency = latency

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; a cancelled one ends silently."""
        if scope["type"] != "http":
            return
        try:
            if scope["path"].startswith("/_sim/"):
                await self._control(scope, receive, send)
            else:
                exchange = Exchange(self._simulator, scope, receive, send)
                await exchange.run(self.latency)
        except asyncio.CancelledError:
            scope["extensions"]["virtsim"].abandon()


class Exchange:
    """One request and what becomes of it."""

    def __init__(self, simulator: Simulator, scope: Any, receive: Any, send: Any) -> None:
        self._simulator = simulator
        self._scope = scope
        self._receive = receive
        self._send = send
        self._wire: WireProtocol = scope["extensions"]["virtsim"]

    async def run(self, latency: float) -> None:
        """Read, decide whether a fault happens, answer."""
        request = await self._read()
        if request is None:
            return
        if latency:
            await asyncio.sleep(latency)
        with self._simulator.lock:
            self._simulator.annotate(request)
            rule = self._simulator.faults.take_wire(request.method, request.path)
        if rule is None:
            await self._reply(self._simulator.answer(request))
        else:
            await getattr(self, f"_{rule.fault}")(request, rule)

    async def _read(self) -> Request | None:
        """Return the request; None when its client left in the midst of it."""
        limit = self._simulator.wire.max_body + 1
        body, more = b"", True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                rest = self._wire.rest
                if rest is None:
                    return None
                body = (body + rest)[:limit]
                break
            body = (body + message.get("body", b""))[:limit]
            more = message.get("more_body", False)
        scope = self._scope
        lines = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        return Request(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope["raw_path"].decode("latin-1"),
            query_string=scope["query_string"].decode("latin-1"),
            headers=dict(lines),
            header_lines=lines,
            body=body,
            client=scope["client"][0] if scope["client"] else "",
            peer_certificate=self._wire.peer_certificate,
        )

    # Answers as the platform gives them

    async def _reply(self, response: Response) -> None:
        clock = self._simulator.clock
        if response.delay and clock.mode == "real":
            await asyncio.sleep(response.delay / clock.speed)
        headers = self._headers(response)
        if response.framing == "close" and response.stream is None:
            await self._raw(response, {**headers, "connection": "close"}, response.body)
            return
        if response.framing == "length" and response.stream is None:
            headers["content-length"] = str(len(response.body))
        if response.reason is not None:
            self._wire.set_reason(response.reason)
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [(k.encode("latin-1"), v.encode("utf-8")) for k, v in headers.items()],
            }
        )
        if response.stream is not None:
            async for piece in response.stream:
                if self._wire.gone:
                    return
                await self._body(piece, more=True)
        await self._body(response.body)

    async def _body(self, content: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    def _headers(self, response: Response) -> dict[str, str]:
        wire = self._simulator.wire
        headers = {**(wire.headers or {}), **response.headers}
        full = 0 < wire.requests_per_connection <= self._wire.served
        if response.close or full or (wire.close_on_error and response.status >= ERROR):
            headers["connection"] = "close"
        return headers

    async def _raw(self, response: Response, headers: dict[str, str], *pieces: bytes) -> None:
        await self._wire.write_head(response.status, response.reason, headers)
        if self._scope["method"] != "HEAD":
            await self._wire.pour(pieces)
        self._wire.finish()

    # Generic faults, one method for each name in faults.WIRE

    async def _reset_before(self, request: Request, rule: Rule) -> None:
        self._simulator.refuse(request, rule.fault, None)
        self._wire.reset()

    async def _reset_after(self, request: Request, rule: Rule) -> None:
        self._simulator.answer(request, fault=rule.fault)
        self._wire.reset()

    async def _timeout(self, request: Request, rule: Rule) -> None:
        self._apply(request, rule, None)
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._wire.abandon()

    async def _status(self, request: Request, rule: Rule) -> None:
        args = rule.args
        status, headers = int(args.get("status", 503)), dict(args.get("headers") or {})
        if "json" in args:
            reply = Response.json(args["json"], status, headers=headers)
        else:
            reply = Response(status, str(args.get("body", "")).encode(), headers)
        reply.reason = args.get("reason")
        self._apply(request, rule, reply)
        await self._reply(reply)

    async def _echo(self, request: Request, rule: Rule) -> None:
        reply = echoed(request, int(rule.args.get("status", 500)), bool(rule.args.get("text")))
        self._simulator.refuse(request, rule.fault, reply)
        await self._reply(reply)

    async def _html(self, request: Request, rule: Rule) -> None:
        reply = Response.text(_LOGIN_PAGE, kind="text/html")
        self._simulator.refuse(request, rule.fault, reply)
        await self._reply(reply)

    async def _truncate(self, request: Request, rule: Rule) -> None:
        response = self._simulator.answer(request, fault=rule.fault)
        body = response.body
        part = body[: int(len(body) * float(rule.args.get("keep", 0.5)))]
        headers = self._headers(response)
        if rule.args.get("chunked"):
            headers["transfer-encoding"] = "chunked"
            part = f"{len(body):x}\r\n".encode() + part
        else:
            headers["content-length"] = str(len(body))
        await self._raw(response, headers, part)

    async def _wrong_length(self, request: Request, rule: Rule) -> None:
        response = self._simulator.answer(request, fault=rule.fault)
        announced = max(0, len(response.body) + int(rule.args.get("delta", 10)))
        headers = {**self._headers(response), "content-length": str(announced)}
        await self._raw(response, headers, response.body)

    async def _slow(self, request: Request, rule: Rule) -> None:
        response = self._simulator.answer(request, fault=rule.fault)
        size, pause = int(rule.args.get("chunk", 1)), float(rule.args.get("pause", 1.0))
        headers = {**self._headers(response), "content-length": str(len(response.body))}
        await self._wire.write_head(response.status, response.reason, headers)
        await self._wire.dribble(response.body, max(1, size), pause)
        self._wire.finish()

    async def _huge(self, request: Request, rule: Rule) -> None:
        mib = int(rule.args.get("mib", 100))
        reply = Response(headers={"content-type": "application/json"})
        self._simulator.refuse(request, rule.fault, reply)
        headers = {**self._headers(reply), "content-length": str(mib * _MIB + len('{"data":""}'))}
        await self._wire.write_head(200, None, headers)
        await self._wire.pour(_pieces(mib))
        self._wire.finish()

    async def _hostile_json(self, request: Request, rule: Rule) -> None:
        bodies = {
            "depth": "[" * _DEPTH + "]" * _DEPTH,
            "duplicate": '{"data":{"vmid":1,"vmid":2},"data":null}',
            "nan": '{"data":NaN}',
        }
        kind = str(rule.args.get("kind", "depth"))
        reply = Response.text(bodies.get(kind, json.dumps(kind)), kind="application/json")
        self._simulator.refuse(request, rule.fault, reply)
        await self._reply(reply)

    def _apply(self, request: Request, rule: Rule, reply: Response | None) -> None:
        if rule.args.get("applied"):
            self._simulator.answer(request, fault=rule.fault, reply=reply)
        else:
            self._simulator.refuse(request, rule.fault, reply)


def _pieces(mib: int) -> Iterator[bytes]:
    yield b'{"data":"'
    for _ in range(mib):
        yield b"a" * _MIB
    yield b'"}'
