# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every raw module: reads are reads, writes are sent once and waited for, check mode is silent."""

from __future__ import annotations

import pytest

from tests.contract.support.world import World, of_kind
from tools.declarations import Declared

pytestmark = pytest.mark.parametrize("declared", of_kind("api"), ids=lambda each: each.name)


@pytest.mark.parametrize("check", [False, True])
def test_a_read_answers_and_changes_nothing(declared: Declared, world: World, check: bool) -> None:
    world.forget()
    declaration = declared.declaration
    result = world.run(declaration, world.call(declaration, writes=False), check=check)
    assert not result.failed
    assert not result.changed
    assert result.json["result"] is not None
    assert result.json["operations"] == []
    assert world.writes() == []


def test_a_write_is_sent_once_and_reported(declared: Declared, world: World) -> None:
    world.forget()
    result = world.run(declared.declaration, world.call(declared.declaration, writes=True))
    assert result.changed
    assert len(world.writes()) == len(result.json["operations"]) == 1


def test_check_mode_sends_no_write(declared: Declared, world: World) -> None:
    before = world.snapshot()
    world.forget()
    args = world.call(declared.declaration, writes=True)
    result = world.run(declared.declaration, args, check=True)
    assert result.changed
    assert result.json["result"] is None
    assert world.writes() == []
    assert world.snapshot() == before


def test_a_failing_operation_is_loud(declared: Declared, world: World) -> None:
    expected = world.fail_operation()
    result = world.run(declared.declaration, world.call(declared.declaration, writes=True))
    assert result.failed
    assert expected in result.json["msg"] + " ".join(result.error["log"])


def test_a_lost_answer_is_uncertain_and_not_sent_again(declared: Declared, world: World) -> None:
    world.lose_answer(applied=True)
    world.forget()
    result = world.run(declared.declaration, world.call(declared.declaration, writes=True))
    assert result.kind == "uncertain"
    assert len(world.writes()) == 1
