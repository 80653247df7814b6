# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of objects."""

from __future__ import annotations

from ..store import Object


def put(obj: Object, kind: str, status: str, stamp: str, *because: str) -> None:
    """Set one condition; its time changes only with its status.

    ``because`` is a reason and a message.
    """
    conditions = obj.setdefault("status", {}).setdefault("conditions", [])
    fresh: Object = {
        "type": kind,
        "status": status,
        "lastTransitionTime": stamp,
        "lastProbeTime": None,
    }
    shown = zip(("reason", "message"), because, strict=False)
    fresh |= {name: text for name, text in shown if text}
    for number, each in enumerate(conditions):
        if each["type"] == kind:
            if each["status"] == status:
                fresh["lastTransitionTime"] = each["lastTransitionTime"]
            conditions[number] = fresh
            return
    conditions.append(fresh)


def drop(obj: Object, kind: str) -> None:
    """Take one condition away."""
    status = obj.setdefault("status", {})
    status["conditions"] = [each for each in status.get("conditions", ()) if each["type"] != kind]


def is_true(obj: Object, kind: str) -> bool:
    """Whether a condition is True."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)
