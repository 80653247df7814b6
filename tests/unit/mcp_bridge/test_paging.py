# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list that is kept for a while, for whom it was read."""

from __future__ import annotations

import pytest

from mcp_bridge.tools.paging import RowSet, RowStore
from mcp_bridge.tools.spec import Refusal


def rows(run_id: str) -> RowSet:
    return RowSet(run_id, "os:alice", "", ("name",), [{"name": run_id}], ())


def test_a_page_is_kept_for_some_minutes() -> None:
    now = 0.0
    store = RowStore(lambda: now)
    kept = rows("run")
    store.keep(kept)
    cursor = store.cursor(kept, 7)
    now = 599.0
    assert store.page(cursor, "os:alice") == (kept, 7)
    now = 600.0
    with pytest.raises(Refusal) as refused:
        store.page(cursor, "os:alice")
    assert (refused.value.code, refused.value.retryable) == ("cursor_expired", True)


def test_the_oldest_set_leaves_when_there_are_many() -> None:
    store = RowStore()
    every = [rows(f"run-{number}") for number in range(17)]
    for each in every:
        store.keep(each)
    with pytest.raises(Refusal, match="no longer kept"):
        store.page(store.cursor(every[0], 0), "os:alice")
    for each in every[1:]:
        assert store.page(store.cursor(each, 0), "os:alice") == (each, 0)


def test_a_cursor_is_good_for_nobody_else() -> None:
    store = RowStore()
    kept = rows("run")
    store.keep(kept)
    for cursor, principal in ((store.cursor(kept, 0), "os:bob"), ("???", "os:alice")):
        with pytest.raises(Refusal) as refused:
            store.page(cursor, principal)
        assert refused.value.code == "invalid_args"
