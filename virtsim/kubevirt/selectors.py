# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .kinds import Kind
from .status import ApiError
from .store import Object

_SET = re.compile(r"\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*")
_KEY = re.compile(r"([a-z0-9A-Z.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_FIELDS = ("metadata.name", "metadata.namespace")
# What the server itself can select by; a custom resource has its name and namespace only.
_MORE = {
    "pods": ("status.phase", "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName"),
    "events": (
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.uid",
        "reason",
        "type",
    ),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
}


def labels_match(selector: str, obj: Object) -> bool:
    """Whether an object's labels satisfy a selector."""
    labels = obj["metadata"].get("labels") or {}
    return all(_one(part.strip(), labels) for part in _split(selector) if part.strip())


def fields_match(selector: str, obj: Object, kind: Kind) -> bool:
    """Whether an object satisfies a field selector; ApiError 400 for a field without one."""
    return all(
        (str(_field(obj, name) or "") == value) == equal
        for name, equal, value in _terms(selector, kind)
    )


def check(labels: str, fields: str, kind: Kind) -> None:
    """Raise the 400 of a selector that cannot be understood."""
    for part in filter(None, (each.strip() for each in _split(labels))):
        found = _SET.fullmatch(part)
        name = found[1] if found else re.split(r"[!=]+", part.removeprefix("!"))[0].strip()
        if not _KEY.fullmatch(name):
            text = f'unable to parse requirement: <nil>: Invalid value: "{name}": name part must'
            raise ApiError(400, f"{text} consist of alphanumeric characters, '-', '_' or '.'")
    for _term in _terms(fields, kind):
        pass


def _terms(selector: str, kind: Kind) -> Iterator[tuple[str, bool, str]]:
    known = (*_FIELDS, *(() if kind.custom else _MORE.get(kind.resource, ())))
    for part in filter(None, selector.split(",")):
        if "=" not in part:
            raise ApiError(400, f"invalid selector: '{selector}'; can't understand '{part}'")
        name, _sign, value = part.replace("!=", "=").replace("==", "=").partition("=")
        if name not in known:
            raise ApiError(400, f"field label not supported: {name}")
        yield name, "!=" not in part, value


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
