# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""WATCH: events as lines of JSON, for as long as the client asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from ..core.http import Response
from .bodies import META, only_metadata, partial, versioned
from .listing import check_selectors, matches
from .rest import Context
from .status import ApiError
from .store import Object

_TICK = 0.02
_LONGEST = 300.0
_BOOKMARK_EVERY = 10.0


def answer(context: Context) -> Response:
    """Answer a WATCH; ApiError 410 when the version is no longer known."""
    check_selectors(context)
    version = context.query.get("resourceVersion", "")
    cluster = context.store.cluster
    begin = cluster.version if version in ("", "0") else _number(version)
    if begin < cluster.dropped or context.sim.faults.take("gone", "GET", context.request.path):
        text = f"too old resource version: {begin} ({cluster.version})"
        raise ApiError(410, text)
    first = _present(context) if version in ("", "0") else []
    response = Response(headers={"content-type": "application/json"}, framing="chunked")
    response.stream = _events(context, begin, first)
    return response


def _number(version: str) -> int:
    if not version.isdecimal():
        raise ApiError(400, f'Invalid value: "{version}": strconv.ParseUint: invalid syntax')
    return int(version)


def _present(context: Context) -> list[tuple[str, Object]]:
    target = context.target
    rows = context.store.list(target.kind.key, target.namespace)
    return [("ADDED", each) for each in rows if _matches(context, each)]


def _matches(context: Context, obj: Object) -> bool:
    place = context.target.namespace
    return place in ("", obj["metadata"].get("namespace", "")) and matches(context, obj)


async def _events(
    context: Context, begin: int, first: list[tuple[str, Object]]
) -> AsyncIterator[bytes]:
    """Yield the events since `begin`; each tick lets virtual time go on."""
    for event, obj in first:
        yield _line(event, _shown(context, obj))
    seconds = min(float(context.query.get("timeoutSeconds") or _LONGEST), _LONGEST)
    ends, seen, marked = time.monotonic() + seconds, begin, time.monotonic()
    bookmarks = context.query.get("allowWatchBookmarks") in ("1", "true")
    while time.monotonic() < ends:
        with context.sim.lock:
            context.sim.clock.poll()
            fresh = _since(context, seen)
            seen = context.store.cluster.version
        for event, obj in fresh:
            yield _line(event, _shown(context, obj))
        if bookmarks and time.monotonic() - marked > _BOOKMARK_EVERY:
            marked = time.monotonic()
            yield _line("BOOKMARK", _bookmark(context, seen))
        if not fresh:
            await asyncio.sleep(_TICK)


def _since(context: Context, seen: int) -> list[tuple[str, Object]]:
    key = context.target.kind.key
    found: list[tuple[str, Object]] = []
    for version, table, event, obj, before in reversed(context.store.cluster.events):
        if version <= seen:
            break
        if table == key and (told := _told(context, event, obj, before)):
            found.append((told, obj))
    return list(reversed(found))


def _told(context: Context, event: str, obj: Object, before: Object | None) -> str:
    """Return what a watcher is told, who knows only the objects that its selectors choose."""
    chosen = _matches(context, obj)
    if event != "MODIFIED" or before is None:
        return event if chosen else ""
    known = _matches(context, before)
    if chosen:
        return event if known else "ADDED"
    return "DELETED" if known else ""


def _shown(context: Context, obj: Object) -> Object:
    return partial(obj) if only_metadata(context) else versioned(context, obj)


def _bookmark(context: Context, version: int) -> Object:
    kind, metadata = context.target.kind, {"resourceVersion": str(version)}
    if only_metadata(context):
        return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": metadata}
    served = kind.api_version(context.target.version)
    return {"kind": kind.kind, "apiVersion": served, "metadata": metadata}


def _line(event: str, obj: Any) -> bytes:
    return json.dumps({"type": event, "object": obj}, separators=(",", ":")).encode() + b"\n"
