# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is: how many run and wait, in which order, and never two writers of one object."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.errors import Busy
from mcp_bridge.runner.base import Job
from mcp_bridge.runner.objects import written
from mcp_bridge.runner.turns import Turn, Turns
from mcp_bridge.targets import Target
from mcp_bridge.tools.ends import ended
from tests.runner import tree

A, B, NONE = frozenset({"a"}), frozenset({"b"}), frozenset[str]()


def never() -> bool:
    return False


class Queue:
    """Asks for turns in threads; ``began`` has the names in the order in which they began."""

    def __init__(self, turns: Turns, wait_for: Callable[..., Any]) -> None:
        self.turns, self.wait_for = turns, wait_for
        self.began: list[str] = []
        self.held: dict[str, Turn] = {}
        self._threads: list[threading.Thread] = []

    def ask(self, name: str, objects: frozenset[str] = NONE) -> None:
        """Ask for a turn, and return when it has begun, or was looked at and has to wait."""

        def take() -> None:
            turn = self.turns.take(objects, 30, never)
            if turn is not None:
                self.held[name] = turn
                self.began.append(name)

        self._threads.append(threading.Thread(target=take, daemon=True))
        self._threads[-1].start()
        self.wait_for(self._settled)

    def _settled(self) -> bool:
        # Who takes a turn gives this lock back only once it has begun or waits.
        with self.turns._news:
            return len(self.turns._waiting) + len(self.began) == len(self._threads)

    def reached(self, *names: str) -> bool:
        """Whether exactly these have begun, in this order; waits a moment for it."""
        self.wait_for(lambda: len(self.began) >= len(names))
        return self.began == list(names)


def queue(tmp_path: Path, tools: Any, at_once: int = 1, most: int = 8) -> Queue:
    return Queue(Turns(tmp_path / "objects", at_once, most), tools.wait_for)


def test_first_come_first_served(tmp_path: Path, tools: Any) -> None:
    """Red with a semaphore: whoever looks first takes the slot."""
    line = queue(tmp_path, tools)
    names = [str(number) for number in range(6)]
    for name in names:
        line.ask(name)
    for count, name in enumerate(names, 1):
        assert line.reached(*names[:count])
        line.held[name].end()


def test_too_many_are_refused_at_once_and_told_how_many(tmp_path: Path, tools: Any) -> None:
    """Red when one too few may wait, or nobody is refused."""
    line = queue(tmp_path, tools, most=2)
    for name in ("1", "2", "3"):
        line.ask(name)
    waited: list[int] = []
    with pytest.raises(Busy, match=r"1 runs are going on and 2 wait, .*"):
        line.turns.take(NONE, 30, lambda: bool(waited.append(1)))
    assert waited == [], "who waits looks whether it was stopped"
    line.held["1"].end()
    assert line.reached("1", "2")
    line.ask("4")


def test_writers_of_one_object_wait_for_each_other_and_hold_up_nobody(
    tmp_path: Path, tools: Any
) -> None:
    """Red when a writer takes its slot before its object, or who waits for one holds up all."""
    line = queue(tmp_path, tools, at_once=2)
    line.ask("first", A)
    line.ask("second", A)
    line.ask("reader")
    assert line.reached("first", "reader")
    line.held["reader"].end()
    line.ask("other", B)
    assert line.reached("first", "reader", "other")
    line.ask("third", A)
    line.held["first"].end()
    assert line.reached("first", "reader", "other", "second")
    line.held["second"].end()
    assert line.reached("first", "reader", "other", "second", "third")


def test_another_bridge_waits_too(tmp_path: Path, tools: Any) -> None:
    """Red without locks in files."""
    ours, theirs = queue(tmp_path, tools), queue(tmp_path, tools)
    ours.ask("ours", A | B)
    theirs.ask("theirs", B)
    theirs.ask("reader")
    assert theirs.reached("reader")
    theirs.held["reader"].end()
    assert theirs.began == ["reader"]
    ours.held["ours"].end()
    assert theirs.reached("reader", "theirs")
    theirs.held["theirs"].end()
    assert list((tmp_path / "objects").iterdir()) == []


def test_a_lock_lives_as_long_as_a_process_that_has_it(tmp_path: Path) -> None:
    """Red with locks of a process in place of those of an open file, which a guard inherits."""
    turns = Turns(tmp_path / "objects", 2, 8)
    turn = turns.take(A, 1, never)
    assert turn is not None
    kept = os.dup(turn.files[0])
    for file in turn.files:
        os.close(file)
    assert Turns(tmp_path / "objects", 2, 8).take(A, 0.3, never) is None
    os.close(kept)
    assert Turns(tmp_path / "objects", 2, 8).take(A, 0.3, never) is not None


