# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning is pure: what a task and an object give is said here case by case, and as laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.engine.errors import ValidationFailed
from plugins.module_utils.engine.plan import Plan
from plugins.module_utils.engine.planning import diff_of, make_plan
from tests.unit.plugins.module_utils.engine.tiny import BOX

ACTUAL: dict[str, Any] = {
    "name": "web",
    "state": "running",
    "cpus": 2,
    "zone": "a",
    "tags": ["x", "y"],
    "labels": {"a": "1", "b": "2"},
    "boot": ["disk", "net"],
    "agent": {"enabled": True, "kind": "virtio"},
    "agent_password": "old-secret",
    "disks": [{"slot": "d0", "size": 10, "key": "k"}, {"slot": "d1", "size": 5}],
}


def plan_of(actual: Mapping[str, Any] | None = ACTUAL, **desired: Any) -> Plan:
    return make_plan(BOX, {"name": "web", **desired}, actual)


def diff(actual: Mapping[str, Any] | None = ACTUAL, **desired: Any) -> tuple[Any, Any]:
    found = diff_of(BOX, plan_of(actual, **desired), actual)
    return found["before"], found["after"]


@pytest.mark.parametrize(
    "desired",
    [
        {},
        {"cpus": "2"},
        {"tags": ["y"]},
        {"labels": {"a": "1"}},
        {"agent": {"enabled": True, "kind": None}},
        {"disks": [{"slot": "d0", "size": None, "state": "present"}]},
        {"disks": [{"slot": "d9", "state": "absent"}]},
        {"disks": [{"slot": "d1", "import_from": "image"}]},
        {"password_of_guest": "new-secret-1"},
        {"source": "other"},
        {"state": "started"},
        {"tags": ["y", "x"], "exact": True},
        {"restart": "if_needed"},
    ],
)
def test_nothing_to_do(desired: dict[str, Any]) -> None:
    assert not plan_of(**desired).changed
    assert diff(**desired) == ({}, {})


