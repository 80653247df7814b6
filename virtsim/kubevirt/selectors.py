# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label and field selectors."""

from __future__ import annotations

import re
from typing import Any

from .status import ApiError
from .store import Object

_SET = re.compile(r"\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*")
_FIELDS = ("metadata.name", "metadata.namespace", "status.phase", "spec.nodeName")


def labels_match(selector: str, obj: Object) -> bool:
    """Whether an object's labels satisfy a selector."""
    labels = obj["metadata"].get("labels") or {}
    return all(_one(part.strip(), labels) for part in _split(selector) if part.strip())


def fields_match(selector: str, obj: Object) -> bool:
    """Whether an object satisfies a field selector; ApiError 400 for a field without one."""
    for part in filter(None, selector.split(",")):
        equal = "!=" not in part
        name, _sign, value = part.replace("!=", "=").replace("==", "=").partition("=")
        if name not in _FIELDS:
            raise ApiError(400, f"field label not supported: {name}")
        if (str(_field(obj, name) or "") == value) != equal:
            return False
    return True


def _split(selector: str) -> list[str]:
    return re.split(r",(?![^(]*\))", selector)


def _one(part: str, labels: dict[str, str]) -> bool:
    found = _SET.fullmatch(part)
    if found:
        values = {each.strip() for each in found[3].split(",")}
        return (labels.get(found[1]) in values) == (found[2] == "in")
    if "!=" in part:
        name, value = part.split("!=", 1)
        return labels.get(name.strip()) != value.strip()
    if "=" in part:
        name, value = part.replace("==", "=").split("=", 1)
        return labels.get(name.strip()) == value.strip()
    return part[1:] not in labels if part.startswith("!") else part in labels


def _field(obj: Any, name: str) -> Any:
    for step in name.split("."):
        obj = (obj or {}).get(step)
    return obj
