# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: one transaction or nothing, also between processes; private; never downgraded."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mcp_bridge.errors import StoreBroken
from mcp_bridge.store import Store

PARTS = {"toys": ("CREATE TABLE toys (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",)}


def counted(store: Store) -> int:
    return sum(row["count"] for row in store.rows("SELECT count FROM toys"))


def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with Store(tmp_path / "s", PARTS).writing() as connection:
        connection.execute("INSERT INTO toys VALUES ('a', 1)")
    assert counted(Store(tmp_path / "s", PARTS)) == 1


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", PARTS)
    with pytest.raises(RuntimeError), store.writing() as connection:
        connection.execute("INSERT INTO toys VALUES ('a', 1)")
        raise RuntimeError
    assert counted(store) == 0


def test_what_was_read_is_still_true_when_it_is_written(tmp_path: Path) -> None:
    """Red with a transaction that takes the lock at its first write: increments are lost."""
    stores = [Store(tmp_path / "s", PARTS) for _each in range(4)]
    with stores[0].writing() as connection:
        connection.execute("INSERT INTO toys VALUES ('a', 0)")

    def add(store: Store) -> None:
        for _turn in range(10):
            with store.writing() as connection:
                (found,) = connection.execute("SELECT count FROM toys").fetchone()
                connection.execute("UPDATE toys SET count = ?", (found + 1,))

    threads = [threading.Thread(target=add, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(stores[0]) == 40


def test_a_later_migration_is_applied_once_and_an_older_program_refuses(tmp_path: Path) -> None:
    Store(tmp_path / "s", PARTS).close()
    more = {"toys": (*PARTS["toys"], "ALTER TABLE toys ADD COLUMN colour TEXT")}
    for _turn in range(2):
        Store(tmp_path / "s", more).close()
    with pytest.raises(StoreBroken, match="newer virtbridge"):
        Store(tmp_path / "s", PARTS)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "s", PARTS).close()
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    (tmp_path / "s").chmod(0o640)
    with pytest.raises(StoreBroken, match="chmod 600"):
        Store(tmp_path / "s", PARTS)
    (tmp_path / "s").unlink()
    (tmp_path / "s").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreBroken):
        Store(tmp_path / "s", PARTS)


def test_a_file_that_is_no_store_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "s").touch(mode=0o600)
    (tmp_path / "s").write_bytes(b"no database" * 100)
    with pytest.raises(StoreBroken, match="cannot be used"):
        Store(tmp_path / "s", PARTS)
