# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Ways to say that the platform's value already is what the user asked. All pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Comparison = Callable[[Any, Any], bool]
"""``equal(desired, actual)``: whether the platform's value already says what the user asked."""


def same(desired: Any, actual: Any) -> bool:
    """Compare by equality; a boolean never equals a number."""
    if isinstance(desired, bool) is not isinstance(actual, bool):
        return False
    return bool(desired == actual)


def as_int(desired: Any, actual: Any) -> bool:
    """Compare as whole numbers: ``2``, ``"2"`` and ``2.0`` are the same; text falls back."""
    left, right = _whole(desired), _whole(actual)
    if left is None or right is None:
        return same(desired, actual)
    return left == right


def as_text(desired: Any, actual: Any) -> bool:
    """Compare as text, blind to the newlines at the end that platforms add or drop."""
    if desired is None or actual is None:
        return desired is actual
    return _unix(desired).rstrip("\n") == _unix(actual).rstrip("\n")


def as_lines(desired: Any, actual: Any) -> bool:
    """Compare as lines of text, blind to space at their ends and to empty last lines."""
    if desired is None or actual is None:
        return desired is actual
    return _lines(desired) == _lines(actual)


def as_set(desired: Any, actual: Any) -> bool:
    """Compare lists blind to order and repetition. Such a list merges unless ``exact``."""
    left, right = desired or (), actual or ()
    return not missing(left, right) and not missing(right, left)


def subset(desired: Any, actual: Any) -> bool:
    """Compare only the keys that ``desired`` has. Such a mapping merges unless ``exact``."""
    if not isinstance(desired, Mapping) or not isinstance(actual, Mapping):
        return same(desired, actual)
    return all(key in actual and subset(desired[key], actual[key]) for key in desired)


def missing(desired: Sequence[Any], actual: Sequence[Any]) -> list[Any]:
    """Return what ``desired`` has and ``actual`` lacks, each once, in the order of ``desired``."""
    lacking: list[Any] = []
    for value in desired:
        if not _holds(actual, value) and not _holds(lacking, value):
            lacking.append(value)
    return lacking


def _holds(values: Sequence[Any], wanted: Any) -> bool:
    return any(same(wanted, value) for value in values)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _unix(value: Any) -> str:
    return str(value).replace("\r\n", "\n")


def _lines(value: Any) -> list[str]:
    lines = [line.rstrip() for line in _unix(value).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
