# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows: over midnight, over changes of the clock, and in rules."""

from __future__ import annotations

import datetime
import itertools
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_bridge.config import Config
from mcp_bridge.policy import Call, Flags, Surroundings, TargetFacts, decide
from mcp_bridge.policy_windows import DAYS, WeeklyWindow

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = {"days": ["sat"], "from": "22:00", "to": "02:00", "timezone": "Europe/Berlin"}
RULES = [
    {"match": {"risk": "destructive", "window": "night"}, "verdict": "approve"},
    {"match": {"risk": "destructive"}, "verdict": "deny"},
]


def policy(times: dict[str, Any], rules: Any = RULES) -> Any:
    content = {"policy": {"windows": {"night": times}, "rules": rules}}
    return Config.model_validate_json(json.dumps(content)).policy


def instant(text: str, zone: datetime.tzinfo = BERLIN) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(datetime.UTC)


def is_open(times: dict[str, Any], now: datetime.datetime) -> bool:
    window = policy(times).rules[0].window
    return bool(window.is_open(now))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-07-04T21:59:59", False),  # a Saturday
        ("2026-07-04T22:00:00", True),
        ("2026-07-05T00:00:00", True),
        ("2026-07-05T01:59:59", True),
        ("2026-07-05T02:00:00", False),
        ("2026-07-04T01:00:00", False),
        ("2026-07-05T22:30:00", False),
        ("2026-07-06T01:00:00", False),
    ],
)
def test_a_window_goes_on_past_midnight_and_belongs_to_the_day_it_opens(
    now: str, expected: bool
) -> None:
    assert is_open(TIMES, instant(now)) is expected


def test_the_time_is_that_of_the_windows_zone() -> None:
    evening = datetime.datetime(2026, 7, 4, 20, 30, tzinfo=datetime.UTC)
    assert is_open(TIMES, evening)
    assert is_open(TIMES, evening.astimezone(ZoneInfo("Asia/Tokyo")))
    assert not is_open({**TIMES, "timezone": "UTC"}, evening)
    assert not is_open(TIMES, datetime.datetime(2026, 1, 3, 20, 30, tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    ("begins", "ends", "utc_hours"),
    [
        # On 29 March 2026 there is no time from 02:00 to 03:00 in Berlin; it is 01:00 UTC.
        ("22:00", "02:00", ["28 21:00", "29 01:00"]),
        ("22:00", "03:00", ["28 21:00", "29 01:00"]),
        ("22:00", "04:00", ["28 21:00", "29 02:00"]),
        ("22:00", "02:30", ["28 21:00", "29 01:00"]),
    ],
)
def test_a_time_that_does_not_come(begins: str, ends: str, utc_hours: list[str]) -> None:
    _is_open_between({**TIMES, "from": begins, "to": ends}, "2026-03", utc_hours)


def test_a_window_that_begins_in_the_missing_hour_opens_when_the_clock_jumps() -> None:
    times = {**TIMES, "days": ["sun"], "from": "02:30", "to": "05:00"}
    _is_open_between(times, "2026-03", ["29 01:00", "29 03:00"])


@pytest.mark.parametrize(
    ("begins", "ends", "utc_hours"),
    [
        # On 25 October 2026 the time from 02:00 to 03:00 comes twice, until 01:00 and 02:00 UTC.
        ("22:00", "02:30", ["24 20:00", "25 00:30"]),
        ("22:00", "04:00", ["24 20:00", "25 03:00"]),
    ],
)
def test_a_time_that_comes_twice(begins: str, ends: str, utc_hours: list[str]) -> None:
    _is_open_between({**TIMES, "from": begins, "to": ends}, "2026-10", utc_hours)


def test_a_window_that_begins_in_the_doubled_hour_opens_the_second_time() -> None:
    times = {**TIMES, "days": ["sun"], "from": "02:30", "to": "05:00"}
    _is_open_between(times, "2026-10", ["25 01:30", "25 04:00"])


def _is_open_between(times: dict[str, Any], month: str, edges: list[str]) -> None:
    first, last = (
        datetime.datetime.fromisoformat(f"{month}-{edge}+00:00".replace(" ", "T")) for edge in edges
    )
    tick = datetime.timedelta(seconds=1)
    moments = [first - tick, first, last - tick, last]
    assert [is_open(times, now) for now in moments] == [False, True, True, False]
    # It opens and closes once.
    day = datetime.timedelta(days=1)
    minutes = int((last - first + 2 * day).total_seconds() // 60)
    window = policy(times).rules[0].window
    states = [window.is_open(first - day + each * 60 * tick) for each in range(minutes)]
    assert sum(one != other for one, other in itertools.pairwise(states)) == 2


def test_a_rule_speaks_only_while_its_window_is_open() -> None:
    rules = policy(TIMES).rules
    call = Call("t", "o", "destructive", (TargetFacts("lab"),), "i")

    def decision(now: datetime.datetime | None) -> str:
        return decide(call, rules, Flags(), Surroundings(now)).decision

    assert decision(instant("2026-07-04T23:00:00")) == "approve"
    assert decision(instant("2026-07-04T21:00:00")) == "deny"
    assert decision(None) == "deny"


def test_all_day_every_day_is_always() -> None:
    times = {"from": "00:00", "to": "00:00"}
    for hour in range(0, 24 * 8, 5):
        now = instant("2026-03-25T00:00:00") + datetime.timedelta(hours=hour)
        assert is_open(times, now)


def test_yaml_reads_a_bare_time_as_a_number() -> None:
    assert is_open({**TIMES, "from": 22 * 60, "to": "02:00"}, instant("2026-07-04T22:00:00"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"timezone": "Europe/Nowhere"}, "a time zone that exists"),
        ({"timezone": "../../etc/passwd"}, "a time zone that exists"),
        ({"timezone": ""}, "a time zone that exists"),
        ({"days": []}, "days"),
        ({"days": ["saturday"]}, "days"),
        ({"from": "24:00"}, "from"),
        ({"to": "2:00"}, "to"),
        ({"to": 24 * 60}, "to"),
        ({"until": "02:00"}, "until"),
    ],
)
def test_what_is_no_window_is_told(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        policy({**TIMES, **wrong})


def test_a_rule_names_a_window_that_is_there() -> None:
    rule = {"match": {"window": "nigth"}, "verdict": "deny"}
    with pytest.raises(ValueError, match=r"\(night\) in rules\[0\], which names 'nigth'"):
        policy(TIMES, [rule])
    with pytest.raises(ValueError, match="none is there"):
        Config.model_validate_json(json.dumps({"policy": {"rules": [rule]}}))


walls = st.times().map(lambda time: time.replace(second=0, microsecond=0))
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
moments = st.datetimes(datetime.datetime(2026, 1, 3), datetime.datetime(2027, 12, 28)).map(
    lambda time: time.replace(tzinfo=datetime.UTC)
)


@given(st.sets(st.sampled_from(DAYS), min_size=1), walls, walls, zones, moments)
def test_an_open_window_fits_the_wall(
    days: Any, begins: datetime.time, ends: datetime.time, zone: str, now: datetime.datetime
) -> None:
    window = WeeklyWindow("w", frozenset(days), begins, ends, ZoneInfo(zone))
    if not window.is_open(now):
        return
    wall = now.astimezone(ZoneInfo(zone))
    time, today = wall.time(), DAYS[wall.weekday()]
    before = DAYS[wall.weekday() - 1]
    if begins < ends:
        assert today in days and begins <= time < ends
    else:
        assert (today in days and time >= begins) or (before in days and time < ends)
