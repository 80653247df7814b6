# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done lately is counted once, over restarts, threads and processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge import limits
from mcp_bridge.errors import StoreBroken
from mcp_bridge.limits import Ledger
from mcp_bridge.policy import Call, Flags, Guards, TargetFacts
from mcp_bridge.policy_guards import Limits, Rates
from mcp_bridge.store import Store
from mcp_bridge.tools.judging import Judge

LAB = (TargetFacts("lab"),)
START = datetime.datetime(2026, 7, 4, 12, 0, tzinfo=datetime.UTC)
FIVE = Limits(Rates(writes_per_minute=5), Rates(writes_per_minute=8))


def call(principal: str = "os:alice", risk: str = "write", *, check: bool = False) -> Call:
    return Call("t", "o", risk, LAB, "i", principal=principal, check=check)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime.datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Limits], tuple[Judge, Clock]]]:
    stores: list[Store] = []
    clock = Clock()

    def make(wanted: Limits) -> tuple[Judge, Clock]:
        stores.append(Store(tmp_path / "state.db", {"limits": limits.MIGRATIONS}))
        judge = Judge((), Flags(), Guards(limits=wanted), Ledger(stores[-1]), clock)
        return judge, clock

    yield make
    for store in stores:
        store.close()


def allowed(judge: Judge, *calls: Call) -> list[bool]:
    return [judge.verdict(each).allowed for each in calls]


def test_what_was_done_counts_for_a_minute_and_over_a_restart(
    opened: Callable[..., object],
) -> None:
    """Red when the ledger forgets, or counts what it refused."""
    judge, clock = opened(FIVE)  # type: ignore[misc]
    assert allowed(judge, *[call()] * 7) == [True] * 5 + [False] * 2
    again, _clock = opened(FIVE)  # type: ignore[misc]
    assert allowed(again, call()) == [False]
    clock.later(59.9)
    assert allowed(again, call()) == [False]
    clock.later(0.2)
    assert allowed(again, call()) == [True]


def test_each_principal_has_a_count_and_all_share_one(opened: Callable[..., object]) -> None:
    judge, _clock = opened(FIVE)  # type: ignore[misc]
    assert allowed(judge, *[call("os:alice")] * 5, *[call("os:bob")] * 4) == [True] * 8 + [False]
    assert judge.verdict(call("os:bob")).rule == "limits.overall.writes_per_minute"


def test_previews_reads_and_opinions_do_not_count(opened: Callable[..., object]) -> None:
    judge, _clock = opened(FIVE)  # type: ignore[misc]
    assert all(allowed(judge, *[call(check=True), call(risk="read")] * 10))
    assert all(judge.opinion(call()).allowed for _ in range(10))
    assert allowed(judge, *[call()] * 6) == [True] * 5 + [False]
    assert not judge.opinion(call()).allowed


def test_what_needs_approval_is_not_counted_until_it_runs(opened: Callable[..., object]) -> None:
    judge, _clock = opened(Limits(Rates(destructive_per_hour=1)))  # type: ignore[misc]
    asked = call(risk="destructive")
    assert [judge.verdict(asked).decision for _ in range(3)] == ["approve"] * 3


def test_an_hour_is_an_hour(opened: Callable[..., object]) -> None:
    judge, clock = opened(Limits(Rates(writes_per_minute=9, destructive_per_hour=0)))  # type: ignore[misc]
    assert judge.verdict(call(risk="destructive")).rule == "limits.destructive_per_hour"
    ledger = judge.ledger
    assert ledger is not None
    with ledger.claiming("os:alice", clock().timestamp()) as claim:
        claim.count("destructive", 2)
        claim.count("disruptive", 3)
    for seconds, counts in (
        (0.0, (2, 3, 5)),
        (60.0, (2, 3, 0)),
        (3539.0, (2, 3, 0)),
        (1.0, (0, 0, 0)),
    ):
        clock.later(seconds)
        with ledger.claiming("os:alice", clock().timestamp()) as claim:
            done = claim.recent.each
            assert counts == (
                done.destructive_per_hour, done.disruptive_per_hour, done.writes_per_minute,
            )  # fmt: skip
            assert claim.recent.overall == done


def test_a_clock_that_is_set_back_opens_nothing(opened: Callable[..., object]) -> None:
    judge, clock = opened(FIVE)  # type: ignore[misc]
    assert allowed(judge, *[call()] * 5) == [True] * 5
    clock.later(-7200)
    assert allowed(judge, call()) == [False]


def test_a_store_that_cannot_be_written_lets_nothing_run(opened: Callable[..., object]) -> None:
    judge, _clock = opened(FIVE)  # type: ignore[misc]
    assert judge.ledger is not None
    judge.ledger._store.close()
    with pytest.raises(StoreBroken):
        judge.verdict(call())
    assert judge.verdict(call(risk="read")).allowed


def _claims(path: str, count: int) -> int:
    store = Store(Path(path), {"limits": limits.MIGRATIONS})
    judge = Judge((), Flags(), Guards(limits=FIVE), Ledger(store), lambda: START)
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        verdicts = list(threads.map(judge.verdict, [call()] * count))
    store.close()
    return sum(verdict.allowed for verdict in verdicts)


def test_the_last_one_is_given_once_to_many_at_the_same_time(tmp_path: Path) -> None:
    """Red when counting and deciding are two transactions."""
    path = str(tmp_path / "state.db")
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(3) as processes:
        claimed = processes.starmap(_claims, [(path, 20)] * 3)
    assert sum(claimed) == 5


class Slow(tuple[Any, ...]):
    """Rules at which two judges meet, if two are ever among them at the same time."""

    barrier = threading.Barrier(2)

    def __iter__(self) -> Iterator[Any]:
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(1)
        return super().__iter__()


def test_no_two_decide_by_the_same_count(tmp_path: Path) -> None:
    """Red when counting and deciding are two transactions."""
    store = Store(tmp_path / "state.db", {"limits": limits.MIGRATIONS})
    one = Guards(limits=Limits(Rates(writes_per_minute=1), Rates()))
    judge = Judge(Slow(), Flags(), one, Ledger(store), lambda: START)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        verdicts = list(threads.map(judge.verdict, [call()] * 2))
    store.close()
    assert sum(verdict.allowed for verdict in verdicts) == 1
