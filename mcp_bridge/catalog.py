# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the bridge can call, read from the table that the collection's generator writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

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
    """Return the texts that stand where a table says secrets do, however deep."""
    found: list[str] = []
    for path in facts.get("secrets", ()):
        found += _texts_at(arguments, path.split("."))
    return tuple(found)


def _texts_at(value: Any, steps: Sequence[str]) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts_at(each, steps)]
    if not steps:
        return [str(value)] if value not in (None, "") else []
    return _texts_at(value.get(steps[0]), steps[1:]) if isinstance(value, Mapping) else []
