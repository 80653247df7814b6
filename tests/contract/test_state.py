# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state module: create, rest, update each field, delete, and everything in the way."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.resource import Resource
from tests.contract.support.world import World, of_kind
from tools.declarations import Declared

ONCE = pytest.mark.parametrize("declared", of_kind("state"), ids=lambda each: each.name)


def fields() -> list[Any]:
    """Return each field that can be compared, with two values to go from and to."""
    return [
        pytest.param(declared, field, id=f"{declared.name}-{field.name}")
        for declared in of_kind("state")
        if isinstance(declared.declaration, Resource)
        for field in declared.declaration.compared
        if len(field.samples) > 1
    ]


FIELDS = pytest.mark.parametrize(("declared", "field"), fields())


def resource_of(declared: Declared) -> Resource:
    assert isinstance(declared.declaration, Resource)
    return declared.declaration


def rests(world: World, resource: Resource, args: dict[str, Any]) -> None:
    world.forget()
    again = world.run(resource, args)
    assert not again.failed, again.json
    assert not again.changed, again.diff
    assert again.diff == {"before": {}, "after": {}}
    assert world.writes() == []
    assert len(world.requests()) <= resource.request_budget


@ONCE
def test_create_rest_delete_rest(world: World, declared: Declared) -> None:
    resource = resource_of(declared)
    args = dict(world.new(resource))
    before = world.snapshot()
    created = world.run(resource, args)
    assert not created.failed, created.json
    assert created.changed
    assert created.diff["before"] == {"state": "absent"}
    assert created.object
    rests(world, resource, args)
    deleted = world.run(resource, {**args, "state": "absent"})
    assert deleted.changed
    assert world.snapshot() == before
    rests(world, resource, {**args, "state": "absent"})


@FIELDS
def test_each_field_is_updated_and_only_it(world: World, declared: Declared, field: Field) -> None:
    resource = resource_of(declared)
    base = {**world.new(resource), field.name: field.samples[0]}
    assert world.run(resource, base).changed
    options: dict[str, Any] = {**base, field.name: field.samples[1]}
    if field.immutable:
        refused = world.run(resource, options)
        assert refused.kind == "validation"
        assert list(refused.error["fields"]) == [field.name]
        options["allow_replace"] = True
    if field.write_only:
        rests(world, resource, options)
        options["update_secrets"] = "always"
    predicted = world.run(resource, options, check=True)
    changed = world.run(resource, options)
    assert not changed.failed, changed.json
    assert changed.changed
    assert (predicted.changed, predicted.diff) == (changed.changed, changed.diff)
    if not field.immutable:
        assert all(path.startswith(field.name) for path in changed.diff["after"])
    if field.secret:
        assert str(field.samples[1]) not in changed.stdout + changed.stderr
    if not field.write_only:
        rests(world, resource, options)


@ONCE
@pytest.mark.parametrize("state", ["present", "absent", "started", "stopped"])
def test_check_mode_writes_nothing_and_predicts(
    world: World, declared: Declared, state: str
) -> None:
    resource = resource_of(declared)
    if state not in resource.states:
        pytest.skip(f"{resource.name} has no state {state}")
    args: dict[str, Any] = dict(world.new(resource))
    if state == "absent":
        world.run(resource, args)
    before = world.snapshot()
    world.forget()
    predicted = world.run(resource, {**args, "state": state}, check=True)
    assert world.writes() == []
    assert world.snapshot() == before
    real = world.run(resource, {**args, "state": state})
    assert (predicted.changed, predicted.diff) == (real.changed, real.diff)


@ONCE
@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not-applied"])
def test_a_lost_answer_leaves_one_object(world: World, declared: Declared, applied: bool) -> None:
    resource = resource_of(declared)
    args = dict(world.new(resource))
    before = world.count()
    world.lose_answer(applied=applied)
    created = world.run(resource, args)
    assert not created.failed, created.json
    assert world.count() == before + 1
    world.lose_answer(applied=applied)
    deleted = world.run(resource, {**args, "state": "absent"})
    assert not deleted.failed, deleted.json
    assert world.count() == before


@ONCE
def test_a_failing_operation_is_loud_with_its_log(world: World, declared: Declared) -> None:
    resource = resource_of(declared)
    says = world.fail_operation()
    result = world.run(resource, world.failing(resource))
    assert result.failed
    assert result.kind == "operation_failed"
    assert any(says in line for line in result.error["log"])


@ONCE
@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_of_one_name_are_ambiguous_and_left_alone(
    world: World, declared: Declared, state: str
) -> None:
    resource = resource_of(declared)
    before = world.snapshot()
    twins = world.twins(resource)
    if twins is None:
        pytest.skip("names are unique on this platform")
    result = world.run(resource, {**twins, "state": state})
    assert result.kind == "ambiguous"
    assert world.snapshot() == before


@ONCE
def test_deleting_what_is_unknown_is_nothing_to_do(world: World, declared: Declared) -> None:
    resource = resource_of(declared)
    rests(world, resource, {**world.unknown(resource), "state": "absent"})
