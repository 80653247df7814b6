# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages over the rows that one run returned, so that turning a page starts no second run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .spec import Refusal

_LIFETIME = 600.0
_MOST_SETS = 16
_TAG_BYTES = 12


@dataclass(frozen=True)
class RowSet:
    """The rows of one run, as the caller filtered them."""

    run_id: str
    principal: str
    filters: str
    fields: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    warnings: tuple[str, ...]


class RowStore:
    """Keeps the newest row sets for some minutes; safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._sets: OrderedDict[str, tuple[float, RowSet]] = OrderedDict()

    def keep(self, rows: RowSet) -> None:
        """Store one set; the oldest leaves when there are too many."""
        with self._lock:
            self._sets[rows.run_id] = (self._clock() + _LIFETIME, rows)
            while len(self._sets) > _MOST_SETS:
                self._sets.popitem(last=False)

    def cursor(self, rows: RowSet, offset: int) -> str:
        """Return the cursor of the page that starts at `offset`."""
        text = json.dumps([rows.run_id, offset], separators=(",", ":")).encode()
        tag = self._tag(text, rows.principal)
        return base64.urlsafe_b64encode(tag + text).decode().rstrip("=")

    def page(self, cursor: str, principal: str) -> tuple[RowSet, int]:
        """Return the row set of a cursor and where its page starts, or raise `Refusal`."""
        run_id, offset = self._open(cursor, principal)
        with self._lock:
            expires, rows = self._sets.get(run_id, (0.0, None))
        if rows is None or self._clock() >= expires:
            raise Refusal(
                "cursor_expired",
                "The rows of this cursor are no longer kept.",
                "Call the tool again without cursor; that reads the list anew.",
                retryable=True,
            )
        return rows, offset

    def _open(self, cursor: str, principal: str) -> tuple[str, int]:
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raw = b""
        tag, text = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(text, principal)):
            raise Refusal(
                "invalid_args",
                "cursor is not one that this server gave to you.",
                "Pass page.next of the last answer unchanged, or leave cursor out to start anew.",
            )
        run_id, offset = json.loads(text)
        return str(run_id), int(offset)

    def _tag(self, text: bytes, principal: str) -> bytes:
        signed = text + b"\0" + principal.encode()
        return hmac.new(self._key, signed, hashlib.sha256).digest()[:_TAG_BYTES]
