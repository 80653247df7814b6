# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fork server: ready, replaced when files change, and never needed."""

from __future__ import annotations

import math
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.runner.warm import LocalWarm


@pytest.fixture
def warm(tmp_path: Path, tools: Any) -> Iterator[Any]:
    """Give a runner whose fork server is ready."""
    made = tools.bench(tmp_path, "warm")
    assert made.executor.ready(60)
    yield made
    made.executor.close()


def children() -> set[int]:
    """Return the processes that this one has."""
    return set(
        map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
    )


def server_of(executor: LocalWarm) -> int:
    """Return the process of the fork server."""
    server = executor._server
    assert server is not None
    return server.pid


def test_runs_share_nothing(warm: Any) -> None:
    """Red when a run is not forked: what one leaves behind, the next finds."""
    first, second = (warm.run(warm.job(args={"payload": number})) for number in (1, 2))
    assert (first.how, second.how) == ("warm", "warm")
    assert first.hosts["lab"]["payload"] != second.hosts["lab"]["payload"]
    assert first.hosts["lab"]["pid"] != second.hosts["lab"]["pid"]


def test_a_dead_server_is_replaced_and_no_run_is_lost(warm: Any) -> None:
    before = server_of(warm.executor)
    os.kill(before, signal.SIGKILL)
    answers = [warm.run(warm.job()) for _turn in range(2)]
    assert [answer.status for answer in answers] == ["successful"] * 2
    assert warm.executor.ready(60)
    assert server_of(warm.executor) != before
    assert warm.run(warm.job()).how == "warm"


def test_a_server_that_two_runs_find_dead_is_ended_once(warm: Any) -> None:
    """Red when each ends it: the second closes a file that has the number of its lock by then."""
    server = warm.executor._server
    number = server._workspace.lock
    # No other one is started, which would open files, too.
    warm.executor._not_before = math.inf
    os.kill(server.pid, signal.SIGKILL)
    warm.executor._retire(server)
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, number)
    try:
        warm.executor._retire(server)
        assert os.fstat(number).st_rdev == os.fstat(other).st_rdev
    finally:
        os.close(other)
        with suppress(OSError):
            os.close(number)


def test_a_server_that_is_killed_does_not_end_what_runs(warm: Any, tools: Any) -> None:
    job = warm.job(args={"mode": "sleep"})
    found: list[Any] = []
    running = threading.Thread(target=lambda: found.append(warm.run(job)))
    running.start()
    tools.wait_for(lambda: len(tools.processes_of(job.run_id)) >= 3)
    os.kill(server_of(warm.executor), signal.SIGKILL)
    running.join(60)
    assert found[0].status == "successful"


def test_a_server_of_older_files_is_replaced(warm: Any) -> None:
    """Red without the stamp: a run imports what is no longer on disk."""
    before = server_of(warm.executor)
    # A copy takes the place of the link: others run out of the checkout now.
    plugins = next((warm.executor.collections / "ansible_collections").rglob("plugins"))
    shown = plugins.resolve()
    plugins.unlink()
    shutil.copytree(shown, plugins)
    warm.executor._checked = 0.0
    assert warm.run(warm.job()).status == "successful"
    assert server_of(warm.executor) == before
    os.utime(plugins / "action" / "vm_info.py")
    warm.executor._checked = 0.0
    assert warm.run(warm.job()).status == "successful"
    assert warm.executor.ready(60)
    assert server_of(warm.executor) != before


def test_a_server_that_cannot_start_is_not_needed(
    tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_bridge.runner.warm.SERVER", tmp_path / "nothing.py")
    made = tools.bench(tmp_path, "warm")
    try:
        assert not made.executor.ready(20)
        answer = made.run(made.job())
        assert (answer.status, answer.how) == ("successful", "cold")
    finally:
        made.executor.close()


def test_a_job_that_waits_for_the_server_can_be_cancelled(
    tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the wait does not look, and when a run is started after it all the same."""
    begun, may_end, slow = tmp_path / "begun", tmp_path / "end", tmp_path / "slow.py"
    slow.write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(may_end)!r}).exists():\n    time.sleep(0.05)\n"
    )
    monkeypatch.setattr("mcp_bridge.runner.warm.SERVER", slow)
    for limit in ("_PATIENCE", "_READY"):
        monkeypatch.setattr(f"mcp_bridge.runner.warm.{limit}", 600.0)
    made = tools.bench(tmp_path, "warm")
    cancelled, answers = threading.Event(), []
    job = made.job(args={"mode": "sleep"})
    running = threading.Thread(target=lambda: answers.append(made.run(job, cancelled=cancelled)))
    try:
        tools.wait_for(begun.exists)
        running.start()
        tools.wait_for(lambda: made.executor.turns.quiet(0) is False)
        cancelled.set()
        running.join(60)
        assert not running.is_alive()
        assert (answers[0].status, answers[0].how) == ("canceled", "not started")
        assert "nothing was changed" in answers[0].hosts["lab"]["msg"]
    finally:
        may_end.touch()
        made.executor.close()


def test_nothing_is_left_of_a_server(tmp_path: Path, tools: Any) -> None:
    before = children()
    made = tools.bench(tmp_path, "warm")
    assert made.executor.ready(60)
    server = made.executor._server
    assert server is not None
    folder = server._workspace.path
    assert folder.is_dir()
    made.executor.close()
    assert children() <= before
    assert not folder.exists()


def test_files_and_threads_stay_as_many(warm: Any) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    warm.run(warm.job())
    before = open_files()
    for _turn in range(10):
        assert warm.run(warm.job()).how == "warm"
    assert open_files() == before
