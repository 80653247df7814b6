# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration run as a module, in a forked child, through Ansible's own argument handling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.engine.module import run
from tests.contract.support.child import Result, run_in_child
from tests.unit.plugins.module_utils.engine import tiny

Runs = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> tiny.Store:
    return tiny.Store(tmp_path / "world.json")


@pytest.fixture
def runs(store: tiny.Store) -> Runs:
    def run_it(declaration: Any, how: dict[str, Any] | None = None, **args: Any) -> Result:
        base = {"store": str(store.path), "password": tiny.LOGIN}
        return run_in_child(lambda: run(declaration), {**base, **args}, **(how or {}))

    return run_it


def test_an_action_changes_the_state_once(runs: Runs, store: tiny.Store) -> None:
    store.add(name="web")
    first = runs(tiny.POWER, name="web", state="started")
    second = runs(tiny.POWER, name="web", state="started")
    assert (first.changed, second.changed) == (True, False)
    assert first.diff == {"before": {"state": "stopped"}, "after": {"state": "running"}}
    assert first.object["state"] == "running"
    assert [each["call"] for each in first.json["operations"]] == ["started"]
    assert second.json["operations"] == []


def test_a_query_counts_what_it_does_not_keep(runs: Runs, store: tiny.Store) -> None:
    for number in range(5):
        store.add(name=f"web-{number}")
    result = runs(tiny.INFO, limit=2)
    assert [row["name"] for row in result.json["objects"]] == ["web-0", "web-1"]
    assert (result.json["total"], result.json["truncated"]) == (5, True)
    assert not result.changed
    assert "operations" not in result.json
