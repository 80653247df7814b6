# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Check values that Ansible has typed already: ranges, patterns, text that cannot be sent. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .errors import ValidationFailed
from .field import Field
from .spec import sub_fields


def check_values(fields: Sequence[Field], values: Mapping[str, Any]) -> None:
    """Raise ValidationFailed naming every option that is wrong, never showing a secret."""
    wrong = dict(_walk(fields, values, ""))
    if wrong:
        raise ValidationFailed(
            "; ".join(f"{path}: {text}" for path, text in wrong.items()) + ". Nothing was sent.",
            fields=wrong,
        )


def check_exclusive(groups: Sequence[Sequence[str]], values: Mapping[str, Any]) -> None:
    """Raise ValidationFailed when two options of a group have a value.

    Ansible's own check counts options that are there without one, as those are that the action
    plugin closes against the module's environment.
    """
    for group in groups:
        given = [name for name in group if values.get(name) is not None]
        if len(given) > 1:
            raise ValidationFailed(
                f"{' and '.join(given)} exclude each other; give one of them. Nothing was sent.",
                fields=dict.fromkeys(given, "excludes the other"),
            )


def _walk(
    fields: Sequence[Field], values: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    for field in fields:
        value = values.get(field.name)
        if value is None:
            continue
        path = f"{prefix}{field.name}"
        if field.type_name == "list":
            for number, entry in enumerate(value):
                yield from _one(field, entry, f"{path}[{number}]")
            yield from _repeated(field, value, path)
        else:
            yield from _one(field, value, path)


def _one(field: Field, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if field.fields and isinstance(value, Mapping):
        yield from _walk(sub_fields(field), value, f"{path}.")
        return
    unsendable = next(_unsendable(value), None)
    if unsendable:
        yield path, unsendable
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _out_of_range(field, value, path)
    if field.pattern and isinstance(value, str) and not re.fullmatch(field.pattern, value):
        shown = "the value" if field.secret else repr(value)
        yield path, f"{shown} does not match {field.pattern}"


def _out_of_range(field: Field, value: float, path: str) -> Iterator[tuple[str, str]]:
    unit = f" {field.unit}" if field.unit else ""
    if field.min is not None and value < field.min:
        yield path, f"{value} is below the least allowed, {field.min}{unit}"
    if field.max is not None and value > field.max:
        yield path, f"{value} is above the most allowed, {field.max}{unit}"


def _unsendable(value: Any) -> Iterator[str]:
    """Say why JSON over UTF-8 cannot carry the value, wherever inside it that is."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            yield f"holds half of a surrogate pair at character {error.start}; send whole text"
    elif isinstance(value, float) and not math.isfinite(value):
        yield "is not a finite number"
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _unsendable(key)
            yield from _unsendable(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _unsendable(entry)


def _repeated(field: Field, entries: Sequence[Any], path: str) -> Iterator[tuple[str, str]]:
    if not field.key:
        return
    seen: list[Any] = []
    for entry in entries:
        key = entry.get(field.key) if isinstance(entry, Mapping) else None
        if key in seen:
            yield path, f"names {field.key} {key!r} twice"
        seen.append(key)
