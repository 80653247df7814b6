# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module promises, whatever it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.engine.resource import Action, Api, Query
from tests.contract.support.world import World, everything, has_adapter
from tools.declarations import Declared, load

ALL = everything()
ROOT = Path(__file__).resolve().parents[2]


def arguments(declared: Declared, world: World) -> dict[str, Any]:
    """Return options with which the module would change something, or read."""
    declaration = declared.declaration
    if isinstance(declaration, Action):
        transition = declaration.transitions[0]
        return {"state": transition.name, **world.in_state(declaration)["running"]}
    if isinstance(declaration, Query):
        return {}
    if isinstance(declaration, Api):
        return dict(world.call(declaration, writes=True))
    return dict(world.new(declaration))  # type: ignore[arg-type]  # the last kind


@pytest.mark.parametrize("declared", load(), ids=lambda each: each.name)
def test_every_module_has_its_adapter_page_and_action_plugin(declared: Declared) -> None:
    assert declared.is_facade or has_adapter(declared.platform)
    for path in ("plugins/modules/{}.py", "plugins/action/{}.py", "docs/modules/{}.md"):
        assert (ROOT / path.format(declared.name)).is_file()


@pytest.mark.parametrize("declared", ALL, ids=lambda each: each.name)
def test_wrong_credentials_are_an_auth_error_without_the_secret(
    declared: Declared, world: World
) -> None:
    before = world.snapshot()
    args = {**arguments(declared, world), **world.wrong_credentials}
    result = world.run(declared.declaration, args)
    assert result.failed
    assert result.kind == "auth"
    assert not result.changed
    for secret in world.wrong_credentials.values():
        assert secret not in result.stdout + result.stderr
    assert world.snapshot() == before


@pytest.mark.parametrize(
    "declared",
    [each for each in ALL if each.platform != "tiny"],
    ids=lambda each: each.name,
)
def test_an_endpoint_where_nothing_listens_is_unavailable(declared: Declared, world: World) -> None:
    result = world.run(declared.declaration, {**arguments(declared, world), **world.unreachable})
    assert result.kind == "unavailable"
    assert result.error["retryable"]


@pytest.mark.parametrize("declared", ALL, ids=lambda each: each.name)
def test_an_unknown_option_is_refused_before_anything_is_sent(
    declared: Declared, world: World
) -> None:
    option = declared.declaration.fields[0].name
    wrong = option[:-1] + "_" + option[-1]
    args = {**arguments(declared, world), wrong: "x"}
    world.forget()
    result = world.run(declared.declaration, args)
    assert result.kind == "validation"
    assert f"did you mean {option}?" in result.json["msg"]
    assert world.requests() == []


@pytest.mark.parametrize("declared", ALL, ids=lambda each: each.name)
def test_an_unresolved_target_is_refused(declared: Declared, world: World) -> None:
    world.forget()
    result = world.run(declared.declaration, {**arguments(declared, world), "target": "lab"})
    assert result.kind == "validation"
    assert "'lab'" in result.json["msg"]
    assert world.requests() == []
