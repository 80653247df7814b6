# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends: killed, cancelled, out of time. Nothing of it may live on (fact M6)."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.runner.workspace import Workspace, recover
from tests import measured
from tests.runner import tree
from tests.runner.conftest import BACK_ENDS, holding

ROOT = Path(__file__).parents[2]
BRIDGE = Path(__file__).with_name("bridge_to_kill.py")


@pytest.mark.parametrize(
    ("victim", "isolation"), [("bridge", "isolate"), ("bridge", "reap"), ("guard", "isolate")]
)
def test_m6_nothing_survives_a_kill(bench: Any, tools: Any, isolation: str, victim: str) -> None:
    """Red with a plain `ansible_runner.run` in the bridge: playbook and module live on.

    The kill of the guard is red without PDEATHSIG; it is not promised without a PID namespace,
    where only the guard can end what it started.
    """
    run_id = uuid.uuid4().hex
    arguments = [str(bench.folder), str(tools.collections), run_id, isolation, bench.kind]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **measured.environment()}
    bridge = subprocess.Popen([sys.executable, str(BRIDGE), *arguments], env=environment)
    try:
        tools.wait_for((bench.folder / "alive-lab").exists)
        processes = tools.processes_of(run_id)
        assert len(processes) >= 4
        server = {pid for pid in pids() if parent_of(pid) == bridge.pid}
        guard = next(pid for pid in processes if parent_of(pid) in {bridge.pid, *server})
        os.kill(bridge.pid if victim == "bridge" else guard, signal.SIGKILL)
        tools.wait_for(lambda: not set(tools.processes_of(run_id)) - {bridge.pid}, 5)
        bridge.wait(40)
        tools.wait_for(lambda: not (bench.base / run_id).exists())
    finally:
        bridge.kill()
        bridge.wait()


def pids() -> list[int]:
    """Return all processes."""
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def parent_of(pid: int) -> int:
    """Return the parent of a process; 0 when it has just ended."""
    with suppress(OSError):
        return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])
    return 0


@pytest.mark.parametrize("victim", tree.ROLES)
def test_a_killed_run_of_a_started_module_is_uncertain(bench: Any, tools: Any, victim: str) -> None:
    """Red when a module without an answer is `internal`, and when nothing tells a run's own end."""
    job = bench.job(args={"mode": "stay", "folder": str(bench.folder)})
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.run(job)), daemon=True)
    thread.start()
    tools.wait_for((bench.folder / "alive-lab").exists)
    os.kill(tree.roles(os.getpid())[victim], signal.SIGKILL)
    thread.join(60)
    result = outcomes[0].hosts["lab"]
    assert (result["failed"], result["error"]["kind"]) == (True, "uncertain")
    assert result["error"]["retryable"] is False
    tools.wait_for(lambda: tools.processes_of(job.run_id) == [], 2)
    assert not (bench.base / job.run_id).exists()


@pytest.mark.parametrize("victim", ["runner", "cli"])
@pytest.mark.parametrize("kind", BACK_ENDS)
def test_a_run_that_is_killed_before_its_module_says_what_is_known(
    tmp_path: Path, tools: Any, kind: str, victim: str
) -> None:
    """A killed command tells that it came to no module; of a killed runner that is not known.

    Red when the absence of an event is taken for the absence of a module, whoever was killed.
    """
    asks, reached = holding(tmp_path)
    bench = tools.bench(tmp_path, kind, vault_password_file=asks)
    try:
        _killed_before_its_module(bench, tools, reached, victim)
    finally:
        bench.executor.close()


def _killed_before_its_module(bench: Any, tools: Any, reached: Path, victim: str) -> None:
    job = bench.job(args={"mode": "stay", "folder": str(bench.folder)})
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.run(job)), daemon=True)
    thread.start()
    tools.wait_for(reached.exists)
    os.kill(tree.roles(os.getpid())[victim], signal.SIGKILL)
    thread.join(60)
    assert not (bench.folder / "alive-lab").exists()
    error = outcomes[0].hosts["lab"]["error"]
    assert error["kind"] == ("internal" if victim == "cli" else "uncertain")
    assert ("before the module started" in error["message"]) is (victim == "cli")


def test_a_cancel_ends_every_process_and_says_so(bench: Any, tools: Any) -> None:
    """Red with the runner's own cancel: the module, in a session of its own, goes on."""
    cancelled = threading.Event()
    job = bench.job(args={"mode": "linger", "folder": str(bench.folder)})
    outcomes: list[Any] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(bench.run(job, cancelled=cancelled)), daemon=True
    )
    thread.start()
    tools.wait_for((bench.folder / "alive-lab").exists)
    assert tools.processes_of(job.run_id)
    cancelled.set()
    tools.wait_for(lambda: not thread.is_alive(), 2)
    assert tools.processes_of(job.run_id) == []
    assert outcomes[0].status == "canceled"
    assert outcomes[0].hosts["lab"]["error"]["kind"] == "cancelled"
    assert not (bench.base / job.run_id).exists()


def test_a_timeout_ends_every_process_and_says_so(bench: Any, tools: Any) -> None:
    """Red when a host without a result is left out: the answer would be an empty success."""
    job = bench.job(args={"mode": "linger", "folder": str(bench.folder)}, timeout=3.0)
    outcome = bench.run(job)
    assert outcome.status == "timeout"
    assert outcome.hosts["lab"]["error"]["kind"] == "timeout"
    assert tools.processes_of(job.run_id) == []


def test_closing_ends_what_runs(bench: Any, tools: Any) -> None:
    """Red when close() only forgets its runs: the processes are there after it."""
    job = bench.job(args={"mode": "linger", "folder": str(bench.folder)})
    thread = threading.Thread(target=lambda: bench.run(job), daemon=True)
    thread.start()
    tools.wait_for(lambda: tools.processes_of(job.run_id))
    bench.executor.close()
    assert tools.processes_of(job.run_id) == []
    thread.join(30)
    assert not (bench.base / job.run_id).exists()


def test_a_job_that_waits_for_its_turn_can_be_cancelled(tmp_path: Path, tools: Any) -> None:
    """Red when the wait for a slot does not look at the cancel."""
    bench = tools.bench(tmp_path, concurrency=1)
    taken = bench.executor.turns.take(frozenset(), 1, lambda: False)
    cancelled = threading.Event()
    cancelled.set()
    outcome = bench.run(bench.job(), cancelled=cancelled)
    assert outcome.status == "canceled"
    assert "before the module started" in outcome.hosts["lab"]["msg"]
    timed = bench.run(bench.job(timeout=0.2))
    assert timed.status == "timeout"
    taken.end()


def test_folders_of_dead_runs_are_removed_and_live_ones_are_not(tmp_path: Path) -> None:
    """Red without the lock: a second bridge would remove the run of the first."""
    live, dead = Workspace(tmp_path, "live"), Workspace(tmp_path, "dead")
    fcntl.flock(dead.lock, fcntl.LOCK_UN)
    os.close(dead.lock)
    for name in ("live", "dead"):
        os.utime(tmp_path / name, (1, 1))
    assert recover(tmp_path) == ["dead"]
    assert [path.name for path in tmp_path.iterdir()] == ["live"]
    live.remove()
    assert list(tmp_path.iterdir()) == []
