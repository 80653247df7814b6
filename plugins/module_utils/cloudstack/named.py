# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Objects that a task names, by name or by id: zones, offerings, templates, networks, projects.

Name filters of CloudStack are exact, LIKE or absent depending on the list, so every answer is
filtered exactly again (notes on each list: registry of commands, 4.20 to 4.22).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.errors import Ambiguous, NotFound
from .client import Client

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHOWN = 8


class Named(str):
    """A name that also equals its object's id, so that a task may give either."""

    id: str

    def __new__(cls, name: Any, ident: Any) -> Named:
        """Return the name; ``ident`` is the id."""
        made = super().__new__(cls, name if name is not None else ident)
        made.id = str(ident)
        return made


def same_object(desired: Any, actual: Any) -> bool:
    """Compare a name or id with a `Named`."""
    return desired == actual or (isinstance(actual, Named) and desired == actual.id)


@dataclass(frozen=True)
class Kind:
    """How objects of one kind are listed."""

    word: str
    command: str
    names: tuple[str, ...] = ("name",)
    filter: str = "name"
    always: Mapping[str, Any] = field(default_factory=dict)

    @property
    def option(self) -> str:
        """Return the option by which a task names such an object."""
        return self.word.replace(" ", "_")


ZONE = Kind("zone", "listZones")
PROJECT = Kind("project", "listProjects", always={"listall": True})
DOMAIN = Kind("domain", "listDomains", ("path", "name"), always={"listall": True})
SERVICE_OFFERING = Kind("service offering", "listServiceOfferings", always={"listall": True})
DISK_OFFERING = Kind("disk offering", "listDiskOfferings", always={"listall": True})
TEMPLATE = Kind("template", "listTemplates", always={"templatefilter": "executable"})
NETWORK = Kind("network", "listNetworks", filter="keyword", always={"listall": True})
AFFINITY_GROUP = Kind("affinity group", "listAffinityGroups", always={"listall": True})
HOST = Kind("host", "listHosts")


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return _UUID.fullmatch(text) is not None


def find(client: Client, kind: Kind, wanted: str, option: str, **scope: Any) -> dict[str, Any]:
    """Return the one object of that name or id.

    Raises NotFound with the names that exist, Ambiguous when several have the name.
    """
    scope = {**kind.always, **scope}
    by = {"id": wanted} if is_id(wanted) else {kind.filter: _filter(kind, wanted)}
    try:
        rows = client.rows(kind.command, **by, **scope)
    except NotFound:
        rows = []
    # A template is listed once for each zone it is in.
    found = {row["id"]: row for row in rows if wanted in _names(kind, row)}
    if not found:
        raise _missing(client, kind, wanted, option, scope)
    if len(found) > 1:
        raise Ambiguous(
            f"{option}: {len(found)} objects match {kind.word} {wanted!r}: "
            f"{', '.join(sorted(found)[:_SHOWN])}. Give the id of one."
        )
    return next(iter(found.values()))


def _filter(kind: Kind, wanted: str) -> str:
    return wanted.rstrip("/").rsplit("/", 1)[-1] if kind is DOMAIN else wanted


def _names(kind: Kind, row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = tuple(row.get(name) for name in kind.names)
    # The path of a domain is shown as ROOT/a/b, and often written without its root.
    short = tuple(str(name).removeprefix("ROOT/") for name in names if kind is DOMAIN)
    return (row.get("id"), *names, *short)


def _missing(
    client: Client, kind: Kind, wanted: str, option: str, scope: Mapping[str, Any]
) -> NotFound:
    rows = client.read(kind.command, page=1, pagesize=20, **scope)
    known = sorted(
        {
            str(row[kind.names[0]])
            for rows_ in rows.values()
            if isinstance(rows_, list)
            for row in rows_
            if row.get(kind.names[0])
        }
    )
    seen = f" There are: {', '.join(known[:_SHOWN])}." if known else " There is none to be seen."
    return NotFound(
        f"{option}: no {kind.word} {wanted!r} can be seen with these keys.{seen} Nothing was "
        "changed.",
        fields={option: "not found"},
    )