def test_the_guard_of_a_run_holds_its_locks(bench: Any, tools: Any) -> None:
    """Red when a guard is not given them: its run, of a bridge just killed, would be overtaken."""
    cancelled = threading.Event()
    job = bench.job(args={"mode": "stay", "folder": str(bench.folder)})
    thread = threading.Thread(target=bench.run, args=(job,), kwargs={"cancelled": cancelled})
    thread.start()
    try:
        tools.wait_for((bench.folder / "alive-lab").exists)
        (lock,) = (bench.folder / "state" / "objects").iterdir()
        guard = tree.roles(os.getpid())["guard"]
        held = [each.readlink() for each in Path("/proc", str(guard), "fd").iterdir()]
    finally:
        cancelled.set()
        thread.join(20)
    assert lock in held


def test_locks_of_a_killed_bridge_are_swept_and_held_ones_are_not(tmp_path: Path) -> None:
    """Red without the sweep: a file stays for each object that a killed bridge wrote."""
    turns = Turns(tmp_path / "objects", 2, 8)
    assert turns.take(A, 0.3, never)
    (held,) = (tmp_path / "objects").iterdir()
    (tmp_path / "objects" / "left").touch()
    again = Turns(tmp_path / "objects", 2, 8)
    assert list((tmp_path / "objects").iterdir()) == [held]
    assert again.take(A, 0.3, never) is None


def test_a_full_bridge_says_so_and_is_worth_another_try() -> None:
    def answer() -> Any:
        raise Busy("4 runs are going on and 16 wait")

    error = ended("vm_list", answer)["error"]
    assert (error["code"], error["retryable"]) == ("busy", True)
    assert "run_cancel" in error["next"]


def job(module: str, args: dict[str, Any], platform: str = "proxmox", **more: Any) -> Job:
    target = Target("lab", platform, (), {}, False, Path("/"), {})
    return Job(f"virtbridge.core.{module}", args, (target,), **more)


SAME = [
    [
        job("vm_power", {"ref": "lab/-/100", "state": "started"}),
        job("proxmox_vm", {"vmid": 100, "cores": 2}),
        job("proxmox_vm_snapshot", {"vmid": 100, "name": "before"}),
        job("proxmox_api", {"method": "POST", "path": "/nodes/n1/qemu/100/status/start"}),
    ],
    [
        job("vm", {"ref": "lab/ns/web"}, "kubevirt"),
        job("kubevirt_vm_power", {"namespace": "ns", "name": "web"}, "kubevirt"),
        job("kubevirt_vm_snapshot", {"namespace": "ns", "vm_name": "web", "name": "s"}, "kubevirt"),
        job("kubevirt_api", {"verb": "patch", "namespace": "ns", "name": "web"}, "kubevirt"),
    ],
    [
        job("vm", {"ref": "lab/shop/77f0"}, "cloudstack"),
        job("cloudstack_instance", {"id": "77f0"}, "cloudstack"),
        job("cloudstack_instance_snapshot", {"instance_id": "77f0", "name": "s"}, "cloudstack"),
        job("cloudstack_api", {"command": "x", "params": {"virtualMachineId": "77f0"}}),
    ],
    [job("vm", {"name": "new", "cpus": 1}), job("proxmox_vm", {"name": "new"})],
    [job("proxmox_api", {"path": "/pools", "params": {"a": n}}) for n in (1, 2)],
]  # fmt: skip


def test_one_object_has_one_key_whatever_names_it() -> None:
    groups = [{written(each) for each in same} for same in SAME]
    assert [len(group) for group in groups] == [1] * len(SAME)
    assert len(frozenset.union(*(key for group in groups for key in group))) == len(SAME)


def test_who_reads_waits_for_no_object() -> None:
    power = SAME[0][0]
    assert written(power)
    for reading in (
        replace(power, check=True),
        replace(power, writes=False),
        job("vm_info", {"ref": "lab/-/100"}),
    ):
        assert written(reading) == NONE


def test_a_job_of_several_waits_for_each_of_its_objects() -> None:
    parts = [replace(SAME[0][0], run_id="r"), replace(job("vm_info", {}), run_id="r")]
    together = Job.together([*parts, replace(SAME[3][0], run_id="r")], 60)
    assert written(together) == written(SAME[0][0]) | written(SAME[3][0])


@pytest.mark.parametrize(("writes", "overlap"), [(True, False), (False, True)])
def test_two_runs_that_write_one_object_never_overlap(
    bench: Any, tmp_path: Path, writes: bool, overlap: bool
) -> None:
    """Red without the keys: both run at once, as two that read do.

    Each module waits for the other, those that can never meet not for long.
    """
    spans: dict[str, list[float]] = {}

    def run(given: Job) -> None:
        def note(_progress: Any) -> None:
            spans.setdefault(given.run_id, []).append(time.monotonic())

        assert bench.run(given, on_progress=note).status == "successful"

    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    usual = {"name": "x", "seconds": 50.0 if overlap else 2.0}
    ways = [{"says": one, "hears": other}, {"says": other, "hears": one}]
    jobs = [bench.job(args={**usual, **each}, writes=writes) for each in ways]
    assert written(jobs[0]) == written(jobs[1])
    threads = [threading.Thread(target=run, args=(each,)) for each in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (_, first_end), (second_start, _) = sorted((min(span), max(span)) for span in spans.values())
    assert (second_start < first_end) is overlap
