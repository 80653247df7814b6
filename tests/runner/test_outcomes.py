# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from a run: one result for each target, honest and without secrets."""

from __future__ import annotations

from typing import Any

from mcp_bridge.runner.base import Progress


def test_each_target_answers_for_itself_and_check_changes_nothing(bench: Any) -> None:
    """Red when the play names no check mode: the module reports a change."""
    seen: list[Progress] = []
    targets = (bench.target("lab"), bench.target("edge-2"))
    job = bench.job(targets=targets, args={"payload": 1}, check=True)
    outcome = bench.run(job, on_progress=seen.append)
    assert outcome.status == "successful" and outcome.rc == 0
    assert outcome.how == bench.kind
    assert {name: each["target"] for name, each in outcome.hosts.items()} == {
        "lab": "lab",
        "edge-2": "edge-2",
    }
    assert not any(each["changed"] for each in outcome.hosts.values())
    assert {str(each) for each in seen} >= {"on start lab", "on ok edge-2"}
    assert outcome.stages_ms["total"] >= outcome.stages_ms["module"]
    assert outcome.artifacts is None
    assert not (bench.base / job.run_id).exists()


def test_a_failure_keeps_its_kind_and_the_run_its_secrets(bench: Any, tools: Any) -> None:
    """Red when results are passed on unmasked: the exception text holds the token."""
    failed = bench.run(bench.job(args={"mode": "fail"})).hosts["lab"]
    assert failed["failed"] and failed["error"]["kind"] == "conflict"
    assert failed["error"]["retryable"] is True
    outcome = bench.run(bench.job(args={"mode": "leak"}, keep=True))
    assert outcome.hosts["lab"]["msg"] == "cannot log in with (secret)"
    assert tools.canary not in str(outcome)
    assert outcome.artifacts is not None
    for file in outcome.artifacts.rglob("*"):
        assert file.is_dir() or tools.canary not in file.read_text(), file


def test_a_run_that_cannot_start_its_module_fails_with_the_reason(bench: Any) -> None:
    """Red when a host without events is left out."""
    outcome = bench.run(bench.job(module="vbtest.fixture.ecko"))
    assert outcome.status == "failed"
    result = outcome.hosts["lab"]
    assert result["failed"] and result["error"]["kind"] == "internal"
    assert "vbtest.fixture.ecko" in result["msg"]
