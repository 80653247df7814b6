# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request and its answer, as the platform's model sees them: plain values, no sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

ERROR = 400  # the first status that is an error
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Framing = Literal["length", "close", "chunked"]


@dataclass
class Request:
    """One received request.

    ``path`` is percent-decoded, ``raw_path`` is not; header names are lower case. ``headers`` has
    the last of each name, ``header_lines`` all of them.
    ``params``, ``user`` and ``write`` are what the journal will say. They start as a plain
    guess (query and body by content type, nobody, by verb); the platform corrects them
    while it works, for example ``write = False`` for a login.
    """

    method: str
    path: str
    raw_path: str = ""
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""
    peer_certificate: Mapping[str, Any] | None = None
    header_lines: Sequence[tuple[str, str]] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    write: bool = False

    def __post_init__(self) -> None:
        """Guess what the journal says from the verb, the query and the body."""
        self.write = self.method not in READ_METHODS
        if not self.params:
            self.params = {**fold(parse_qsl(self.query_string, True)), **self._body_params()}

    def _body_params(self) -> dict[str, Any]:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        text = self.body.decode("utf-8", "replace")
        if kind == "application/x-www-form-urlencoded":
            return fold(parse_qsl(text, True))
        if kind.endswith("json") and text:
            try:
                value = json.loads(text)
            except ValueError:
                return {}
            return value if isinstance(value, dict) else {"": value}
        return {}


@dataclass
class Response:
    """One answer.

    ``reason`` replaces the standard phrase of the status line. ``delay`` is held back that
    many virtual seconds (not at all when the clock jumps). ``close`` ends the connection
    afterwards. ``framing`` says how the client learns where the body ends: by its length, by
    the end of the connection, or by chunks. ``stream`` replaces ``body`` and is sent in chunks.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    delay: float = 0.0
    close: bool = False
    framing: Framing = "length"
    stream: AsyncIterator[bytes] | None = None

    @classmethod
    def json(
        cls,
        value: Any,
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> Response:
        """Answer with JSON, written compactly."""
        return cls(
            status=status,
            body=json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(),
            headers={"content-type": "application/json;charset=UTF-8", **(headers or {})},
            reason=reason,
        )

    @classmethod
    def text(cls, value: str, status: int = 200, *, kind: str = "text/plain") -> Response:
        """Answer with text of the given content type."""
        return cls(
            status=status,
            body=value.encode(),
            headers={"content-type": f"{kind};charset=UTF-8"},
        )


class Reject(Exception):
    """Raised by a platform to undo all that this request changed and answer ``response``."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status} {response.reason or ''}".strip())
        self.response = response


def fold(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Turn pairs into a mapping; a key that occurs again becomes a list."""
    folded: dict[str, Any] = {}
    for key, value in pairs:
        if key in folded:
            earlier = folded[key]
            folded[key] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            folded[key] = value
    return folded
