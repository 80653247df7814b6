# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What goes over CloudStack's wire: parameters as text, answers out of their envelope. Pure.

Maps have three encodings, fixed for each command and parameter (the catalog says which):
``flat`` ``x[0].name=value``, ``kv`` ``x[i].key=…&x[i].value=…``, ``record`` ``x[i].field=…``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64


@dataclass(frozen=True)
class Flat:
    """A map of details: all names on index 0, since some getters read only the first record."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Pairs:
    """A map of names to values as ``key`` and ``value`` records, as tags are."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Records:
    """A list of records with fields of their own."""

    values: Sequence[Mapping[str, Any]]


def spelled(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters as text; None is left out, an empty text clears a field."""
    return dict(_texts(parameters))


def _texts(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, Flat):
            for key, each in value.values.items():
                yield f"{name}[0].{key}", _text(each)
        elif isinstance(value, Pairs):
            for index, (key, each) in enumerate(value.values.items()):
                yield f"{name}[{index}].key", str(key)
                yield f"{name}[{index}].value", _text(each)
        elif isinstance(value, Records):
            for index, record in enumerate(value.values):
                for key, each in record.items():
                    if each is not None:
                        yield f"{name}[{index}].{key}", _text(each)
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(each) for each in value)
    return str(value)


def parsed(content: bytes) -> dict[str, Any] | None:
    """Return the object of an answer, None when it is no JSON object."""
    try:
        value = json.loads(content)
        _limit_depth(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def inner(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what stands in the envelope ``<command>response``, None when there is none.

    A few commands name theirs otherwise; it is then the only thing in the answer.
    """
    for name, value in body.items():
        if isinstance(value, dict) and (len(body) == 1 or name.lower().endswith("response")):
            return value
    return None


def error_text(body: Mapping[str, Any] | None, reason: str) -> str:
    """Return the text of an error, which stands one level below the envelope."""
    found = inner(body or {}) or {}
    return str(found.get("errortext") or reason)


def items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a list, whatever their key is; an empty list is an empty object."""
    for name, value in answer.items():
        if name != "count" and isinstance(value, list):
            return [row for row in value if isinstance(row, dict)]
    return []


def the_object(answer: Any) -> dict[str, Any]:
    """Return the one object of a synchronous answer or of a job's result."""
    if not isinstance(answer, dict):
        return {}
    for value in answer.values():
        if isinstance(value, dict):
            return value
    return answer


def _limit_depth(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _limit_depth(each, depth + 1)
