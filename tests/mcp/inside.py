# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a bridge inside the process of a test, with a clock that the test moves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp_bridge.approvals import Approvals
from mcp_bridge.approvals_factor import new_passphrase
from mcp_bridge.audit import Audit
from mcp_bridge.catalog import Catalog
from mcp_bridge.cli_open import PARTS
from mcp_bridge.config import Config
from mcp_bridge.opening import open_approvals, open_plans
from mcp_bridge.plan_store import PlanStore
from mcp_bridge.runner import open_executor
from mcp_bridge.scopes import LOCAL
from mcp_bridge.store import Store
from mcp_bridge.surface import Surface
from mcp_bridge.targets import load
from mcp_bridge.tools.door import Door, Setup
from mcp_bridge.tools.judging import Judge
from mcp_bridge.tools.planning import Planner
from mcp_bridge.tools.spec import Caller
from tests.mcp.conftest import Bridge

ME = Caller("os:me", "test 1", LOCAL)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Inside:
    """One surface, its plans, and the clock of both."""

    def __init__(
        self, surface: Surface, store: Store, plans: PlanStore, approvals: Approvals,
        planner: Planner, clock: Clock,
    ) -> None:  # fmt: skip
        self.surface, self.store, self.plans = surface, store, plans
        self.approvals, self.planner, self.clock = approvals, planner, clock

    def answer(self, tool: str, caller: Caller = ME, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of one call."""
        return dict(self.surface.call(tool, arguments, caller).body)

    def enrol_passphrase(self, text: str) -> None:
        """Let a person approve."""
        self.approvals.factors.enrol(new_passphrase(text), text)

    def approve(self, code: str) -> None:
        """Approve what waits under a code, as a person."""
        self.approvals.approve(self.approvals.find(code), "person", "os:other")


@contextmanager
def inside(bridge: Bridge, *, clock: Clock | None = None, **more: Any) -> Iterator[Inside]:
    """Give the surface of a bridge's files; ``more`` are further sections of the configuration."""
    bridge.command("serve")
    clock = clock or Clock()
    state = bridge.folder.parent / "state" / "virtbridge"
    config = Config.model_validate_json(
        json.dumps({"runner": {"state_dir": str(state)}, **bridge.config, **more})
    )
    audit = Audit(state / "audit.jsonl")
    store = Store(state / "state.db", PARTS)
    executor = open_executor(config, lasting=False)
    try:
        with open_plans(config, store, audit, state / "bridges", clock) as (planner, applying):
            path: Path = bridge.folder / "targets.yml"
            setup = Setup(
                targets=load(path), targets_path=path, catalog=Catalog(), executor=executor,
                audit=audit, planner=planner, judge=Judge(config.policy.rules, config.flags),
            )  # fmt: skip
            surface = Surface(Door(setup), applying)
            plans, approvals = open_approvals(config, store, audit, clock)
            yield Inside(surface, store, plans, approvals, planner, clock)
            surface.stop(5.0)
    finally:
        executor.close()
        store.close()
