# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`policy.decide()` is the only way to a run: every other route that there is, tried."""

from __future__ import annotations

import ast
import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge import policy
from mcp_bridge.errors import NotPermitted
from mcp_bridge.runner.base import Executor, Job, Outcome, Signals
from mcp_bridge.runner.cold import LocalCold

PACKAGE = Path(__file__).parents[2] / "mcp_bridge"
# Who may name what leads to a run; the test reads the whole package.
SOLE_OWNERS = {
    "ansible_runner": {
        "runner/forkserver.py",
        "runner/guard.py",
        "runner/streamed.py",
        "runner/warm.py",
        "runner/worker.py",
    },
    "_execute": {"runner/base.py", "runner/cold.py"},
    "_SEAL": {"policy.py"},
    # The doctor lets it try whether it may isolate; it runs no job.
    "GUARD": {"doctor/machine.py", "runner/guarded.py"},
}


def test_no_permit_no_run(bench: Any, tools: Any) -> None:
    job = bench.job()
    denied = policy.decide(
        policy.Call("t", job.module, "destructive", (policy.TargetFacts("lab"),), job.identity),
        (),
        policy.Flags(),
    )
    assert denied.permit is None
    used = tools.permit_for(job)
    assert used.redeem(job.identity)
    routes = [
        None,
        True,
        denied,
        denied.permit,
        used,
        object(),
        tools.permit_for(bench.job(check=True)),
    ]
    for route in routes:
        with pytest.raises(NotPermitted):
            bench.executor.run(job, route)
    assert not list(bench.base.glob(job.run_id))


@pytest.mark.parametrize(
    "change",
    [
        {"args": {"payload": 2}},
        {"module": "vbtest.fixture.other"},
        {"check": True},
    ],
)
def test_a_permit_is_for_one_job_only(bench: Any, tools: Any, change: Any) -> None:
    job = bench.job(args={"payload": 1})
    with pytest.raises(NotPermitted):
        bench.executor.run(replace(job, **change), tools.permit_for(job))
    other = replace(job, targets=(bench.target("other"),))
    with pytest.raises(NotPermitted):
        bench.executor.run(other, tools.permit_for(job))


def test_arguments_changed_after_the_decision_are_not_run(bench: Any, tools: Any) -> None:
    args = {"payload": 1}
    job = bench.job(args=args)
    permit = tools.permit_for(job)
    args["payload"] = 2
    with pytest.raises(NotPermitted):
        bench.executor.run(job, permit)


def test_permits_are_neither_made_nor_copied(bench: Any, tools: Any) -> None:
    permit = tools.permit_for(bench.job())
    for attempt in (
        lambda: policy.Permit("x", object()),
        lambda: policy.Permit("x", None),
        lambda: copy.copy(permit),
        lambda: copy.deepcopy(permit),
        lambda: pickle.dumps(permit),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_a_permit_that_skipped_its_constructor_opens_nothing(bench: Any) -> None:
    with pytest.raises((AttributeError, NotPermitted)):
        bench.executor.run(bench.job(), policy.Permit.__new__(policy.Permit))


def test_no_back_end_brings_a_door_of_its_own() -> None:
    with pytest.raises(TypeError, match="must not override"):

        class Open(Executor):
            def run(self, *_given: Any, **_named: Any) -> Outcome:  # type: ignore[misc]
                raise AssertionError

    with pytest.raises(TypeError, match="must not override"):

        class Wider(LocalCold):
            run = LocalCold._execute

    class Good(Executor):
        def _execute(self, job: Job, signals: Signals) -> Outcome:
            raise AssertionError

        def close(self) -> None: ...

    with pytest.raises(NotPermitted):
        Good().run(Job("a.b.c", {}, ()), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(SOLE_OWNERS))
def test_nothing_else_names_what_leads_to_a_run(name: str) -> None:
    users = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            words = {
                getattr(node, "id", None),
                getattr(node, "attr", None),
                getattr(node, "name", None),
                getattr(node, "module", None),
                node.value if isinstance(node, ast.Constant) else None,
            }
            if name in words:
                users.add(str(file.relative_to(PACKAGE)))
    assert users == SOLE_OWNERS[name]
