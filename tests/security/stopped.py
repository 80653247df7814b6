# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole bridge but for its runner, which takes a permitted job and starts nothing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mcp_bridge.audit import Audit
from mcp_bridge.catalog import Catalog
from mcp_bridge.cli_open import PARTS
from mcp_bridge.config import Config
from mcp_bridge.errors import RunnerBroken
from mcp_bridge.opening import open_plans
from mcp_bridge.policy import Flags
from mcp_bridge.runner.base import Job, Outcome
from mcp_bridge.store import Store
from mcp_bridge.surface import Surface
from mcp_bridge.targets import Target
from mcp_bridge.tools.door import Door, Setup
from mcp_bridge.tools.judging import Judge


class Stops:
    """The end of the bridge's own part."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, job: Job, permit: Any, **_more: Any) -> Outcome:
        assert permit.redeem(job.identity)
        self.jobs.append(job)
        raise RunnerBroken("stopped here")

    def close(self) -> None:
        """Nothing was started."""


def stopped(
    folder: Path, running: ExitStack, flags: Flags | None = None
) -> tuple[Surface, Stops, Audit]:
    """Return a surface over one target that is never reached, what stops it, and its audit.

    ``running`` closes what was opened for it.
    """
    stops, audit = Stops(), Audit(folder / "audit.jsonl")
    config = Config.model_validate({"runner": {"state_dir": folder}})
    store = Store(folder / "state.db", PARTS)
    running.callback(store.close)
    planner, applying = running.enter_context(open_plans(config, store, audit, folder / "bridges"))
    setup = Setup(
        targets={"lab": Target("lab", "proxmox", ("https://127.0.0.1:1",), {}, False, folder, {})},
        targets_path=folder / "targets.yml",
        catalog=Catalog(),
        executor=stops,  # type: ignore[arg-type]  # not one of ours
        audit=audit,
        planner=planner,
        judge=Judge((), flags or Flags()),
    )
    return Surface(Door(setup), applying), stops, audit
