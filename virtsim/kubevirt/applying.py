# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply: who owns which field, conflicts, and lists that are atomic.

A list without a marker in the schema is one value, as the volumes, disks and interfaces of a
machine are: applying it replaces it whole. Sets are atomic here, too, which the kinds that are
served do not tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .patching import merged
from .status import ApiError
from .store import Object, copied

_NOT_OWNED = frozenset({"apiVersion", "kind"})
_IDENTITY = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "managedFields",
        "creationTimestamp",
        "generation",
    }
)
Path = tuple[str, ...]


def applied(live: Object | None, given: Object, manager: str, *, force: bool, stamp: str) -> Object:
    """Return the object after an apply; ApiError 409 when others own what would change."""
    config: Object = copied(given)
    config.get("metadata", {}).pop("managedFields", None)
    mine = set(_leaves(config))
    if live is None:
        created = config
        created["metadata"]["managedFields"] = [_entry(manager, "Apply", mine, given, stamp)]
        return created
    entries = live["metadata"].get("managedFields") or []
    conflicts = _conflicts(entries, live, config, mine, manager)
    if conflicts and not force:
        raise _conflict(conflicts)
    result: Object = merged(copied(live), config)
    old = _owned(entries, manager, "Apply")
    for path in old - mine - _others(entries, manager):
        _drop(result, path)
    kept = [
        _without(entry, mine if force else set())
        for entry in entries
        if not (entry["manager"] == manager and entry["operation"] == "Apply")
    ]
    fresh = _entry(manager, "Apply", mine, given, stamp)
    result["metadata"]["managedFields"] = [*(entry for entry in kept if entry["fieldsV1"]), fresh]
    return result


def updated(live: Object | None, obj: Object, manager: str, stamp: str) -> None:
    """Record in `obj` that a manager changed fields by any other write."""
    before = set(_leaves(live)) if live else set()
    changed = {
        path
        for path in _leaves(obj)
        if path not in before or _get(live or {}, path) != _get(obj, path)
    }
    entries = (live or obj)["metadata"].get("managedFields") or []
    if not changed:
        obj["metadata"]["managedFields"] = entries
        return
    own = _owned(entries, manager, "Update") | changed
    kept = [
        _without(entry, changed)
        for entry in entries
        if not (entry["manager"] == manager and entry["operation"] == "Update")
    ]
    obj["metadata"]["managedFields"] = [
        *(entry for entry in kept if entry["fieldsV1"]),
        _entry(manager, "Update", own, obj, stamp),
    ]


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    for name, each in (value or {}).items():
        if not path and (name in _NOT_OWNED or name == "status"):
            continue
        if path == ("metadata",) and name in _IDENTITY:
            continue
        here = (*path, name)
        if isinstance(each, dict) and each:
            yield from _leaves(each, here)
        else:
            yield here


def _conflicts(
    entries: list[Object], live: Object, config: Object, mine: set[Path], manager: str
) -> list[tuple[str, str, Path]]:
    found = []
    for entry in entries:
        if entry["manager"] == manager and entry["operation"] == "Apply":
            continue
        for path in sorted(mine & set(_paths(entry["fieldsV1"]))):
            if _get(live, path) != _get(config, path):
                found.append((entry["manager"], entry["operation"], path))
    return found


def _conflict(conflicts: list[tuple[str, str, Path]]) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}"' + (" using v1" if verb == "Update" else ""),
            "field": "." + ".".join(path),
        }
        for manager, verb, path in conflicts
    ]
    many = f"Apply failed with {len(causes)} conflict" + ("s" if len(causes) > 1 else "")
    shown = "; ".join(f"{each['message']}: {each['field']}" for each in causes)
    return ApiError(409, f"{many}: {shown}", details={"causes": causes})


def _owned(entries: list[Object], manager: str, verb: str) -> set[Path]:
    return {
        path
        for entry in entries
        if entry["manager"] == manager and entry["operation"] == verb
        for path in _paths(entry["fieldsV1"])
    }


def _others(entries: list[Object], manager: str) -> set[Path]:
    return {
        path
        for entry in entries
        if entry["manager"] != manager
        for path in _paths(entry["fieldsV1"])
    }


def _entry(manager: str, verb: str, paths: set[Path], obj: Object, stamp: str) -> Object:
    fields: Object = {}
    for path in sorted(paths):
        here = fields
        for step in path:
            here = here.setdefault(f"f:{step}", {})
    return {
        "manager": manager,
        "operation": verb,
        "apiVersion": obj.get("apiVersion", "v1"),
        "time": stamp,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def _paths(fields: Object, path: Path = ()) -> Iterator[Path]:
    for name, below in fields.items():
        here = (*path, name[2:])
        if below:
            yield from _paths(below, here)
        else:
            yield here


def _without(entry: Object, paths: set[Path]) -> Object:
    rest = set(_paths(entry["fieldsV1"])) - paths
    return {**entry, "fieldsV1": _entry("", "", rest, {}, "")["fieldsV1"]}


def _get(obj: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(step)
    return obj


def _drop(obj: Any, path: Path) -> None:
    for step in path[:-1]:
        obj = obj.get(step) if isinstance(obj, dict) else None
    if isinstance(obj, dict):
        obj.pop(path[-1], None)
