# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much was done lately, so that a limit holds over restarts and between processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .policy_facts import Done, Recent
from .store import Store

MIGRATIONS = (
    """
    CREATE TABLE limit_uses (
        at REAL NOT NULL, principal TEXT NOT NULL, risk TEXT NOT NULL, objects INTEGER NOT NULL
    );
    CREATE INDEX limit_uses_at ON limit_uses (at);
    """,
)
_MINUTE, _HOUR = 60.0, 3600.0
_COUNTS = """
    SELECT
        COALESCE(SUM(CASE WHEN risk = 'destructive' THEN objects END), 0),
        COALESCE(SUM(CASE WHEN risk = 'disruptive' THEN objects END), 0),
        COALESCE(SUM(CASE WHEN at > ? THEN objects END), 0)
    FROM limit_uses WHERE at > ?
"""


@dataclass(frozen=True)
class Claim:
    """The right to count one more; good only while its transaction is open."""

    recent: Recent
    _connection: sqlite3.Connection
    _at: float
    _principal: str

    def count(self, risk: str, objects: int) -> None:
        """Count a call that is about to run."""
        self._connection.execute(
            "INSERT INTO limit_uses VALUES (?, ?, ?, ?)",
            (self._at, self._principal, risk, objects),
        )


class Ledger:
    """What was done in the last hour, by whom; one for all bridges of a state folder."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def claiming(self, principal: str, now: float) -> Iterator[Claim]:
        """Give what was done lately, and hold it: nobody else counts until this has ended.

        Raises StoreBroken when it cannot be read or written; then nothing may run.
        """
        with self._store.writing() as connection:
            connection.execute("DELETE FROM limit_uses WHERE at <= ?", (now - _HOUR,))
            yield Claim(_recent(connection, principal, now), connection, now, principal)


def _recent(connection: sqlite3.Connection, principal: str, now: float) -> Recent:
    since = (now - _MINUTE, now - _HOUR)
    own = connection.execute(f"{_COUNTS} AND principal = ?", (*since, principal)).fetchone()
    return Recent(Done(*own), Done(*connection.execute(_COUNTS, since).fetchone()))
