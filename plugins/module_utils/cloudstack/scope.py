# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Whose objects a task means: without a project CloudStack leaves out what belongs to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.errors import ValidationFailed
from ..engine.field import Field
from . import named
from .client import Client

ALL_PROJECTS = "-1"
"""What ``projectid`` is for the objects of every project that the user may see."""

FIELDS = (
    Field(
        "zone",
        role="option",
        doc="Name or id of the zone. Needed to create something where there are several.",
    ),
    Field("project", role="option", doc="Name or id of the project that it belongs to."),
    Field(
        "account",
        role="option",
        doc="Account that it belongs to, with O(domain). The user's own unless given.",
    ),
    Field("domain", role="option", doc="Path or id of the domain of O(account)."),
)


class Scope:
    """The zone and the owner that a task names, looked up once each when they are needed."""

    def __init__(self, client: Client, desired: Mapping[str, Any]) -> None:
        self._client, self._desired = client, desired
        self._owner: dict[str, Any] | None = None
        self._zone: dict[str, Any] | None = None

    def owner(self) -> dict[str, Any]:
        """Return ``projectid``, or ``account`` and ``domainid``; empty for the user's own."""
        if self._owner is None:
            self._owner = self._find_owner()
        return dict(self._owner)

    def listing(self) -> dict[str, Any]:
        """Return what limits a list to the owner, and lets everything else through."""
        owner = self.owner()
        return {**owner, "listall": None if "account" in owner else True}

    def zone(self) -> dict[str, Any]:
        """Return the zone to create something in; the only one when none is named.

        Raises ValidationFailed when there are several and the task names none.
        """
        if self._zone is None:
            wanted = self._desired.get("zone")
            self._zone = (
                named.find(self._client, named.ZONE, wanted, "zone") if wanted else self._only()
            )
        return self._zone

    def in_zone(self, row: Mapping[str, Any]) -> bool:
        """Whether a listed object is in the zone that the task names."""
        wanted = self._desired.get("zone")
        return wanted is None or wanted in {row.get("zoneid"), row.get("zonename")}

    def _only(self) -> dict[str, Any]:
        zones = self._client.rows("listZones", available=True)
        if len(zones) != 1:
            names = ", ".join(sorted(str(row.get("name")) for row in zones)) or "none"
            raise ValidationFailed(
                f"zone: give one of the zones: {names}. Nothing was changed.",
                fields={"zone": "needed where there are several"},
            )
        return zones[0]

    def _find_owner(self) -> dict[str, Any]:
        project, account = self._desired.get("project"), self._desired.get("account")
        domain = self._desired.get("domain")
        if project and account:
            raise ValidationFailed(
                "project and account exclude each other: an object belongs to one of them.",
                fields=dict.fromkeys(("project", "account"), "excludes the other"),
            )
        if bool(account) != bool(domain):
            raise ValidationFailed(
                "account and domain go together: names of accounts are unique in a domain only.",
                fields=dict.fromkeys(("account", "domain"), "needs the other"),
            )
        if project:
            return {"projectid": named.find(self._client, named.PROJECT, project, "project")["id"]}
        if account:
            found = named.find(self._client, named.DOMAIN, str(domain), "domain")
            return {"account": account, "domainid": found["id"]}
        return {}
