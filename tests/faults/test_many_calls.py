# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bridge, many calls: what it holds stays as much, and nothing of a run is left."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.runner.workspace import base_folder
from tests import results
from tests.faults.errands import World, world
from tests.runner import tree
from tests.waiting import came_true

_GROWTH = 1.04
# Of the slower ways, which keep answers all the while.
_EARLY_GROWTH = 1.1
# The most that one call more may take for good, in KiB, and how often to look: after so many
# calls, and no fewer times than that.
_RATE, _STEP, _STEPS = 2.0, 50, 10
# So many answers a bridge keeps to be asked for again; until then its memory must grow.
_KEPT = 200
# How many calls to warm up, and how many to look at: each kind sees a write or more.
SOME = {"warm": (10, 50), "cold": (1, 3), "worker": (1, 3)}


def held(made: World) -> dict[str, int]:
    """Return the least that the bridge and its fork server hold within a while, when nothing runs.

    A thread that looks for cancels of others ends a moment after the last call.
    """
    least = _held(made)

    def looked() -> bool:
        nonlocal least
        least = {name: min(value, least[name]) for name, value in _held(made).items()}
        return False

    came_true(looked, 3)
    return least


def _held(made: World) -> dict[str, int]:
    found = {"processes": len(made.served.own())}
    servers = dict.fromkeys(tree.servers(made.served.pid), "server")
    assert len(servers) == (made.kind == "warm")
    for pid, name in {made.served.pid: "bridge", **servers}.items():
        folder = Path("/proc", str(pid))
        found[f"{name} files"] = len(list((folder / "fd").iterdir()))
        found[f"{name} threads"] = len(list((folder / "task").iterdir()))
        found[f"{name} KiB"] = _memory(folder)
    return found


def _memory(folder: Path, kind: str = "VmRSS") -> int:
    line = next(row for row in (folder / "status").read_text().splitlines() if kind in row)
    return int(line.split()[1])


def rate(sizes: Sequence[int]) -> float:
    """Return by how many KiB a call makes it grow, which tells a leak from what is warming up.

    It is that of the middle one of the later steps: now and then memory is taken in a piece that
    is enough for hundreds of calls.
    """
    steps = [later - earlier for earlier, later in itertools.pairwise(sizes)]
    return round(statistics.median(steps[len(steps) // 2 :]) / _STEP, 2)


def calls(made: World) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls without end: of each ten, the third is a write that changes something."""
    platforms = itertools.cycle(sorted(made.sims))
    for number in itertools.count():
        platform = next(platforms)
        ref = made.refs[platform, "web1"]
        if number % 10 == 2:
            state = "absent" if number // 30 % 2 else "present"
            yield "vm_snapshot", {"ref": ref, "snapshot": "many", "state": state}
        elif number % 2:
            yield "vm_list", {"targets": [platform]}
        else:
            yield "vm_get", {"ref": ref}


def many(folder: Path, kind: str, warm_up: int, count: int) -> dict[str, Any]:
    """Make so many calls after a warm-up; return what was held before and after them."""
    with world(folder, kind, latency=0.0) as made:
        planned = calls(made)

        def make(number: int) -> int:
            changed = 0
            for tool, arguments in itertools.islice(planned, number):
                body = made.served.asked(tool, **arguments)
                assert body["ok"], body
                changed += body["status"] == "changed"
            return changed

        make(warm_up)
        # A call may begin before the thread that wrote the last answer is free again, and so be
        # given another one, which is kept. No more than these are needed, one after the other.
        ref = made.refs[sorted(made.refs)[0]]
        for number in [made.served.call("vm_get", ref=ref) for _call in range(3)]:
            assert made.served.answer(number)
        before = held(made)
        changed, sizes = 0, []
        for done in range(0, count, _STEP):
            sizes.append(_memory(Path("/proc", str(made.served.pid)), "RssAnon"))
            changed += make(min(_STEP, count - done))
        after = held(made)
        rows = made.bridge.audit("outcome")
        assert {row["how"] for row in rows[-count:]} == {kind}
        base = base_folder(Path(made.bridge.environment["XDG_STATE_HOME"], "virtbridge"))
        assert [row["run_id"] for row in rows if (base / row["run_id"]).exists()] == []
        assert tree.marked(made.home) == made.served.own()
    found = {"calls": count, "changed": changed, "before": before, "after": after}
    return found | ({"KiB for each call": rate(sizes)} if len(sizes) > _STEPS else {})


def grown(figures: dict[str, Any], growth: float) -> list[str]:
    """Return what became more than it may."""
    before, after = figures["before"], figures["after"]
    return [
        f"{name}: {before[name]}, then {value}"
        for name, value in after.items()
        if value > before[name] * (growth if name.endswith("KiB") else 1)
    ]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", SOME)
def test_some_calls_leave_nothing(tmp_path: Path, kind: str) -> None:
    """Red when a run's pipes or folder stay. What is kept for later still grows this early."""
    figures = many(tmp_path, kind, *SOME[kind])
    results.record(f"calls-quick-{kind}", figures)
    assert figures["changed"] > 0
    assert grown(figures, 1.5) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_calls_leave_nothing(tmp_path: Path) -> None:
    figures = many(tmp_path, "warm", 2 * _KEPT, 1000)
    results.record("calls", figures)
    assert figures["changed"] > 0
    assert grown(figures, _GROWTH) == []
    assert figures["KiB for each call"] <= _RATE


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["cold", "worker"])
def test_many_calls_of_the_slower_ways_leave_nothing(tmp_path: Path, kind: str) -> None:
    """They hold what the fast way does, and each call of theirs takes ten times as long."""
    figures = many(tmp_path, kind, 10, 190)
    results.record(f"calls-{kind}", figures)
    assert figures["changed"] > 0
    assert grown(figures, _EARLY_GROWTH) == []
