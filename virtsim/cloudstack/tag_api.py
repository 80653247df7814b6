# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource tags of instances, volumes and networks."""

from __future__ import annotations

from .api import OWNER, Call, command, tag_views
from .errors import INTERNAL, ApiError, invalid, unmodelled
from .model import Row
from .scope import listed, owner_view, visible_id

_TABLES = {"uservm": "machines", "volume": "volumes", "network": "networks"}
_NAMES = {"uservm": "UserVm", "volume": "Volume", "network": "Network"}


@command("listTags", f"resourceid resourcetype key value page pagesize listall isrecursive {OWNER}")
def list_tags(call: Call) -> Row:
    """List tags of the objects that the caller sees."""
    kind = call.get("resourcetype", "").lower()
    found = []
    for name, table in _TABLES.items():
        if kind and kind != name:
            continue
        for row in listed(call.state, call.user, table, call.params):
            if call.get("resourceid") in (None, row["id"]):
                owner = {**owner_view(call.state, row), "resourcetype": _NAMES[name]}
                found += tag_views(row, owner)
    rows = [
        tag
        for tag in found
        if call.get("key") in (None, tag["key"]) and call.get("value") in (None, tag["value"])
    ]
    return call.listed("tag", rows, lambda _call, row: row)


@command("createTags", "resourceids resourcetype tags")
def create(call: Call) -> Row:
    """Put tags on objects; a key that is there already is refused."""
    rows = _rows(call)

    def effect() -> None:
        for row in rows:
            for key, value in call.params["tags"].items():
                if key in row["tags"]:
                    text = f"tag {key} already on {call.params['resourcetype']} with id {row['id']}"
                    raise ApiError(INTERNAL, text)
                row["tags"][key] = value

    return call.job("tag", effect)


@command("deleteTags", "resourceids resourcetype tags")
def delete(call: Call) -> Row:
    """Take tags away: those of the given keys and values, or all."""
    rows = _rows(call)

    def effect() -> None:
        for row in rows:
            wanted = call.get("tags") or dict(row["tags"])
            for key, value in wanted.items():
                if row["tags"].get(key) == value or (key in row["tags"] and not value):
                    del row["tags"][key]

    return call.job("tag", effect)


def _rows(call: Call) -> list[Row]:
    table = _TABLES.get(str(call.params["resourcetype"]).lower())
    if table is None:
        raise unmodelled(f"Tagging a {call.params['resourcetype']}")
    for ident in call.params["resourceids"]:
        if not visible_id(call.state, call.user, table, ident):
            raise invalid(call.command.name, "resourceids", ident)
    return [call.state.get(table, ident) for ident in call.params["resourceids"]]
