# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: what is due runs in order, by itself, by polling, or by advancing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from tests.waiting import wait_for
from virtsim.core.clock import Clock
from virtsim.core.control import ControlError
from virtsim.core.server import SimServer
from virtsim.core.state import Dict, transaction

START = 1_767_225_600.0
Connect = Callable[[SimServer], requests.Session]


def test_a_poll_jumps_to_the_next_due_event_and_no_further() -> None:
    clock, seen = Clock(start=START), []
    clock.schedule(5, lambda: seen.append(("five", clock.now() - START)))
    clock.schedule(3, lambda: seen.append(("three", clock.now() - START)))
    clock.settle()
    assert (seen, clock.now()) == ([], START)
    clock.poll()
    assert seen == [("three", 3)]
    clock.poll()
    assert seen == [("three", 3), ("five", 5)]
    clock.poll()
    assert clock.now() == START + 5


def test_advance_runs_all_in_due_order_also_what_they_schedule() -> None:
    clock, seen = Clock(start=START), []

    def two() -> None:
        seen.append("2")
        clock.schedule(1, lambda: seen.append("2+1"))

    clock.schedule(2, two)
    clock.schedule(4, lambda: seen.append("4"))
    clock.schedule(2, lambda: seen.append("2 later"))
    clock.schedule(99, lambda: seen.append("never"))
    clock.advance(10)
    assert seen == ["2", "2 later", "2+1", "4"]
    assert clock.now() == START + 10
    assert [event.due for event in clock.pending()] == [START + 99]


def test_a_background_event_is_not_a_goal_but_runs_when_passed() -> None:
    clock, seen = Clock(start=START), []
    clock.schedule(1, lambda: seen.append("tick"), background=True)
    clock.poll()
    assert seen == []
    clock.schedule(2, lambda: seen.append("task"))
    clock.poll()
    assert seen == ["tick", "task"]


def test_what_an_undone_request_scheduled_or_cancelled_is_undone() -> None:
    clock, seen = Clock(start=START), []
    kept = clock.schedule(1, lambda: seen.append("kept"))
    with pytest.raises(ZeroDivisionError), transaction():
        clock.schedule(1, lambda: seen.append("undone"))
        clock.cancel(kept)
        raise ZeroDivisionError
    clock.advance(2)
    assert seen == ["kept"]


def test_a_cancelled_event_does_not_run() -> None:
    clock, seen = Clock(start=START), []
    clock.cancel(clock.schedule(1, lambda: seen.append("no")))
    clock.advance(2)
    assert seen == []


def test_a_failing_event_changes_nothing() -> None:
    clock = Clock(start=START)
    state: Dict[str, int] = Dict(a=1)

    def fail() -> None:
        state["a"] = 2
        raise ZeroDivisionError

    clock.schedule(1, fail)
    with pytest.raises(ZeroDivisionError):
        clock.advance(2)
    assert state == {"a": 1}


def test_real_time_passes_by_itself_at_its_speed() -> None:
    clock = Clock("real", speed=100.0, start=START)
    seen: list[float] = []
    clock.schedule(200, lambda: seen.append(clock.now()))
    began = time.monotonic()
    clock.settle()
    # It is due in two seconds, and so not yet, unless this machine stood still.
    assert seen == [] or time.monotonic() - began > 1
    wait_for(lambda: clock.settle() or seen)
    assert seen == [pytest.approx(START + 200, abs=1)]


def test_changing_mode_and_speed_keeps_the_time_passed() -> None:
    clock = Clock("jump", start=START)
    clock.advance(50)
    began = time.monotonic()
    clock.configure(mode="real", speed=1.0)
    now = clock.now()
    assert START + 50 <= now <= START + 50 + time.monotonic() - began
    clock.configure(mode="jump")
    assert clock.now() == clock.now() >= START + 50


@pytest.mark.parametrize(("mode", "speed"), [("fast", 1.0), ("real", 0.0), ("real", float("nan"))])
def test_nonsense_is_refused(mode: str, speed: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        Clock(mode, speed=speed)


def test_the_clock_over_http(serve: Callable[..., SimServer], connect: Connect) -> None:
    sim = serve(clock=Clock(start=START))
    session = connect(sim)
    session.post("/boxes", json={"name": "fresh"})
    shown = sim.control.clock()
    assert (shown["mode"], shown["now"]) == ("jump", START)
    assert shown["pending"] == [{"due": START + 5, "name": "boot fresh"}]
    sim.control.advance(4.9)
    assert sim.control.snapshot()["boxes"]["fresh"]["state"] == "booting"
    assert session.get("/boxes").json()["fresh"]["state"] == "running"
    assert sim.control.clock(mode="real", speed=50)["speed"] == 50
    with pytest.raises(ControlError, match="cannot go back"):
        sim.control.advance(-1)
    with pytest.raises(ControlError, match="unknown key 'sped'"):
        sim.control.clock(sped=1)


def test_a_boot_in_real_time_ends_by_itself(
    serve: Callable[..., SimServer], connect: Connect
) -> None:
    session = connect(serve(clock=Clock("real", speed=5.0)))
    began = time.monotonic()
    session.post("/boxes", json={"name": "fresh"})
    state = session.get("/boxes").json()["fresh"]["state"]
    assert state == "booting" or time.monotonic() - began > 1
    wait_for(lambda: session.get("/boxes").json()["fresh"]["state"] == "running")
