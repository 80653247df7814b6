# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refused and missing logins in the audit, so that nobody can fill the disk with lines of them.

The first of a kind (reason, source, principal) is written at once. All that follow it within some
minutes are one line with their count, and so are the sources beyond the first few. Requests without
a login, with which every client begins, have lines and a bound of their own: however many there
are, they hide no token that was refused.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import NamedTuple

from .audit import Audit, DoorEvent
from .errors import AuditFailed

SECONDS = 300.0
MOST = 32
OTHERS = "others"
NO_LOGIN = "no login was sent"
_log = logging.getLogger(__name__)


class _Kind(NamedTuple):
    reason: str
    source: str
    principal: str

    @property
    def event(self) -> DoorEvent:
        """Return which line it becomes."""
        return "login_missing" if self.reason == NO_LOGIN else "token_refused"


class Refusals:
    """What was refused at the door of one bridge. Nothing here raises: refused stays refused."""

    def __init__(self, audit: Audit, seconds: float = SECONDS) -> None:
        self._audit, self._seconds = audit, seconds
        self._lock = threading.Lock()
        self._written: set[_Kind] = set()
        self._left: Counter[_Kind] = Counter()
        self._timer: threading.Timer | None = None

    def note(self, reason: str, source: str, principal: str = "") -> None:
        """Record a refusal; ``reason`` is one of a few, and holds nothing of the token."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._seconds, self.flush)
                self._timer.daemon = True
                self._timer.start()
            kind = _Kind(reason, source, principal)
            every = self._written | self._left.keys()
            known = {each for each in every if each.event == kind.event}
            if kind not in known and len(known) >= MOST:
                kind = _Kind(reason, OTHERS, "")
            self._left[kind] += 1
            if kind not in self._written:
                self._write(kind)

    def flush(self) -> None:
        """Write what was only counted until now; the next of each kind is written at once again."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for kind in list(self._left):
                self._write(kind)
            self._written.clear()

    def _write(self, kind: _Kind) -> None:
        try:
            self._audit.at_the_door(kind.event, *kind, self._left[kind])
        except AuditFailed as error:
            # It stays counted, and is written with those that follow.
            _log.warning("refused logins are not in the audit yet: %s", error)
            return
        del self._left[kind]
        self._written.add(kind)
