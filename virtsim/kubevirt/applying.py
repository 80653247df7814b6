# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply: who owns which field, conflicts, and lists that are one value or merged.

A list without a marker in the CRD is one value, as the volumes, disks and interfaces of a
machine are: applying it replaces it whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import fields
from .fields import Path
from .schema import Schema
from .status import ApiError
from .store import Object, copied


@dataclass(frozen=True)
class Author:
    """Who writes, how, in which version, on the object or on a subresource of it.

    ``status_apart`` says that the kind has a status that is written through a subresource.
    """

    manager: str
    operation: str
    api_version: str
    stamp: str
    sub: str = ""
    status_apart: bool = False

    def wrote(self, entry: Object) -> bool:
        """Whether an entry of managedFields is this author's."""
        same = entry["manager"] == self.manager and entry["operation"] == self.operation
        version = self.operation == "Apply" or entry.get("apiVersion") == self.api_version
        return same and version and entry.get("subresource", "") == self.sub

    def entry(self, paths: set[Path]) -> Object:
        """Return the entry of managedFields for what this author owns."""
        return {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.stamp,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields.encode(paths),
            **({"subresource": self.sub} if self.sub else {}),
        }


def applied(
    schema: Schema, live: Object | None, given: Object, author: Author, *, force: bool
) -> Object:
    """Return the object after an apply; ApiError 409 when others own what would change."""
    config: Object = copied(given)
    mine = _own(fields.owned(schema, config), author)
    if live is None:
        config["metadata"]["managedFields"] = [author.entry(mine)]
        return config
    entries = live["metadata"].get("managedFields") or []
    result: Object = merged(schema, copied(live), config)
    changes = fields.changed(schema, live, result)[0]
    others = [entry for entry in entries if not author.wrote(entry)]
    taken = [(entry, _paths(entry) & mine & changes) for entry in others]
    if not force and any(paths for _entry, paths in taken):
        raise _conflict(taken)
    before = {path for entry in entries if author.wrote(entry) for path in _paths(entry)}
    kept = [_without(entry, paths) for entry, paths in taken]
    held = {path for entry in kept for path in _paths(entry)}
    for path in fields.tops(before - mine, held | mine):
        result = fields.cut(result, path)
    result["metadata"]["managedFields"] = [*_left(kept), author.entry(mine)]
    return result


def updated(schema: Schema, live: Object | None, obj: Object, author: Author) -> None:
    """Record in `obj` what an author changed by any write that is no apply."""
    entries = live["metadata"].get("managedFields") or [] if live else []
    fresh, gone = fields.changed(schema, live, obj)
    fresh, gone = _own(fresh, author), _own(gone, author)
    if live is not None and not fresh and not gone:
        obj["metadata"]["managedFields"] = entries
        return
    own = {path for entry in entries if author.wrote(entry) for path in _paths(entry)}
    kept = [_without(entry, fresh | gone) for entry in entries if not author.wrote(entry)]
    mine = (own | fresh) - gone
    obj["metadata"]["managedFields"] = [*_left(kept), *([author.entry(mine)] if mine else [])]


def merged(schema: Schema, live: Any, config: Any, place: str = "") -> Any:
    """Return a live value with an applied one merged in, as the schema says of its lists."""
    if isinstance(config, dict):
        if not isinstance(live, dict) or (place and schema.is_value(place)):
            return config
        result = dict(live)
        for name, value in config.items():
            inner = f"{place}.{name}" if place else name
            result[name] = merged(schema, live.get(name), value, inner)
        return result
    if not isinstance(config, list) or not isinstance(live, list):
        return config
    kind, keys = schema.list_type(place)
    if kind == "set":
        return [*live, *(each for each in config if each not in live)]
    if kind != "map":
        return config
    rows = {fields.key_of(each, keys): each for each in live}
    for each in config:
        step = fields.key_of(each, keys)
        rows[step] = merged(schema, rows.get(step), each, f"{place}[]")
    return list(rows.values())


def _own(paths: set[Path], author: Author) -> set[Path]:
    """Return the paths that a write to this address can own: the status has one of its own."""
    if author.sub == "status":
        return {path for path in paths if path[0] == "f:status"}
    if author.status_apart:
        return {path for path in paths if path[0] != "f:status"}
    return paths


def _paths(entry: Object) -> set[Path]:
    return set(fields.decode(entry["fieldsV1"]))


def _without(entry: Object, paths: set[Path]) -> Object:
    if not paths:
        return entry
    return {**entry, "fieldsV1": fields.encode(_paths(entry) - paths)}


def _left(entries: list[Object]) -> Iterator[Object]:
    return (entry for entry in entries if entry["fieldsV1"])


def _conflict(taken: list[tuple[Object, set[Path]]]) -> ApiError:
    rows = sorted((_named(entry), fields.shown(path)) for entry, paths in taken for path in paths)
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field}
        for who, field in rows
    ]
    if len(rows) == 1:
        text = f"Apply failed with 1 conflict: conflict with {rows[0][0]}: {rows[0][1]}"
        return ApiError(409, text, details={"causes": causes})
    said: list[str] = []
    for number, (who, field) in enumerate(rows):
        if number == 0 or rows[number - 1][0] != who:
            said.append(f"conflicts with {who}:")
        said.append(f"- {field}")
    text = f"Apply failed with {len(rows)} conflicts: " + "\n".join(said)
    return ApiError(409, text, details={"causes": causes})


def _named(entry: Object) -> str:
    who = f'"{entry["manager"]}"'
    if entry.get("subresource"):
        who += f' with subresource "{entry["subresource"]}"'
    if entry["operation"] == "Update":
        who += f" using {entry['apiVersion']} at {entry['time']}"
    return who
