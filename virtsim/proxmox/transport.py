# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes over the wire and goes back: parameters in, answers with odd reason lines out."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ..core.http import Request, Response
from .errors import ApiError

BODY_LIMIT = 512 * 1024
METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
FORMATS = frozenset({"json", "extjs"})
SQUEEZE_FROM = 1024
HEADERS = {
    "cache-control": "max-age=0",
    "connection": "Keep-Alive",
    "pragma": "no-cache",
    "server": "pve-api-daemon/3.0",
}


@dataclass(frozen=True)
class Address:
    """Where a request goes: the answer's format and the path below it."""

    format: str
    path: str


def plain(status: int, text: str) -> Response:
    """Answer with the bare text, as the server does before it knows a format."""
    return Response(status, text.encode(), reason=text.split("\n", maxsplit=1)[0])


def bare(status: int, reason: str, delay: float = 0.0) -> Response:
    """Answer with a status line only, not even a length."""
    return Response(status, reason=reason, delay=delay, framing="close")


def refusal(request: Request) -> Response | None:
    """Give the answer to a request that is refused before anybody asks who sends it."""
    if request.method not in METHODS:
        return bare(501, f"method '{request.method}' not available")
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        return plain(501, "chunked transfer encoding not supported")
    if request.body and request.method in {"GET", "DELETE"}:
        return plain(501, f"Unexpected content for method '{request.method}'")
    return None


def locate(request: Request) -> Address | Response:
    """Split the path into format and operation path."""
    path = re.sub(r"/+", "/", request.path)
    if not path.startswith("/api2/"):
        return plain(500, f"no such file '{path}'\n")
    kind, slash, rest = path.removeprefix("/api2/").partition("/")
    if kind not in FORMATS:
        shown = f"/{rest}, {kind}" if slash else f"/, {kind}"
        return plain(501, f"no formatter for uri {shown}")
    return Address(kind, f"/{rest}".rstrip("/") or "/")


def decode_form(body: str) -> dict[str, Any]:
    """Decode a form as the server does: `;` splits, a second `=` ends the value."""
    found: dict[str, Any] = {}
    for pair in re.split(r"[&;]", body) if body else []:
        parts = pair.split("=")
        key = _unescape(parts[0])
        value = _unescape(parts[1]) if len(parts) > 1 else None
        if key in found and value is not None:
            old = found[key]
            found[key] = [*old, value] if isinstance(old, list) else [old, value]
        else:
            found[key] = value
    return found


def _unescape(text: str) -> str:
    text = text.replace("+", " ")
    # Only well-formed escapes count; others stay as they are.
    text = re.sub(r"%(?![0-9a-fA-F]{2})", "%25", text)
    return unquote(text, encoding="utf-8", errors="replace")


def parameters(request: Request) -> dict[str, Any] | Response:
    """Collect the parameters; those of the query win."""
    kind = request.headers.get("content-type", "")
    found: dict[str, Any] = {}
    if request.method in {"POST", "PUT"}:
        if len(request.body) > BODY_LIMIT:
            return plain(501, "for data too large")
        name = kind.partition(";")[0].strip().lower()
        if name == "application/json":
            try:
                found = _numbers(json.loads(request.body)) if request.body else {}
            except ValueError:
                at = f"character offset {len(request.body)}"
                return plain(
                    500,
                    "malformed JSON string, neither tag, array, object, number, string or atom, "
                    f'at {at} (before "(end of string)") '
                    "at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 934.\n",
                )
        elif name in {"", "application/x-www-form-urlencoded"}:
            found = decode_form(request.body.decode("utf-8", "replace"))
        else:
            return plain(506, f"upload 'Content-Type '{kind}' not implemented")
    found.update(decode_form(request.query_string))
    return {k: v for k, v in found.items() if k or v is not None}


def _numbers(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    return dict(value)


def success(address: Address, content: Mapping[str, Any], request: Request) -> Response:
    """Answer with content."""
    if address.format == "extjs":
        content = {**content, "success": 1}
    return _squeeze(Response.json(content, reason="OK"), request)


def failure(address: Address, error: ApiError, delay: float = 0.0) -> Response:
    """Answer with an error in the format asked for."""
    content: dict[str, Any] = {"data": None, "message": error.message}
    if error.errors:
        content["errors"] = error.errors
    if address.format == "extjs":
        content |= {"status": str(error.status), "success": 0}
        return Response.json(content, reason="OK")
    reason = error.message.split("\n")[0]
    answer = Response.json(content, error.status, reason=reason)
    answer.delay = delay
    return answer


def _squeeze(answer: Response, request: Request) -> Response:
    accepted = request.headers.get("accept-encoding", "")
    if len(answer.body) < SQUEEZE_FROM:
        return answer
    for name, squeeze in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        if name in accepted:
            answer.body = squeeze(answer.body)
            answer.headers = {**answer.headers, "content-encoding": name}
            break
    return answer
