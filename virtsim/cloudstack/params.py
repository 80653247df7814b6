# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters as the server reads them: by lower-case name, typed, looked up, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .catalog import Command
from .errors import PARAMETER, ApiError, invalid
from .model import TABLES, Cloud

COMMON = frozenset(
    {
        "command",
        "apikey",
        "signature",
        "signatureversion",
        "expires",
        "response",
        "sessionkey",
        "customjobid",
    }
)
_INDEXED = re.compile(r"([a-z0-9]+)\[(\d+)\]\.(.+)", re.IGNORECASE)
_LONGEST = 255


def decode(command: Command, given: Mapping[str, str], cloud: Cloud) -> dict[str, Any]:
    """Return the typed parameters that the command knows; the server ignores all others."""
    plain = {name.lower(): value for name, value in given.items() if "[" not in name}
    found: dict[str, Any] = {}
    for name, facts in command.params.items():
        if facts["type"] == "map":
            value: Any = _map(name, facts, given)
        elif name in plain and plain[name] != "":
            value = _typed(command, name, facts, plain[name], cloud)
        else:
            # An empty text is kept where it clears a field; it satisfies no requirement.
            value = "" if name in plain and facts["type"] == "string" else None
        if facts.get("required") and value in (None, "", [], {}):
            text = f"Unable to execute API command {command.name.lower()} due to missing parameter"
            raise ApiError(PARAMETER, f"{text} {name}", 9999)
        if value is not None:
            found[name] = value
    if plain.get("customjobid"):
        found["customjobid"] = plain["customjobid"]
    return found


def _typed(command: Command, name: str, facts: Mapping[str, Any], value: str, cloud: Cloud) -> Any:
    kind = facts["type"]
    if kind == "boolean":
        return value.strip().lower() == "true"
    if kind in {"integer", "long", "short"}:
        try:
            return int(value)
        except ValueError:
            raise invalid(command.name, name, value) from None
    if kind == "list":
        items = [each for each in value.split(",") if each]
        if facts.get("items") == "uuid":
            return [_object(command, name, facts, each, cloud) for each in items]
        return items
    if kind == "uuid":
        return _object(command, name, facts, value, cloud)
    longest = int(facts.get("length") or _LONGEST)
    if kind == "string" and len(value) > longest:
        text = f"Value greater than max allowed length {longest} for param: {name}"
        raise ApiError(PARAMETER, text)
    return value


def _object(command: Command, name: str, facts: Mapping[str, Any], value: str, cloud: Cloud) -> str:
    if name == "projectid" and value == "-1":
        return value
    tables = [TABLES[each] for each in facts.get("related") or () if each in TABLES]
    if tables and not any(value in cloud.tables[table] for table in tables):
        # An id that was removed is known to the database, and only not listed.
        if value in cloud.removed:
            return value
        raise invalid(command.name, name, value)
    return value


def _map(name: str, facts: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    """Return a flat or key-value map as a dict, records as a list."""
    records: dict[int, dict[str, str]] = {}
    for key, value in given.items():
        found = _INDEXED.fullmatch(key)
        if found and found[1].lower() == name:
            records.setdefault(int(found[2]), {})[found[3]] = value
    if not records:
        return None
    ordered = [records[index] for index in sorted(records)]
    if facts.get("map") == "kv":
        return {each["key"]: each.get("value", "") for each in ordered if "key" in each}
    if facts.get("map") == "flat":
        return {key: value for each in ordered for key, value in each.items()}
    return ordered
