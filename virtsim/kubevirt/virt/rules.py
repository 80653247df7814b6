# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules on the template of a machine work with: the template, and causes of a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..store import Object
from .gates import Gates

Cause = dict[str, str]
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def cause(where: str, message: str, reason: str = "FieldValueInvalid") -> Cause:
    """Return one cause of a refusal."""
    return {"reason": reason, "message": message, "field": where}


@dataclass(frozen=True)
class Scope:
    """The template under test: its spec, where it stands, and what the cluster allows."""

    spec: Object
    path: str = "spec.template.spec"
    gates: Gates = field(default_factory=Gates)
    annotations: Object = field(default_factory=dict)

    @property
    def domain(self) -> Object:
        """The hardware."""
        return self.spec.get("domain") or {}

    @property
    def devices(self) -> Object:
        """The devices."""
        return self.domain.get("devices") or {}

    def rows(self, name: str) -> list[Object]:
        """Return a list of devices."""
        return self.devices.get(name) or []

    @property
    def volumes(self) -> list[Object]:
        """The volumes."""
        return self.spec.get("volumes") or []

    @property
    def networks(self) -> list[Object]:
        """The networks."""
        return self.spec.get("networks") or []

    def at(self, tail: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{tail}"


def label_fault(name: str) -> str | None:
    """Return why a name is no DNS label."""
    if len(name) > 63:
        return "must be no more than 63 characters"
    body = name.replace("-", "")
    plain = body.isascii() and body.isalnum() and body == body.lower()
    return None if plain and name[0] != "-" and name[-1] != "-" else LABEL_RULE


def number(value: Any) -> int:
    """Return a whole number; zero where there is none."""
    return int(value or 0)
