# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action module, each of its transitions."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.resource import Action, Transition
from tests.contract.support.world import World, of_kind
from tools.declarations import Declared


def transitions() -> list[Any]:
    found = []
    for declared in of_kind("action"):
        action = declared.declaration
        assert isinstance(action, Action)
        found += [
            pytest.param(declared, each, id=f"{declared.name}-{each.name}")
            for each in action.transitions
        ]
    return found


def possible(world: World, declared: Declared, transition: Transition) -> dict[str, Any]:
    """Return the options of a run that has something to do."""
    for state, identity in world.in_state(declared.declaration).items():
        allowed = not transition.needs or state in transition.needs
        if allowed and state not in transition.satisfied_by:
            return {"state": transition.name, **identity}
    raise AssertionError(f"no seeded object can be {transition.name}")


EACH = pytest.mark.parametrize(("declared", "transition"), transitions())
ONCE = pytest.mark.parametrize("declared", of_kind("action"), ids=lambda each: each.name)


@EACH
def test_it_reaches_the_state_and_then_rests(
    world: World, declared: Declared, transition: Transition
) -> None:
    args = possible(world, declared, transition)
    first = world.run(declared.declaration, args)
    assert not first.failed, first.json
    assert first.changed
    assert first.object["state"] == transition.result
    assert first.diff["before"] != first.diff["after"]
    assert first.json["operations"]
    world.forget()
    if not transition.satisfied_by:
        return
    second = world.run(declared.declaration, args)
    assert not second.changed
    assert second.diff == {"before": {}, "after": {}}
    assert world.writes() == []
    assert len(world.requests()) <= declared.declaration.request_budget  # type: ignore[attr-defined]


@EACH
def test_check_mode_writes_nothing_and_predicts(
    world: World, declared: Declared, transition: Transition
) -> None:
    args = possible(world, declared, transition)
    before = world.snapshot()
    world.forget()
    predicted = world.run(declared.declaration, args, check=True)
    assert world.writes() == []
    assert world.snapshot() == before
    real = world.run(declared.declaration, args)
    assert (predicted.changed, predicted.diff) == (real.changed, real.diff)


@EACH
@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not-applied"])
def test_a_lost_answer_ends_in_the_state_and_is_never_sent_blindly(
    world: World, declared: Declared, transition: Transition, applied: bool
) -> None:
    args = possible(world, declared, transition)
    world.forget()
    world.lose_answer(applied=applied)
    result = world.run(declared.declaration, args)
    if result.failed:
        assert result.kind == "uncertain"
        assert len(world.writes()) == 1
    else:
        assert result.changed
        assert result.object["state"] == transition.result
        assert len(world.writes()) == (1 if applied else 2)


@ONCE
def test_a_failing_operation_is_loud_with_its_log(world: World, declared: Declared) -> None:
    action = declared.declaration
    assert isinstance(action, Action)
    says = world.fail_operation()
    result = world.run(action, possible(world, declared, action.transitions[0]))
    assert result.failed
    assert result.kind == "operation_failed"
    assert any(says in line for line in result.error["log"])


@ONCE
def test_an_unknown_name_is_not_found(world: World, declared: Declared) -> None:
    action = declared.declaration
    assert isinstance(action, Action)
    args = {"state": action.transitions[0].name, **world.unknown(action)}
    for check in (True, False):
        assert world.run(action, args, check=check).kind == "not_found"
    assert world.writes() == []


@ONCE
def test_two_of_one_name_are_ambiguous_and_left_alone(world: World, declared: Declared) -> None:
    action = declared.declaration
    assert isinstance(action, Action)
    before = world.snapshot()
    twins = world.twins(action)
    if twins is None:
        pytest.skip("names are unique on this platform")
    args = {"state": action.transitions[0].name, **twins}
    result = world.run(action, args)
    assert result.kind == "ambiguous"
    assert "2 objects" in result.json["msg"]
    assert world.snapshot() == before


@EACH
def test_what_a_transition_does_not_start_from_is_refused(
    world: World, declared: Declared, transition: Transition
) -> None:
    for state, identity in world.in_state(declared.declaration).items():
        if not transition.needs or state in transition.needs | transition.satisfied_by:
            continue
        before = world.snapshot()
        result = world.run(declared.declaration, {"state": transition.name, **identity})
        assert result.kind == "validation"
        assert list(result.error["fields"]) == ["state"]
        assert world.snapshot() == before
