# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that writes: stopped while it waits for the answer to a write."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.resource import Action, Api, Resource
from tests.contract.support.world import World, everything
from tools.declarations import Declared

WRITERS = [each for each in everything() if each.declaration.writes]


def arguments(declared: Declared, world: World) -> dict[str, Any]:
    """Return options with which the module sends a write."""
    declaration = declared.declaration
    if isinstance(declaration, Action):
        return {"state": "stopped", **world.in_state(declaration)["running"]}
    if isinstance(declaration, Api):
        return dict(world.call(declaration, writes=True))
    assert isinstance(declaration, Resource)
    return dict(world.new(declaration))


@pytest.mark.parametrize("declared", WRITERS, ids=lambda each: each.name)
def test_a_write_without_an_answer_yet_is_not_called_nothing(
    world: World, declared: Declared
) -> None:
    world.hang_write()
    world.forget()
    args = arguments(declared, world)
    result = world.run(declared.declaration, args, interrupt=lambda: bool(world.writes()))
    assert result.kind == "cancelled", result.json
    assert result.changed
    assert len(result.json["operations"]) == 1
    call = result.json["operations"][0]["call"]
    assert "may still be applied" in result.json["msg"]
    assert call in result.json["msg"]
