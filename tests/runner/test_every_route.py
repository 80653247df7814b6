# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route from a caller to a run, enumerated: each tool asks policy, and none goes round it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_bridge.audit import Audit
from mcp_bridge.catalog import Catalog
from mcp_bridge.cli import cli
from mcp_bridge.cli_open import PARTS
from mcp_bridge.config import Config
from mcp_bridge.opening import open_plans
from mcp_bridge.policy import Call, Verdict
from mcp_bridge.runner.base import Executor, Job, Outcome, Signals
from mcp_bridge.scopes import LOCAL
from mcp_bridge.store import Store
from mcp_bridge.surface import Surface
from mcp_bridge.targets import load
from mcp_bridge.tools.door import Door, Setup
from mcp_bridge.tools.judging import Judge
from mcp_bridge.tools.spec import Caller

PACKAGE = Path(__file__).parents[2] / "mcp_bridge"
REF = "lab/-/100"
# What each tool is called with; a tool that is missing here fails the test.
TOOLS: Mapping[str, dict[str, Any]] = {
    "target_list": {"probe": True},
    "vm_list": {},
    "vm_get": {"ref": REF},
    "vm_create": {"target": "lab", "name": "new"},
    "vm_update": {"ref": REF, "cpus": 2},
    "vm_snapshot": {"ref": REF, "snapshot": "snap"},
    "vm_delete": {"ref": REF},
    "vm_power": {"ref": REF, "state": "stopped"},
    "tool_read": {"operation": "vm_info", "target": "lab"},
    "tool_call": {"operation": "vm_power", "target": "lab", "args": {"ref": REF, "state": "reset"}},
}
# `plan_apply` calls the tool of its plan, which comes through the same door.
INDIRECT = {"plan_apply"}
# What is answered without any run.
SILENT = INDIRECT | {"tool_search", "tool_describe", "run_get", "run_cancel", "audit_query"}
# Each command, and how it can come to a run. A new one has to be thought about.
COMMANDS: Mapping[str, str] = {
    "call": "a tool", "targets": "a tool", "search": "a tool", "describe": "a tool",
    "serve": "tools of clients", "demo": "starts serve", "bench": "decide", "doctor": "reads",
    "approve": "none", "deny": "none", "approvals": "none",
    "tools": "none", "check-config": "none", "client-config": "none", "policy": "none",
    "runs": "none", "sim": "none", "audit": "none",
}  # fmt: skip


class Closed(Executor):
    """An executor that must never be asked."""

    def _execute(self, job: Job, signals: Signals) -> Outcome:
        raise AssertionError(f"{job.module} was run")

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Refusing(Judge):
    """A policy that denies everything and remembers what it was asked."""

    asked: list[Call] = field(default_factory=list)

    def verdict(self, call: Call) -> Verdict:
        self.asked.append(call)
        return Verdict("deny", "test", "the test denies")

    opinion = verdict


@pytest.fixture
def judge() -> Refusing:
    return Refusing()


@pytest.fixture
def surface(tmp_path: Path, judge: Refusing) -> Iterator[Surface]:
    content = {
        "platform": "proxmox",
        "url": "https://127.0.0.1:9",
        "credential": {"token_id": "a@pve!b", "token_secret_file": "s"},
    }
    path = tmp_path / "targets.yml"
    path.write_text(yaml.safe_dump({"targets": {"lab": content}}))
    state = tmp_path / "state"
    config = Config.model_validate({"runner": {"state_dir": state}})
    store, audit = Store(state / "state.db", PARTS), Audit(state / "audit.jsonl")
    with open_plans(config, store, audit, state / "bridges") as (planner, applying):
        setup = Setup(
            targets=load(path),
            targets_path=path,
            catalog=Catalog(),
            executor=Closed(),
            audit=audit,
            planner=planner,
            judge=judge,
        )
        yield Surface(Door(setup), applying)
    store.close()


def test_every_tool_is_denied_when_policy_denies(surface: Surface, judge: Refusing) -> None:
    """Red when a tool comes to the executor by another way than the judge."""
    for tool in surface.tools:
        if tool.name in SILENT:
            continue
        judge.asked.clear()
        answer = surface.call(tool.name, TOOLS[tool.name], Caller("os:alice", "test", LOCAL))
        assert judge.asked, f"{tool.name} did not ask"
        assert {call.principal for call in judge.asked} == {"os:alice"}
        if tool.name != "target_list":
            assert answer.body["error"]["code"] == "denied_by_policy", tool.name
    silent = {tool.name for tool in surface.tools} - set(TOOLS)
    assert silent <= SILENT


def test_every_command_is_accounted_for() -> None:
    assert set(cli.commands) <= set(COMMANDS)


# Who may use what leads to a verdict or a run; the test reads the whole package.
SOLE_USERS = {
    "policy.decide": {"policy_explain.py", "tools/judging.py", "bench_lab.py"},
    "redeem": {"policy.py", "runner/base.py"},
    "joined": {"policy.py", "tools/door.py"},
    "Permit": {"policy.py", "runner/base.py", "tools/door.py", "tools/gate.py"},
    "open_executor": {"cli_open.py", "runner/__init__.py"},
}


@pytest.mark.parametrize("name", sorted(SOLE_USERS))
def test_few_may_decide_and_run(name: str) -> None:
    """Red when another file asks for a verdict of its own, or uses a permit."""
    users = set()
    owner, _dot, last = name.rpartition(".")
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            words = {getattr(node, "id", None), getattr(node, "attr", None)}
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                words.add(node.name)
            if isinstance(node, ast.Attribute) and owner:
                words = {last} if ast.unparse(node) == name else set()
            elif owner:
                words = set()
            if last in words:
                users.add(str(file.relative_to(PACKAGE)))
    assert users == SOLE_USERS[name]


def test_nobody_imports_decide_by_itself() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert "decide" not in {each.name for each in node.names}, file


def test_only_the_door_gives_an_executor_a_job() -> None:
    """Red when a second place calls `executor.run`."""
    callers = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == "run":
                owner = ast.unparse(called.value)
                if "executor" in owner:
                    callers.add(str(file.relative_to(PACKAGE)))
    assert callers == {"tools/door.py"}
