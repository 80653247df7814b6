# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's process that is killed while it hands its result over costs seconds, not the run's time.

It keeps the lock of ansible-core's queue, and ``ansible-playbook`` waits for it for ever.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.runner import tree
from tests.runner.conftest import Bench

# More than fits into a pipe, so that who writes it waits for who reads.
_SIZE = 300_000
# Longer than it takes to find out that somebody waits for the dead.
_SLOW = 10.0
_WRITES, _LOCKED = "pipe_write", "futex"


def waits_in(pid: int) -> str:
    """Return where in the kernel a process waits; empty where that is not told."""
    return Path("/proc", str(pid), "wchan").read_text()


told = pytest.mark.skipif(not Path("/proc/self/wchan").exists(), reason="the kernel does not tell")


def half_handed_over(bench: Bench, tools: Any, *names: str) -> dict[str, Any]:
    """Kill the task's process that hands over a result, and return what each target then says.

    The others wait for the lock that it holds.
    """
    said, heard = bench.folder / "said", bench.folder / "heard"
    args = {"says": str(said), "hears": str(heard), "seconds": 300.0, "size": _SIZE}
    job = bench.job(args=args, timeout=600.0, targets=tuple(map(bench.target, names)))
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.run(job)), daemon=True)
    thread.start()
    tools.wait_for(said.exists)
    command = tree.roles(os.getpid())["cli"]
    tools.wait_for(lambda: len(tree.children(command)) == len(names))
    os.kill(command, signal.SIGSTOP)
    heard.touch()

    def writes() -> int | None:
        places = {pid: waits_in(pid) for pid in tree.children(command)}
        locked = sum(_LOCKED in place for place in places.values())
        writing = [pid for pid, place in places.items() if _WRITES in place]
        return writing[0] if writing and locked == len(names) - 1 else None

    os.kill(tools.wait_for(writes), signal.SIGKILL)
    os.kill(command, signal.SIGCONT)
    thread.join(60)
    assert outcomes, "the run hangs"
    tools.wait_for(lambda: tools.processes_of(job.run_id) == [], 2)
    return {name: outcomes[0].hosts[name]["error"] for name in names}


@told
def test_a_result_that_is_half_handed_over_ends_its_run(bench: Bench, tools: Any) -> None:
    """Red when nobody looks whether Ansible waits for the dead: the run lasts as long as it may."""
    error = half_handed_over(bench, tools, "lab")["lab"]
    assert (error["kind"], error["retryable"]) == ("uncertain", False)


@told
def test_who_waits_for_the_same_lock_is_as_good_as_dead(tmp_path: Path, tools: Any) -> None:
    """Red when a run goes on for as long as one task's process lives; here the guard is the reaper.

    That one can hand over nothing any more.
    """
    bench = tools.bench(tmp_path, "warm", isolate=False)
    try:
        errors = half_handed_over(bench, tools, "lab", "other")
    finally:
        bench.executor.close()
    assert {name: error["kind"] for name, error in errors.items()} == {
        "lab": "uncertain",
        "other": "uncertain",
    }


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "archive"])
def test_a_run_that_is_only_slow_goes_on(tmp_path: Path, tools: Any, direct: bool) -> None:
    """Red when whoever is silent for some seconds is taken for one who waits for the dead."""
    bench = tools.bench(tmp_path, "warm", direct=direct)
    said, never = tmp_path / "said", tmp_path / "never"
    args = {"says": str(said), "hears": str(never), "seconds": _SLOW}
    try:
        outcome = bench.run(bench.job(args=args))
    finally:
        bench.executor.close()
    assert outcome.hosts["lab"]["changed"], outcome
