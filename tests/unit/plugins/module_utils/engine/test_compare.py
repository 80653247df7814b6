# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparisons: what counts as the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.engine.compare import (
    as_int,
    as_lines,
    as_set,
    as_text,
    missing,
    same,
    subset,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("compare", "desired", "actual", "equal"),
    [
        (same, 1, 1, True),
        (same, True, 1, False),
        (same, 0, False, False),
        (as_int, 2, "2", True),
        (as_int, 2.0, 2, True),
        (as_int, 2.5, 2, False),
        (as_int, True, 1, False),
        (as_int, "2G", "2G", True),
        (as_int, 2, None, False),
        (as_text, "a", "a\n", True),
        (as_text, "a\nb", "a\r\nb\r\n", True),
        (as_text, "a", "b", False),
        (as_text, "", None, False),
        (as_lines, "a \nb", "a\nb\n\n", True),
        (as_lines, "a\n\nb", "a\nb", False),
        (as_lines, "a", None, False),
        (as_set, ["a", "b"], ["b", "a", "a"], True),
        (as_set, [], None, True),
        (as_set, [{"x": 1}], [{"x": 2}], False),
        (as_set, [1], [True], False),
        (subset, {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}, True),
        (subset, {"a": 1}, {}, False),
        (subset, {"a": 1}, None, False),
    ],
)
def test_comparison(
    compare: Callable[[Any, Any], bool], desired: Any, actual: Any, equal: bool
) -> None:
    assert compare(desired, actual) is equal


@pytest.mark.parametrize("compare", [same, as_int, as_text, as_lines, subset])
@given(value=VALUES)
def test_a_value_is_itself(compare: Callable[[Any, Any], bool], value: Any) -> None:
    assert compare(value, value)


@given(st.lists(VALUES, max_size=5), st.randoms(use_true_random=False))
def test_a_set_has_no_order(values: list[Any], random: Any) -> None:
    shuffled = [*values, *values[:1]]
    random.shuffle(shuffled)
    assert as_set(values, shuffled)


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5))
def test_adding_what_is_missing_leaves_nothing_missing(left: list[Any], right: list[Any]) -> None:
    assert missing(left, [*right, *missing(left, right)]) == []
