# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module of guests: what ``existing`` allows to be created and to be changed."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.resource import Resource
from tests.contract.support.world import World, of_kind
from tools.declarations import Declared

GUESTS = [
    each
    for each in of_kind("state")
    if isinstance(each.declaration, Resource) and "started" in each.declaration.states
]
ONCE = pytest.mark.parametrize("declared", GUESTS, ids=lambda each: each.name)


@ONCE
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_required_never_creates(world: World, declared: Declared, check: bool) -> None:
    args = {**world.new(declared.declaration), "existing": "required"}
    before = world.snapshot()
    refused = world.run(declared.declaration, args, check=check)
    assert refused.kind == "not_found"
    assert world.writes() == []
    assert world.snapshot() == before
    absent = world.run(declared.declaration, {**args, "state": "absent"}, check=check)
    assert not absent.failed
    assert not absent.changed


@ONCE
def test_required_changes_what_is_there(world: World, declared: Declared) -> None:
    args: dict[str, Any] = dict(world.new(declared.declaration))
    assert world.run(declared.declaration, args).changed
    started = {**args, "existing": "required", "state": "started"}
    assert world.run(declared.declaration, started).changed


@ONCE
def test_forbidden_creates_and_then_changes_nothing(world: World, declared: Declared) -> None:
    args = {**world.new(declared.declaration), "existing": "forbidden"}
    created = world.run(declared.declaration, args)
    assert created.changed, created.json
    again = world.run(declared.declaration, args)
    assert not again.failed, again.json
    assert not again.changed
    before = world.snapshot()
    world.forget()
    refused = world.run(declared.declaration, {**args, "state": "started"})
    assert refused.kind == "conflict"
    assert refused.error["retryable"] is False
    assert set(refused.error["fields"]) == {"state"}
    assert refused.json["diff"]["after"] == {"state": "running"}
    assert world.writes() == []
    assert world.snapshot() == before


@ONCE
def test_forbidden_survives_the_lost_answer_of_its_own_creation(
    world: World, declared: Declared
) -> None:
    args = {**world.new(declared.declaration), "existing": "forbidden", "state": "started"}
    before = world.count()
    world.lose_answer(applied=True)
    created = world.run(declared.declaration, args)
    assert not created.failed, created.json
    assert world.count() == before + 1