@pytest.mark.parametrize(
    ("desired", "before", "after"),
    [
        ({"cpus": 4}, {"cpus": 2}, {"cpus": 4}),
        ({"notes": "n"}, {"notes": None}, {"notes": "n"}),
        ({"tags": ["z"]}, {"tags": ["x", "y"]}, {"tags": ["x", "y", "z"]}),
        ({"tags": ["z"], "exact": True}, {"tags": ["x", "y"]}, {"tags": ["z"]}),
        ({"boot": ["net"]}, {"boot": ["disk", "net"]}, {"boot": ["net"]}),
        (
            {"labels": {"c": "3"}},
            {"labels": {"a": "1", "b": "2"}},
            {"labels": {"a": "1", "b": "2", "c": "3"}},
        ),
        (
            {"labels": {"a": "1"}, "exact": True},
            {"labels": {"a": "1", "b": "2"}},
            {"labels": {"a": "1"}},
        ),
        ({"agent": {"kind": "isa"}}, {"agent.kind": "virtio"}, {"agent.kind": "isa"}),
        ({"disks": [{"slot": "d1", "size": 6}]}, {"disks[d1].size": 5}, {"disks[d1].size": 6}),
        (
            {"disks": [{"slot": "d2", "size": 1, "key": "kk"}]},
            {"disks[d2]": None},
            {"disks[d2]": {"slot": "d2", "size": 1, "key": "(secret)"}},
        ),
        (
            {"disks": [{"slot": "d0", "state": "absent"}]},
            {"disks[d0]": {"slot": "d0", "size": 10, "key": "(secret)"}},
            {"disks[d0]": None},
        ),
        (
            {"disks": [{"slot": "d0"}], "exact": True},
            {"disks[d1]": {"slot": "d1", "size": 5}},
            {"disks[d1]": None},
        ),
        (
            {"disks": [{"slot": "d0", "key": "new"}]},
            {"disks[d0].key": "(secret)"},
            {"disks[d0].key": "(secret, changed)"},
        ),
        (
            {"agent_password": "new-secret"},
            {"agent_password": "(secret)"},
            {"agent_password": "(secret, changed)"},
        ),
        (
            {"password_of_guest": "new-secret-1", "update_secrets": "always"},
            {"password_of_guest": "(secret)"},
            {"password_of_guest": "(secret, changed)"},
        ),
        ({"state": "stopped"}, {"state": "running"}, {"state": "stopped"}),
        ({"state": "absent"}, {"state": "running"}, {"state": "absent"}),
        (
            {"memory": 8, "restart": "if_needed"},
            {"memory": None, "state": "running"},
            {"memory": 8, "state": "restarted"},
        ),
        (
            {"zone": "b", "allow_replace": True},
            {"zone": "a", "object": "present"},
            {"zone": "b", "object": "replaced"},
        ),
    ],
)
def test_a_change_is_shown_and_nothing_else(
    desired: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert plan_of(**desired).changed
    assert {k: v for k, v in diff(**desired)[0].items() if k in before} == before
    if desired.get("allow_replace"):
        return
    assert diff(**desired) == (before, after)


def test_creating_shows_what_the_user_gave() -> None:
    before, after = diff(
        None, cpus=2, source="base", password_of_guest="first-secret", state="started"
    )
    assert before == {"state": "absent"}
    assert after == {
        "name": "web",
        "state": "running",
        "cpus": 2,
        "source": "base",
        "password_of_guest": "(secret)",
    }


def test_creating_leaves_out_entries_that_should_be_absent() -> None:
    plan = plan_of(None, disks=[{"slot": "a", "size": None}, {"slot": "b", "state": "absent"}])
    assert plan.after["disks"] == [{"slot": "a"}]
    assert plan.power is None


def test_deleting_what_is_not_there_is_nothing_to_do() -> None:
    assert not plan_of(None, state="absent").changed


def test_an_unreported_value_means_the_platforms_default() -> None:
    bare = {"name": "web", "state": "stopped"}
    assert not plan_of(bare, cpus=1).changed
    assert diff(bare, cpus=2) == ({"cpus": 1}, {"cpus": 2})


def test_sub_options_that_were_not_given_are_not_written() -> None:
    bare = {"name": "web", "state": "stopped"}
    given = {"enabled": True, "kind": None}
    assert diff(bare, agent=given) == ({"agent.enabled": None}, {"agent.enabled": True})
    assert plan_of(None, agent=given).after["agent"] == {"enabled": True}
    assert not plan_of(bare, agent={"enabled": None, "kind": None}).changed


def test_what_cannot_change_is_refused_with_both_values() -> None:
    with pytest.raises(ValidationFailed) as refused:
        plan_of(zone="b", cpus=4)
    assert refused.value.fields == {"zone": "is 'a' and cannot be changed to 'b'"}
    assert "allow_replace" in refused.value.message


def test_replacing_creates_from_what_was_given_and_keeps_it_running() -> None:
    plan = plan_of(zone="b", allow_replace=True)
    assert (plan.action, plan.power) == ("replace", "running")
    assert plan.after == {"name": "web", "zone": "b"}
    assert plan_of({**ACTUAL, "state": "stopped"}, zone="b", allow_replace=True).power is None


@pytest.mark.parametrize(
    ("state", "desired", "restart"),
    [
        ("running", {"memory": 8}, False),
        ("running", {"memory": 8, "restart": "if_needed"}, True),
        ("stopped", {"memory": 8, "restart": "if_needed"}, False),
        ("running", {"cpus": 9, "restart": "if_needed"}, False),
        ("running", {"memory": 8, "restart": "if_needed", "state": "stopped"}, False),
    ],
)
def test_restart_only_where_a_change_needs_one(
    state: str, desired: dict[str, Any], restart: bool
) -> None:
    assert plan_of({**ACTUAL, "state": state}, **desired).restart is restart


def test_a_pending_value_that_is_asked_for_is_worth_a_restart() -> None:
    waiting = {**ACTUAL, "memory": 8, "_pending": {"memory": 8}}
    assert plan_of(waiting, memory=8, restart="if_needed").restart
    assert not plan_of(waiting, cpus=2, restart="if_needed").changed
    assert not plan_of(waiting, memory=8).changed


DISKS = st.lists(
    st.fixed_dictionaries(
        {"slot": st.sampled_from("abcd")},
        optional={"size": st.integers(1, 9), "state": st.sampled_from(["present", "absent"])},
    ),
    max_size=4,
    unique_by=lambda disk: disk["slot"],
)
GIVEN = {
    "cpus": st.integers(1, 4),
    "memory": st.integers(1, 4),
    "notes": st.text("ab\n", max_size=4),
    "tags": st.lists(st.sampled_from("xyz"), max_size=3),
    "boot": st.lists(st.sampled_from("dn"), max_size=2),
    "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2),
    "agent": st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "kind": st.just("k")}),
    "disks": DISKS,
    "exact": st.booleans(),
}
DESIRED = st.fixed_dictionaries({"name": st.just("web")}, optional=GIVEN)


def present(desired: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object that could have come from creating this."""
    return {**make_plan(BOX, desired, None).after, "state": "stopped"}


@given(DESIRED)
def test_what_was_created_as_asked_needs_nothing(desired: dict[str, Any]) -> None:
    assert not make_plan(BOX, desired, present(desired)).changed


@given(DESIRED, DESIRED)
def test_executing_a_plan_reaches_desired_and_a_second_plan_is_empty(
    old: dict[str, Any], desired: dict[str, Any]
) -> None:
    actual = present(old)
    plan = make_plan(BOX, desired, actual)
    assert not make_plan(BOX, desired, {**actual, **plan.after}).changed


@given(DESIRED, DESIRED)
def test_without_exact_nothing_undeclared_is_lost(
    old: dict[str, Any], desired: dict[str, Any]
) -> None:
    actual = present(old)
    after = {**actual, **make_plan(BOX, {**desired, "exact": False}, actual).after}
    gone = {disk["slot"] for disk in desired.get("disks", ()) if disk.get("state") == "absent"}
    assert set(actual.get("tags", ())) <= set(after.get("tags", ()))
    assert set(actual.get("labels", ())) <= set(after.get("labels", ()))
    assert {disk["slot"] for disk in actual.get("disks", ())} - gone <= {
        disk["slot"] for disk in after.get("disks", ())
    }
    for name in set(actual) - set(desired):
        assert after[name] == actual[name]
