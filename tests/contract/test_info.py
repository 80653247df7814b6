# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every info module: reads only, counts right, an empty answer is a success."""

from __future__ import annotations

import pytest

from tests.contract.support.world import World, of_kind
from tools.declarations import Declared

pytestmark = pytest.mark.parametrize("declared", of_kind("info"), ids=lambda each: each.name)


def test_it_lists_all_and_writes_nothing(declared: Declared, world: World) -> None:
    before = world.snapshot()
    world.forget()
    result = world.run(declared.declaration, {"limit": 0})
    assert not result.changed
    assert result.json["objects"]
    assert result.json["total"] == len(result.json["objects"])
    assert not result.json["truncated"]
    assert world.writes() == []
    assert world.snapshot() == before


def test_check_mode_answers_the_same(declared: Declared, world: World) -> None:
    real = world.run(declared.declaration, {})
    check = world.run(declared.declaration, {}, check=True)
    for name in ("changed", "total", "truncated"):
        assert check.json[name] == real.json[name]
    assert len(check.json["objects"]) == len(real.json["objects"])


def test_a_limit_cuts_and_says_so(declared: Declared, world: World) -> None:
    everything = world.run(declared.declaration, {"limit": 0}).json
    result = world.run(declared.declaration, {"limit": 1})
    assert len(result.json["objects"]) == 1
    assert result.json["total"] == everything["total"]
    assert result.json["truncated"]


def test_an_unknown_name_is_an_empty_list(declared: Declared, world: World) -> None:
    result = world.run(declared.declaration, world.unknown(declared.declaration))
    assert not result.failed
    assert (result.json["objects"], result.json["total"]) == ([], 0)


def test_two_of_one_name_are_both_listed(declared: Declared, world: World) -> None:
    result = world.run(declared.declaration, world.twins(declared.declaration) or {})
    assert result.json["total"] == 2


def test_a_negative_limit_is_refused(declared: Declared, world: World) -> None:
    result = world.run(declared.declaration, {"limit": -1})
    assert result.kind == "validation"
    assert list(result.error["fields"]) == ["limit"]
