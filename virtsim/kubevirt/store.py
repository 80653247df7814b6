# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored objects, their versions, and the events that watchers read."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from ..core.state import Dict, List, Record, plain

Object = dict[str, Any]
KEPT_EVENTS = 4000


class Cluster(Record):
    """Everything that is stored, by table and by namespace/name."""

    def __init__(self) -> None:
        """Make an empty cluster."""
        super().__init__()
        self.tables: Dict[str, Any] = Dict()
        self.version = 1000
        self.serial = 0
        # Tuples (version, table, what happened, object, object before): never changed again.
        self.events: List[Any] = List()
        self.dropped = 0
        self.nodes_used = 0

    def table(self, key: str) -> dict[str, Object]:
        """Return the objects of one kind."""
        if key not in self.tables:
            self.tables[key] = {}
        found: dict[str, Object] = self.tables[key]
        return found


class Store:
    """Reads and writes objects; a controller's writes pass no admission."""

    def __init__(self, cluster: Cluster, now: Callable[[], float]) -> None:
        """Wrap a cluster; `now` is the virtual time in epoch seconds."""
        self.cluster = cluster
        self._now = now

    def stamp(self, later: float = 0) -> str:
        """Return the virtual time, or so many seconds later, as Kubernetes writes it."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now() + later))

    def get(self, key: str, namespace: str, name: str) -> Object | None:
        """Return a copy of an object."""
        found = self.cluster.table(key).get(f"{namespace}/{name}")
        return None if found is None else copied(found)

    def list(self, key: str, namespace: str = "") -> Iterator[Object]:
        """Yield the stored objects themselves, ordered by name; do not change them."""
        yield from _ordered(self.cluster.table(key), namespace)

    def list_at(self, key: str, namespace: str, version: int) -> Iterator[Object]:
        """Yield the objects as they were at a version that is not dropped yet."""
        table = dict(self.cluster.table(key))
        for number, changed, _event, obj, before in reversed(self.cluster.events):
            if number <= version:
                break
            if changed != key:
                continue
            if before is None:
                table.pop(_place(obj), None)
            else:
                table[_place(obj)] = before
        yield from _ordered(table, namespace)

    def create(self, key: str, obj: Object) -> Object:
        """Store a new object with its uid, version and time."""
        metadata = obj.setdefault("metadata", {})
        self.cluster.serial += 1
        metadata.setdefault("uid", str(uuid.uuid5(uuid.NAMESPACE_OID, f"vb{self.cluster.serial}")))
        metadata.setdefault("creationTimestamp", self.stamp())
        metadata.setdefault("generation", 1)
        return self._put(key, obj, "ADDED")

    def update(self, key: str, obj: Object, *, spec_changed: bool = False) -> Object:
        """Store a changed object; a change of its spec gives it a new generation."""
        if spec_changed:
            obj["metadata"]["generation"] = int(obj["metadata"].get("generation", 1)) + 1
        return self._put(key, obj, "MODIFIED")

    def change(
        self, key: str, namespace: str, name: str, edit: Callable[[Object], None]
    ) -> Object | None:
        """Edit an object in place of its owner controller; nothing when it is gone or the same."""
        obj = self.get(key, namespace, name)
        if obj is None:
            return None
        before = copied(obj)
        edit(obj)
        if obj == before:
            return obj
        return self.update(key, obj, spec_changed=obj.get("spec") != before.get("spec"))

    def remove(self, key: str, namespace: str, name: str) -> Object | None:
        """Take an object out."""
        place = f"{namespace}/{name}"
        obj = self.get(key, namespace, name)
        if obj is None:
            return None
        table = self.cluster.table(key)
        before = table[place]
        del table[place]
        obj["metadata"]["resourceVersion"] = self._next()
        self._event(key, "DELETED", copied(obj), before)
        return obj

    def _put(self, key: str, obj: Object, event: str) -> Object:
        table, place = self.cluster.table(key), _place(obj)
        before = table.get(place)
        obj["metadata"]["resourceVersion"] = self._next()
        table[place] = copied(obj)
        self._event(key, event, table[place], before)
        return obj

    def _next(self) -> str:
        self.cluster.version += 1
        return str(self.cluster.version)

    def _event(self, key: str, event: str, obj: Object, before: Object | None) -> None:
        self.cluster.events.append((self.cluster.version, key, event, obj, before))
        if len(self.cluster.events) > KEPT_EVENTS:
            cut = KEPT_EVENTS // 2
            self.cluster.dropped = self.cluster.events[cut - 1][0]
            self.cluster.events = List(self.cluster.events[cut:])


def _place(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _ordered(table: dict[str, Object], namespace: str) -> Iterator[Object]:
    for place in sorted(table):
        if not namespace or place.startswith(f"{namespace}/"):
            yield table[place]


def copied(obj: Any) -> Any:
    """Return plain values that share nothing with the stored ones."""
    return plain(obj)
