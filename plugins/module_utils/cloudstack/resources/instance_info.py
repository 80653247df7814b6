# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The instances that a CloudStack user can see."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.errors import NotFound
from ...engine.field import Field
from ...engine.resource import Query, Wait
from .. import machines
from ..client import Client
from ..platform import PLATFORM
from ..scope import ALL_PROJECTS, Scope
from ..scope import FIELDS as SCOPE
from ..wire import Pairs
from .instance_fields import ID, RETURNED

_STATES = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "migrating",
    "provisioning",
    "error",
    "unknown",
)


class InstanceInfo:
    """Lists instances page by page; disks cost a second list, and come only when asked for."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        del wait
        self._client, self._desired = client, desired
        self._scope = Scope(client, desired)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Return the instances that match, ordered by name and id."""
        found = {row["id"]: row for row in self._listed() if self._matches(row)}
        ordered = sorted(found.values(), key=lambda row: (str(row.get("name")), row["id"]))
        limit = self._desired["limit"]
        volumes = self._volumes(ordered[: limit or None])
        for row in ordered:
            yield machines.normalised(row, volumes.get(row["id"], ()))

    def _listed(self) -> Iterator[dict[str, Any]]:
        desired = self._desired
        name, tags = desired.get("name"), desired.get("tags")
        exact = name is not None and not any(sign in name for sign in "*?[")
        asked = {
            "id": desired.get("id"),
            "name": name if exact else None,
            "tags": Pairs(tags) if tags else None,
            "details": machines.DETAILS,
        }
        for scope in self._scopes():
            try:
                yield from self._client.rows("listVirtualMachines", **asked, **scope)
            except NotFound:
                continue

    def _scopes(self) -> list[dict[str, Any]]:
        """Return what to list: with no owner given, the objects of accounts and of projects."""
        listing = self._scope.listing()
        if self._scope.owner() or self._desired.get("id"):
            return [listing]
        return [listing, {**listing, "projectid": ALL_PROJECTS}]

    def _matches(self, row: Mapping[str, Any]) -> bool:
        desired, states = self._desired, self._desired.get("state")
        pattern = desired.get("name")
        return (
            row.get("state") not in machines.GONE
            and (pattern is None or fnmatch.fnmatchcase(str(row.get("name") or ""), pattern))
            and (not states or machines.state_of(row) in states)
            and desired.get("host") in {None, row.get("hostname"), row.get("hostid")}
            and self._scope.in_zone(row)
        )

    def _volumes(self, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        if not self._desired.get("details") or not rows:
            return {}
        # One instance's volumes are asked for alone; many come cheaper in one list.
        only = {"virtualmachineid": rows[0]["id"]} if len(rows) == 1 else {}
        # What all projects have comes with the rest a second time, for who may see everything.
        found = {
            volume["id"]: volume
            for scope in self._scopes()
            for volume in self._client.rows("listVolumes", **only, **scope)
        }
        by_machine: dict[str, list[dict[str, Any]]] = {}
        for volume in sorted(found.values(), key=lambda each: int(each.get("deviceid") or 0)):
            by_machine.setdefault(str(volume.get("virtualmachineid")), []).append(volume)
        return by_machine


INSTANCE_INFO = Query(
    name="cloudstack_instance_info",
    summary="List the instances of a CloudStack cloud",
    description=(
        "Returns the instances that match all given options, ordered by name and id.",
        "Without O(project) and O(account), it lists what the user may see in all accounts and "
        "projects. Destroyed instances are left out.",
    ),
    platform=PLATFORM,
    operations=InstanceInfo,
    returns=RETURNED,
    fields=(
        ID,
        Field(
            "name",
            role="option",
            doc="Only those of this host name; V(*) and V(?) stand for any text and any character.",
        ),
        *SCOPE,
        Field("host", role="option", doc="Only those on this host, by name or id."),
        Field("tags", dict, role="option", doc="Only those with all these resource tags."),
        Field(
            "state",
            list,
            elements=str,
            choices=_STATES,
            role="option",
            doc="Only those in one of these states.",
        ),
        Field("details", bool, role="option", default=False, doc="Also return the disks."),
    ),
)
