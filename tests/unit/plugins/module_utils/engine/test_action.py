# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transitions: when nothing needs doing, when it cannot be done, and lost answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugins.module_utils.engine import errors
from plugins.module_utils.engine.action import perform_action
from plugins.module_utils.engine.resource import Access, Wait
from tests.unit.plugins.module_utils.engine import tiny

Does = Callable[..., dict[str, Any]]


@pytest.fixture
def does(store: tiny.Store) -> Does:
    def act(state: str, check: bool = False, wait: bool = True, **desired: Any) -> dict[str, Any]:
        access = Access(check, lambda _text: None, lambda _text: None, lambda _operation: None)
        desired = {"name": "web", "state": state, **desired}
        operations = tiny.BoxOperations(tiny.Client(store, access), desired, Wait())
        return perform_action(tiny.POWER, operations, desired, check=check, wait=wait)

    return act


def test_a_restart_always_acts_and_is_named_in_the_diff(does: Does, store: tiny.Store) -> None:
    store.add(name="web", state="running")
    for _ in range(2):
        result = does("restarted")
        assert result["diff"] == {"before": {"state": "running"}, "after": {"state": "restarted"}}
    assert store.objects[0]["restarts"] == 2


def test_check_mode_predicts_and_sends_nothing(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    predicted = does("started", check=True)
    assert store.writes == []
    real = does("started")
    assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])
    assert predicted["object"]["state"] == "stopped"


def test_what_is_not_there_cannot_be_moved(does: Does) -> None:
    with pytest.raises(errors.NotFound, match="name 'web'"):
        does("started")


def test_an_impossible_transition_says_what_it_needs(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    with pytest.raises(errors.ValidationFailed, match=r"is stopped .* must be running"):
        does("restarted")
    assert store.writes == []


@pytest.mark.parametrize(("fault", "sent"), [("lost_before", 2), ("lost_after", 1)])
def test_a_lost_answer_is_resolved_by_the_state(
    does: Does, store: tiny.Store, fault: str, sent: int
) -> None:
    store.add(name="web")
    store.fault("started", fault)
    assert does("started")["object"]["state"] == "running"
    assert store.writes == ["started"] * sent


@pytest.mark.parametrize(
    ("fault", "settles", "restarts"), [("lost_before", False, 1), ("lost_after", True, 1)]
)
def test_a_lost_restart_needs_proof_of_the_platform(
    does: Does, store: tiny.Store, fault: str, settles: bool, restarts: int
) -> None:
    store.add(name="web", state="running")
    store.fault("restarted", fault)
    assert does("restarted", settles=settles)["changed"]
    assert store.objects[0]["restarts"] == restarts


def test_a_lost_restart_without_proof_is_uncertain_and_not_repeated(
    does: Does, store: tiny.Store
) -> None:
    store.add(name="web", state="running")
    store.fault("restarted", "lost_after")
    with pytest.raises(errors.UncertainOutcome, match="box web: whether it was restarted"):
        does("restarted")
    assert store.objects[0]["restarts"] == 1


def test_two_lost_answers_are_uncertain(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "lost_before", times=2)
    with pytest.raises(errors.UncertainOutcome):
        does("started")
    assert store.writes == ["started", "started"]


def test_a_second_lost_answer_may_turn_out_applied(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "lost_before")
    store.fault("started", "lost_after")
    assert does("started")["changed"]


def test_reading_back_that_fails_is_uncertain(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "lost_after")
    store.fault("find", "")
    store.fault("find", "unavailable")
    with pytest.raises(errors.UncertainOutcome, match="Reading it back failed"):
        does("started")


def test_success_that_is_not_seen_is_a_failure(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "ignored")
    with pytest.raises(errors.OperationFailed, match="is stopped instead of running"):
        does("started")


def test_an_object_that_is_gone_afterwards_is_a_failure(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "gone")
    with pytest.raises(errors.OperationFailed, match="is gone now"):
        does("started")


def test_without_waiting_the_end_is_not_verified(does: Does, store: tiny.Store) -> None:
    store.add(name="web")
    store.fault("started", "ignored")
    assert does("started", wait=False)["changed"]
