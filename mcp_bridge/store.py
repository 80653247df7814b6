# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge must still know after it was killed: one SQLite file, migrated when opened.

Every write is one transaction that holds the file's write lock from its beginning, so that what a
transaction has read is still true when it writes, also between processes. Each part of the bridge
brings its own tables as migrations (`MIGRATIONS` of its module), applied in order, each once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import StoreBroken
from .private import open_private

_WAIT = 10.0
# Rows are asked for one by one; more would only be held until the bridge ends.
_CACHE_KIB = 256
_LEDGER = "CREATE TABLE IF NOT EXISTS migrations (part TEXT PRIMARY KEY, version INTEGER NOT NULL)"


class Store:
    """One file of tables; safe between threads and processes."""

    def __init__(self, path: Path, parts: Mapping[str, Sequence[str]]) -> None:
        """Open or make the file; ``parts`` are the migrations (SQL scripts) of each part.

        Raises StoreBroken when it cannot be used, and when a newer version has written it.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            os.close(open_private(path, os.O_RDWR | os.O_CREAT))
            self._connection = sqlite3.connect(
                path, timeout=_WAIT, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            for setting in ("journal_mode=WAL", "foreign_keys=ON", f"cache_size=-{_CACHE_KIB}"):
                self._connection.execute(f"PRAGMA {setting}")
            self._migrate(parts)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction: all of it happens, or nothing.

        What is not ``durable`` outlives this process, but perhaps not a power cut, and costs no
        wait for the disk. Raises StoreBroken when it cannot be written; then nothing was.
        """
        with self._lock:
            try:
                self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._broken(error) from error

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._broken(error) from error

    def _migrate(self, parts: Mapping[str, Sequence[str]]) -> None:
        self._connection.execute(_LEDGER)
        for part, scripts in parts.items():
            with self.writing() as connection:
                found = connection.execute(
                    "SELECT version FROM migrations WHERE part = ?", (part,)
                ).fetchone()
                version = found["version"] if found else 0
                if version > len(scripts):
                    raise ValueError(f"a newer virtbridge has written its {part}")
                if version == len(scripts):
                    continue
                for script in scripts[version:]:
                    for statement in filter(str.strip, script.split(";")):
                        connection.execute(statement)
                connection.execute(
                    "INSERT OR REPLACE INTO migrations VALUES (?, ?)", (part, len(scripts))
                )

    def _broken(self, error: Exception) -> StoreBroken:
        reason = getattr(error, "strerror", None) or str(error)
        return StoreBroken(
            f"The store {self.path} cannot be used: {reason}. Check its disk, owner and mode, or "
            "set runner.state_dir."
        )
