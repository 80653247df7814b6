# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the bridge can call, read from the table that the collection's generator writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from .redact import decoded

TABLE = Path(__file__).parent / "_generated" / "modules.json"
COLLECTION = "virtbridge.core"


class Catalog:
    """The modules by name. What is not in it cannot be called."""

    def __init__(self, path: Path = TABLE) -> None:
        self._path = path

    @cached_property
    def modules(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the table's part of each module, by the module's short name."""
        table = json.loads(self._path.read_text(encoding="utf-8"))
        entries: Mapping[str, Mapping[str, Any]] = table["modules"]
        return entries

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Return the paths of all arguments of modules that are secret."""
        return frozenset(
            path for entry in self.modules.values() for path in entry.get("secrets", ())
        )

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """Return one module's part of the table, None when there is none of that name."""
        return self.modules.get(name)


def full_name(module: str) -> str:
    """Return the name by which a play calls a module of the collection."""
    return f"{COLLECTION}.{module}"


def short_name(module: str) -> str:
    """Return the name by which the catalog has a module of the collection."""
    return module.removeprefix(f"{COLLECTION}.")


def secrets_of(facts: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts that stand where a table says secrets do, and what these encode.

    A path goes from name to name; what follows ``**`` is a name at any depth.
    """
    found: list[str] = []
    for path in facts.get("secrets", ()):
        start, _deep, name = path.partition(".**.")
        at = [arguments] if not start else list(_at(arguments, start.split(".")))
        under = [part for each in at for part in _named(each, name)] if name else at
        found += [text for each in under for text in _texts(each)]
    return tuple(dict.fromkeys(found + [plain for text in found for plain in decoded(text)]))


def _at(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _at(each, steps)
    elif not steps:
        yield value
    elif isinstance(value, Mapping) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:])


def _named(value: Any, name: str) -> Iterator[Any]:
    """Yield what stands under a name, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from _named(each, name)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key == name:
                yield part
            else:
                yield from _named(part, name)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, (list, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)
    elif value not in (None, ""):
        yield str(value)
