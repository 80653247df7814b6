# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON merge patches, JSON patches and strategic merge patches, with the server's quirks."""

from __future__ import annotations

from typing import Any

from .schema import Schema
from .status import ApiError
from .store import copied

_MOST = 10_000
_REJECTED = "the server rejected our request due to an error in our request"


def merged(target: Any, patch: Any) -> Any:
    """Return the target with a merge patch applied (RFC 7396): lists are replaced whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def patched(target: Any, operations: Any) -> Any:
    """Return the target with a JSON patch applied (RFC 6902).

    As on the real server, a test for null passes where the member is missing, and replacing a
    missing member of an object adds it.
    """
    if not isinstance(operations, list):
        raise ApiError(400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(operations) > _MOST:
        text = f"The allowed maximum operations in a JSON patch is {_MOST}, got {len(operations)}"
        raise ApiError(413, text, reason="RequestEntityTooLarge")
    result = copied(target)
    for operation in operations:
        _apply(result, operation)
    return result


def strategic(schema: Schema, live: Any, patch: Any, place: str = "") -> Any:
    """Return the target with a strategic merge patch applied: lists merge by their keys."""
    if isinstance(patch, dict):
        result = dict(live) if isinstance(live, dict) and "$patch" not in patch else {}
        for name, value in patch.items():
            if name == "$patch":
                continue
            if name.startswith("$deleteFromPrimitiveList/"):
                list_name = name.partition("/")[2]
                rows = result.get(list_name) or ()
                result[list_name] = [each for each in rows if each not in value]
            elif value is None:
                result.pop(name, None)
            elif not name.startswith("$"):
                inner = f"{place}.{name}" if place else name
                result[name] = strategic(schema, result.get(name), value, inner)
        return result
    if not isinstance(patch, list):
        return patch
    kind, keys = schema.list_type(place)
    rows = live if isinstance(live, list) else []
    if kind == "set":
        return [*rows, *(each for each in patch if each not in rows)]
    if kind != "map" or {"$patch": "replace"} in patch:
        return [each for each in patch if each != {"$patch": "replace"}]
    return _strategic_rows(schema, rows, patch, (place, keys[0]))


def _strategic_rows(
    schema: Schema, live: list[Any], patch: list[Any], where: tuple[str, str]
) -> list[Any]:
    place, key = where
    rows = list(live)
    for each in patch:
        found = [number for number, row in enumerate(rows) if row.get(key) == each.get(key)]
        if each.get("$patch") == "delete":
            rows = [row for row in rows if row.get(key) != each.get(key)]
        elif found:
            rows[found[0]] = strategic(schema, rows[found[0]], each, f"{place}[]")
        else:
            rows.append(strategic(schema, {}, each, f"{place}[]"))
    return rows


def _apply(document: Any, operation: dict[str, Any]) -> None:
    verb, steps = operation.get("op"), _steps(str(operation.get("path", "")))
    if verb in {"move", "copy"}:
        source, name = _parent(document, _steps(str(operation.get("from", ""))))
        value = _value(source, name)
        if value is None:
            raise ApiError(422, _REJECTED, reason="Invalid")
        if verb == "move":
            _remove(source, name)
        parent, last = _parent(document, steps)
        _set(parent, last, copied(value), insert=True)
        return
    parent, last = _parent(document, steps)
    if verb == "test":
        if _value(parent, last) != operation.get("value"):
            raise ApiError(422, _REJECTED, reason="Invalid")
    elif verb in {"add", "replace"}:
        _set(parent, last, operation.get("value"), insert=verb == "add")
    elif verb == "remove":
        _remove(parent, last)
    else:
        raise ApiError(422, _REJECTED, reason="Invalid")


def _steps(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _parent(document: Any, steps: list[str]) -> tuple[Any, str]:
    if not steps:
        raise ApiError(422, _REJECTED, reason="Invalid")
    here = document
    for step in steps[:-1]:
        here = _value(here, step)
        if not isinstance(here, (dict, list)):
            raise ApiError(422, _REJECTED, reason="Invalid")
    return here, steps[-1]


def _value(parent: Any, step: str) -> Any:
    if isinstance(parent, dict):
        return parent.get(step)
    if isinstance(parent, list) and step.isdecimal() and int(step) < len(parent):
        return parent[int(step)]
    return None


def _set(parent: Any, step: str, value: Any, *, insert: bool) -> None:
    if isinstance(parent, dict):
        parent[step] = value
    elif step == "-":
        parent.append(value)
    elif insert and step.isdecimal() and int(step) <= len(parent):
        parent.insert(int(step), value)
    elif step.isdecimal() and int(step) < len(parent):
        parent[int(step)] = value
    else:
        raise ApiError(422, _REJECTED, reason="Invalid")


def _remove(parent: Any, step: str) -> None:
    if isinstance(parent, dict) and step in parent:
        del parent[step]
    elif isinstance(parent, list) and step.isdecimal() and int(step) < len(parent):
        del parent[int(step)]
    else:
        raise ApiError(422, _REJECTED, reason="Invalid")
