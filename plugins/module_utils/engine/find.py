# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Find the one object that a task speaks of, and name it to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .errors import Ambiguous, NotFound
from .resource import Declaration

_SHOWN = 5


class Finding(Protocol):
    """The part of an operations class that looks up objects."""

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return every object that the identity matches."""


def find_one(
    declaration: Declaration, operations: Finding, desired: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the object, or None when there is none; Ambiguous when there are several."""
    found = operations.find()
    if len(found) > 1:
        names = ", ".join(str(actual.get("_label", "")) or "?" for actual in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        better = declaration.identity[0]
        raise Ambiguous(
            f"{len(found)} objects match {identity_of(declaration, desired)}: {names}{more}. "
            f"Nothing was changed; name one of them, for example by {better}."
        )
    return found[0] if found else None


def require_one(
    declaration: Declaration, operations: Finding, desired: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the object; NotFound when there is none."""
    actual = find_one(declaration, operations, desired)
    if actual is None:
        identity = identity_of(declaration, desired)
        raise NotFound(
            f"No object matches {identity} on this endpoint. Check its spelling; "
            "an identity without the right to see the object gives the same answer."
        )
    return actual


def uid_shown(actual: Mapping[str, Any] | None, *, check: bool) -> dict[str, str]:
    """Return what a preview says of which object it saw: a later one of its name has another."""
    uid = (actual or {}).get("_uid") if check else None
    return {"uid": str(uid)} if uid else {}


def identity_of(declaration: Declaration, desired: Mapping[str, Any]) -> str:
    """Return ``vmid 100`` or ``name 'web'``: the first identity option that was given."""
    for name in declaration.identity:
        if desired.get(name) is not None:
            return f"{name} {desired[name]!r}"
    return "the given options"


def label_of(
    declaration: Declaration, desired: Mapping[str, Any], actual: Mapping[str, Any] | None
) -> str:
    """Return how a person would call the object."""
    label = (actual or {}).get("_label")
    return str(label) if label else f"{declaration.name} {identity_of(declaration, desired)}"
