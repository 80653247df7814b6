# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world and the ways to run a declaration on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.engine.module import run
from tests.contract.support.child import Result, run_in_child
from tests.unit.plugins.module_utils.engine import tiny


@pytest.fixture
def store(tmp_path: Path) -> tiny.Store:
    return tiny.Store(tmp_path / "world.json")


@pytest.fixture
def runs(store: tiny.Store) -> Callable[..., Result]:
    """Run a declaration as a module in a child: ``runs(tiny.BOX, {"check": True}, name=…)``."""

    def run_it(declaration: Any, how: dict[str, Any] | None = None, **args: Any) -> Result:
        base = {"store": str(store.path), "password": tiny.LOGIN}
        return run_in_child(lambda: run(declaration), {**base, **args}, **(how or {}))

    return run_it
