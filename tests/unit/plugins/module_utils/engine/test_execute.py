# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciling a resource on the small platform: writes, lost answers, verification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugins.module_utils.engine import errors
from plugins.module_utils.engine.execute import reconcile
from plugins.module_utils.engine.resource import Access, Wait
from tests.unit.plugins.module_utils.engine import tiny

Does = Callable[..., dict[str, Any]]


@pytest.fixture
def does(store: tiny.Store) -> Does:
    def reconcile_box(check: bool = False, wait: bool = True, **desired: Any) -> dict[str, Any]:
        access = Access(check, lambda _text: None, lambda _text: None, lambda _operation: None)
        desired = {"name": "web", **desired}
        operations = tiny.BoxOperations(tiny.Client(store, access), desired, Wait())
        return reconcile(tiny.BOX, operations, desired, check=check, wait=wait)

    return reconcile_box


def test_create_update_delete_and_each_of_them_again(does: Does, store: tiny.Store) -> None:
    assert does(cpus=2)["object"]["cpus"] == 2
    assert not does(cpus=2)["changed"]
    assert does(cpus=4)["object"]["cpus"] == 4
    assert does(state="absent")["changed"]
    assert "object" not in does(state="absent")
    assert store.writes == ["create", "update", "delete"]


def test_an_unchanged_object_costs_one_request(does: Does, store: tiny.Store) -> None:
    store.add(name="web", cpus=2)
    does(cpus=2)
    assert store.journal == ["find"]


@pytest.mark.parametrize(
    "desired",
    [
        {"cpus": 4},
        {"state": "absent"},
        {"state": "started"},
        {"zone": "b", "allow_replace": True},
        {"name": "new", "cpus": 4, "state": "started"},
        {"memory": 9, "state": "started"},
    ],
)
def test_check_mode_writes_nothing_and_predicts(
    does: Does, store: tiny.Store, desired: dict[str, Any]
) -> None:
    store.add(name="web", cpus=2, zone="a")
    predicted = does(check=True, **desired)
    assert store.writes == []
    real = does(**desired)
    assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])


def test_power_is_touched_only_when_asked(does: Does, store: tiny.Store) -> None:
    does(cpus=1)
    does(cpus=2)
    assert store.objects[0]["state"] == "stopped"
    does(state="started", cpus=3)
    assert store.objects[0]["state"] == "running"
    assert store.writes == ["create", "update", "update", "power running"]
    does(state="stopped")
    assert store.writes[-1] == "power stopped"


def test_a_pending_change_is_reported_and_not_changed_again(does: Does, store: tiny.Store) -> None:
    store.add(name="web", state="running", memory=1)
    first, second = does(memory=2), does(memory=2)
    assert (first["changed"], second["changed"]) == (True, False)
    for result in (first, second):
        assert result["pending"] == {"memory": 2}
        assert result["restart_required"]


def test_restart_if_needed_applies_what_is_pending(does: Does, store: tiny.Store) -> None:
    store.add(name="web", state="running", memory=1)
    result = does(memory=2, restart="if_needed")
    assert (result["pending"], result["restart_required"]) == ({}, False)
    assert store.objects[0]["state"] == "running"
    assert store.writes == ["update", "power stopped", "power running"]
    assert not does(memory=2, restart="if_needed")["changed"]


def test_replacing_deletes_creates_and_starts_again(does: Does, store: tiny.Store) -> None:
    store.add(name="web", state="running", zone="a")
    does(zone="b", allow_replace=True)
    assert store.writes == ["delete", "create", "power running"]
    assert store.objects == [{"name": "web", "zone": "b", "state": "running"}]


@pytest.mark.parametrize("call", ["delete", "create", "power running"])
@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
def test_a_replaced_guest_runs_again_after_a_lost_answer(
    does: Does, store: tiny.Store, call: str, fault: str
) -> None:
    store.add(name="web", state="running", zone="a")
    store.fault(call, fault)
    does(zone="b", allow_replace=True)
    assert store.objects == [{"name": "web", "zone": "b", "state": "running"}]


def test_two_objects_of_one_name_are_named_and_left_alone(does: Does, store: tiny.Store) -> None:
    for _ in range(7):
        store.add(name="web")
    with pytest.raises(errors.Ambiguous, match=r"7 objects match name 'web': box web.* 2 more"):
        does(state="absent")
    assert len(store.objects) == 7


