# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""State that can be taken back: every way of changing it is undone by a failed transaction."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from virtsim.core.state import Dict, List, Record, plain, transaction


@dataclass
class Box(Record):
    """A record with something mutable inside."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)


def _state() -> Any:
    return Dict(d={"a": 1, "b": {"c": [1, 2]}}, l=[3, 1, {"x": 1}], box=Box("one", {"k": [1]}))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "set new": lambda s: s["d"].__setitem__("z", {"deep": 1}),
    "set old": lambda s: s["d"].__setitem__("a", 9),
    "set deep": lambda s: s["d"]["b"]["c"].append(9),
    "set in new": lambda s: (s.__setitem__("n", {}), s["n"].__setitem__("m", 1)),
    "delete": lambda s: s["d"].__delitem__("a"),
    "pop": lambda s: s["d"].pop("a"),
    "popitem": lambda s: s["d"].popitem(),
    "clear": lambda s: s["d"].clear(),
    "update": lambda s: s["d"].update({"a": 2, "q": 3}),
    "or": lambda s: s["d"].__ior__({"a": 2}),
    "setdefault": lambda s: s["d"].setdefault("q", []).append(1),
    "append": lambda s: s["l"].append({"y": 1}),
    "extend": lambda s: s["l"].extend([7, 8]),
    "add": lambda s: s["l"].__iadd__([7]),
    "item": lambda s: s["l"].__setitem__(0, 5),
    "slice": lambda s: s["l"].__setitem__(slice(0, 2), [5]),
    "del item": lambda s: s["l"].__delitem__(0),
    "insert": lambda s: s["l"].insert(0, 5),
    "pop item": lambda s: s["l"].pop(),
    "remove": lambda s: s["l"].remove(3),
    "clear list": lambda s: s["l"].clear(),
    "reverse": lambda s: s["l"].reverse(),
    "inner": lambda s: s["l"][2].__setitem__("x", 2),
    "attribute": lambda s: setattr(s["box"], "name", "two"),
    "new attribute": lambda s: setattr(s["box"], "extra", 1),
    "inside record": lambda s: s["box"].config["k"].append(2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_kept_by_a_transaction_and_undone_by_a_failed_one(
    change: Callable[[Any], Any],
) -> None:
    state = _state()
    before = json.dumps(plain(state))
    with pytest.raises(ZeroDivisionError), transaction() as running:
        change(state)
        assert running.changed
        raise ZeroDivisionError
    assert json.dumps(plain(state)) == before
    with transaction():
        change(state)
    assert json.dumps(plain(state)) != before


def test_an_inner_transaction_is_undone_with_the_outer_one() -> None:
    state = _state()
    with pytest.raises(ZeroDivisionError), transaction():
        with transaction():
            state["d"]["a"] = 2
        raise ZeroDivisionError
    assert state["d"]["a"] == 1


def test_an_inner_failure_leaves_the_outer_changes() -> None:
    state = _state()
    with transaction():
        state["d"]["a"] = 2
        with pytest.raises(ZeroDivisionError), transaction():
            state["d"]["a"] = 3
            raise ZeroDivisionError
    assert state["d"]["a"] == 2


def test_sorting_is_undone() -> None:
    numbers = List([3, 1, 2])
    with pytest.raises(ZeroDivisionError), transaction():
        numbers.sort()
        raise ZeroDivisionError
    assert numbers == [3, 1, 2]


def test_tracked_values_are_json_equal_and_copyable() -> None:
    values: Dict[str, object] = Dict(a=[1, {"b": 2}])
    assert json.loads(json.dumps(values)) == values == copy.deepcopy(values)


def test_reading_makes_no_change() -> None:
    state = _state()
    with transaction() as running:
        assert state["d"].get("a") == 1
        assert sorted(state["box"].config) == ["k"]
        assert not running.changed
