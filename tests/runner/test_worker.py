# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker gets its job as a stream, and nothing else; what comes back has no secret in it."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.config import load_config
from mcp_bridge.runner import open_executor
from mcp_bridge.runner.worker import LocalWorker
from tests.runner import tree
from tests.runner.conftest import holding


@pytest.fixture
def worker(tmp_path: Path, tools: Any) -> Iterator[Any]:
    made = tools.bench(tmp_path, "worker")
    yield made
    made.executor.close()


def started(worker: Any, job: Any) -> tuple[threading.Thread, list[Any]]:
    """Start a job in a thread that adds its outcome to the list."""
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(worker.run(job)), daemon=True)
    thread.start()
    return thread, outcomes


def begun(worker: Any, tools: Any, job: Any) -> tuple[threading.Thread, list[Any]]:
    """Start a job and return when its module is there."""
    thread, outcomes = started(worker, job)
    tools.wait_for((worker.folder / "alive-lab").exists)
    return thread, outcomes


def test_a_killed_worker_leaves_nothing_and_an_unknown_end(worker: Any, tools: Any) -> None:
    """Red without the guard: the playbook goes on when its ansible-runner is dead."""
    job = worker.job(args={"mode": "linger", "folder": str(worker.folder)})
    thread, outcomes = begun(worker, tools, job)
    os.kill(tree.roles(os.getpid())["node"], signal.SIGKILL)
    thread.join(60)
    assert outcomes[0].hosts["lab"]["error"]["kind"] == "uncertain"
    tools.wait_for(lambda: tools.processes_of(job.run_id) == [], 2)
    assert not (worker.base / job.run_id).exists()


def test_a_runner_killed_before_it_has_a_worker_has_run_nothing(worker: Any, tools: Any) -> None:
    """Red when a run is said to have begun before there is anything that could get it.

    `test_ends` kills it later, when a command is there: then nobody knows.
    """
    for _attempt in range(10):
        job = worker.job(args={"mode": "stay", "folder": str(worker.folder)})
        thread, outcomes = started(worker, job)
        runner = tools.wait_for(lambda: tree.roles(os.getpid()).get("runner"))
        os.kill(runner, signal.SIGSTOP)
        tools.wait_for(partial(tree.stopped, runner))
        early = not tree.children(runner)
        os.kill(runner, signal.SIGKILL)
        thread.join(60)
        if early:
            break
    error = outcomes[0].hosts["lab"]["error"]
    assert (early, error["kind"]) == (True, "internal")
    assert "before the module started" in error["message"]


def test_what_becomes_of_a_job_that_was_handed_on_is_not_known(tmp_path: Path, tools: Any) -> None:
    """Red when a worker's silence is taken for idleness: on a mesh, another goes on for it."""
    made = tools.bench(tmp_path, "worker", vault_password_file=holding(tmp_path)[0])
    job = made.job(args={"mode": "stay", "folder": str(tmp_path)})
    try:
        thread, outcomes = started(made, job)
        os.kill(tools.wait_for(lambda: tree.roles(os.getpid()).get("node")), signal.SIGKILL)
        thread.join(60)
    finally:
        made.executor.close()
    assert not (tmp_path / "alive-lab").exists()
    error = outcomes[0].hosts["lab"]["error"]
    assert (error["kind"], error["retryable"]) == ("uncertain", False)


def test_secrets_go_to_the_worker_in_private_files_alone(worker: Any, tools: Any) -> None:
    """Red when the targets file is not in the stream, or is readable by others."""
    job = worker.job(args={"mode": "stay", "folder": str(worker.folder)}, timeout=30)
    thread, _outcomes = begun(worker, tools, job)
    node = worker.base / job.run_id / "node"
    holding = {
        file.relative_to(node).as_posix()
        for file, content in tree.files(node)
        if tools.canary.encode() in content
    }
    names = {"targets.yml", *holding}
    modes = {stat.S_IMODE((node / name).stat().st_mode) for name in names}
    folder = stat.S_IMODE(node.stat().st_mode)
    os.kill(tree.roles(os.getpid())["guard"], signal.SIGTERM)
    worker.executor.close()
    thread.join(60)
    assert holding == {"file-0-token_secret_file"}
    assert (modes, folder) == ({0o600}, 0o700)


def test_what_comes_back_has_no_secret(worker: Any, tools: Any) -> None:
    outcome = worker.run(worker.job(args={"mode": "leak"}, keep=True))
    assert outcome.artifacts is not None
    kept = [file for file in outcome.artifacts.rglob("*") if file.is_file()]
    assert {"stdout", "command", "rc", "status"} <= {file.name for file in kept}
    assert all(tools.canary not in file.read_text() for file in kept)


def test_the_configuration_names_it(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "VIRTBRIDGE_RUNNER_EXECUTOR": "worker"}
    executor = open_executor(load_config(environ=environ), lasting=True)
    assert isinstance(executor, LocalWorker)
    executor.close()