def test_without_waiting_nothing_is_verified(does: Does, store: tiny.Store) -> None:
    store.fault("create", "ignored")
    result = does(wait=False)
    assert result["changed"]
    assert "object" not in result


@pytest.mark.parametrize(
    ("call", "desired", "names"),
    [
        ("create", {"name": "new"}, {"state": "is absent"}),
        ("delete", {"state": "absent"}, {"state": "is still present"}),
        ("update", {"cpus": 4}, {"cpus": "is 2 instead of 4"}),
        ("update", {"agent_password": "s" * 9}, {"agent_password": "differs"}),
        ("power running", {"state": "started"}, {"state": "is stopped instead of running"}),
    ],
)
def test_success_that_is_not_seen_is_an_inconsistency_by_field(
    does: Does, store: tiny.Store, call: str, desired: dict[str, Any], names: dict[str, str]
) -> None:
    store.add(name="web", cpus=2)
    store.fault(call, "ignored")
    with pytest.raises(errors.InternalError, match="inconsistent") as found:
        does(**desired)
    assert found.value.fields == names


CASES = [
    ("create", {"name": "new", "cpus": 4}),
    ("create", {"name": "new", "state": "started"}),
    ("power running", {"name": "new", "state": "started"}),
    ("update", {"cpus": 4}),
    ("delete", {"state": "absent"}),
    ("power running", {"state": "started"}),
    ("delete", {"zone": "b", "allow_replace": True}),
    ("create", {"zone": "b", "allow_replace": True}),
]


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
@pytest.mark.parametrize(("call", "desired"), CASES)
def test_a_lost_answer_is_resolved_by_reading(
    does: Does, store: tiny.Store, call: str, desired: dict[str, Any], fault: str
) -> None:
    store.add(name="web", cpus=2, zone="a")
    store.fault(call, fault)
    assert does(**desired)["changed"]
    assert not does(**desired)["changed"]
    assert store.writes.count(call) == (2 if fault == "lost_before" else 1)
    assert len([one for one in store.objects if one["name"] == "new"]) <= 1


@pytest.mark.parametrize("call", ["update", "power stopped", "power running"])
@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
def test_a_guest_is_running_after_a_restart_whose_answer_was_lost(
    does: Does, store: tiny.Store, call: str, fault: str
) -> None:
    store.add(name="web", state="running", memory=1)
    store.fault(call, fault)
    result = does(memory=2, restart="if_needed")
    assert store.objects[0]["state"] == "running"
    assert result["pending"] == {}


@pytest.mark.parametrize(("call", "desired"), CASES)
def test_two_lost_writes_are_uncertain_and_name_the_object(
    does: Does, store: tiny.Store, call: str, desired: dict[str, Any]
) -> None:
    store.add(name="web", cpus=2, zone="a")
    store.fault(call, "lost_before", times=2)
    with pytest.raises(errors.UncertainOutcome, match=r"box|tiny_box name 'new'") as found:
        does(**desired)
    assert "unknown" in found.value.message
    assert store.writes.count(call) == 2


def test_a_second_lost_write_that_was_applied_is_a_success(does: Does, store: tiny.Store) -> None:
    store.add(name="web", cpus=2)
    store.fault("update", "lost_before")
    store.fault("update", "lost_after")
    assert does(cpus=4)["object"]["cpus"] == 4


def test_a_lost_secret_cannot_be_proven_and_is_not_sent_twice(
    does: Does, store: tiny.Store
) -> None:
    store.add(name="web", cpus=2)
    store.fault("update", "lost_after")
    secret = {"password_of_guest": "new-secret-1", "update_secrets": "always"}
    with pytest.raises(errors.UncertainOutcome, match="secret, which cannot be read back"):
        does(**secret)
    assert store.writes == ["update"]
    store.fault("update", "lost_after")
    assert does(**secret, settles=True)["changed"]


def test_reading_back_that_fails_leaves_the_outcome_unknown(does: Does, store: tiny.Store) -> None:
    store.add(name="web", cpus=2)
    store.fault("update", "lost_after")
    store.fault("find", "")
    store.fault("find", "unavailable")
    with pytest.raises(errors.UncertainOutcome, match="Reading it back failed: find could not"):
        does(cpus=4)


def test_a_failing_write_is_reported_as_it_came(does: Does, store: tiny.Store) -> None:
    store.fault("create", "failed")
    with pytest.raises(errors.OperationFailed) as found:
        does()
    assert found.value.log[0] == "line 1"
