# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters as the server reads them: by lower-case name, typed, looked up, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .catalog import Command
from .errors import MALFORMED, PARAMETER, ApiError, invalid
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
_INDEXED = re.compile(r"([^][.]+)\[([-+]?\d+)\]\.([^][]*)")
_Records = dict[str, dict[int, dict[str, str]]]
_LONGEST = 255
_NUMBERS: Mapping[str, type] = {"integer": int, "long": int, "short": int, "double": float}
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z")


def decode(
    command: Command, given: Mapping[str, str], cloud: Cloud, role: str = "Admin"
) -> dict[str, Any]:
    """Return the typed parameters that the command knows; the server ignores all others."""
    plain, records = _unpacked(given)
    found: dict[str, Any] = {}
    for name, facts in command.params.items():
        if role not in facts.get("roles", (role,)):
            # What the annotation keeps from a role is ignored like an unknown name.
            continue
        if facts["type"] == "map":
            value: Any = _map(facts, records.get(name, {}))
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
    if kind in _NUMBERS:
        try:
            return _NUMBERS[kind](value)
        except ValueError:
            raise invalid(command.name, name, value) from None
    if kind == "list":
        items = [each for each in value.split(",") if each]
        if facts.get("items") == "uuid":
            return [_object(command, name, facts, each, cloud) for each in items]
        return items
    if kind == "uuid":
        return _object(command, name, facts, value, cloud)
    return _date(command, value) if kind == "date" else _text(name, facts, value)


def _text(name: str, facts: Mapping[str, Any], value: str) -> str:
    longest = int(facts.get("length") or _LONGEST)
    if facts["type"] == "string" and len(value) > longest:
        text = f"Value greater than max allowed length {longest} for param: {name}"
        raise ApiError(PARAMETER, text)
    return value


def _date(command: Command, value: str) -> str:
    for form in _DATES:
        try:
            datetime.strptime(value, form)
        except ValueError:
            continue
        return value
    text = f"Unable to parse date {value} for command {command.name.lower()}, please pass dates in"
    raise ApiError(PARAMETER, f"{text} the format yyyy-MM-dd or yyyy-MM-dd HH:mm:ss")


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


def _unpacked(given: Mapping[str, str]) -> tuple[dict[str, str], _Records]:
    """Return plain parameters and the records of indexed ones; a bad index is refused always."""
    plain: dict[str, str] = {}
    records: _Records = {}
    for key, value in given.items():
        if key.find("[") < 1:
            plain[key.lower()] = value
            continue
        found = _INDEXED.fullmatch(key)
        if found is None:
            text = f"Unable to decode parameter {key}; if specifying an object array, please use"
            example = "parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup"
            raise ApiError(MALFORMED, f"{text} {example}")
        record = records.setdefault(found[1].lower(), {}).setdefault(int(found[2]), {})
        record[found[3]] = value
    return plain, records


def _map(facts: Mapping[str, Any], records: Mapping[int, dict[str, str]]) -> Any:
    """Return a flat or key-value map as a dict, records as a list."""
    if not records:
        return None
    ordered = [records[index] for index in sorted(records)]
    if facts.get("map") == "kv":
        return {each["key"]: each.get("value", "") for each in ordered if "key" in each}
    if facts.get("map") == "flat":
        return {key: value for each in ordered for key, value in each.items()}
    return ordered
