# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check parameters as Proxmox VE would (pve-common JSONSchema.pm), before anything is sent.

What is refused here the server refuses too; formats of property strings are left to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .risks import truth
from .schema_check import nearest

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_PERL_FLAGS = re.compile(r"\(\?\^[a-z]*:")
_INDEXED = re.compile(r"(.*?[a-z])[0-9]+")


def problems(record: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the parameters of a call, by parameter; values are not shown."""
    known: Mapping[str, Mapping[str, Any]] = record["params"]
    # Which parameters such an operation takes depends on a type that may stand in its object.
    loose = any("type-property" in schema for schema in known.values())
    wrong: dict[str, str] = {}
    for name, value in params.items():
        schema = known.get(name) or _indexed(known, name)
        if schema is None:
            if not (loose or record.get("additional_params")):
                wrong[name] = f"unknown parameter{nearest(name, known)}"
        elif value is not None and (text := _problem(schema, value)):
            wrong[name] = text
        elif value is not None and (needs := schema.get("requires")) and needs not in params:
            wrong[needs] = f"is needed with {name}"
    for name, schema in known.items():
        if params.get(name) is None and not loose and not _may_lack(name, schema):
            wrong[name] = "is required"
    return wrong


def spelled(record: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked parameters as the server reads them: yes and no as booleans, lists joined."""
    return {name: _spelled(record["params"], name, value) for name, value in params.items()}


def _spelled(known: Mapping[str, Mapping[str, Any]], name: str, value: Any) -> Any:
    schema = known.get(name) or _indexed(known, name) or {}
    if schema.get("type") == "boolean" and isinstance(value, str):
        return truth(value)
    if isinstance(value, list) and schema.get("type") != "array":
        return ",".join(str(each) for each in value)
    return value


def _may_lack(name: str, schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("optional") or schema.get("alias") or name.endswith("[n]"))


def _indexed(known: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    found = _INDEXED.fullmatch(name)
    return known.get(f"{found[1]}[n]") if found else None


def _problem(schema: Mapping[str, Any], value: Any) -> str | None:
    kind = schema.get("type", "string")
    if isinstance(value, Mapping):
        return "must be text; join keys and values as key=value,key=value"
    if kind == "array":
        items = schema.get("items") or {}
        entries = value if isinstance(value, (list, tuple)) else [value]
        return next((text for each in entries if (text := _problem(items, each))), None)
    if isinstance(value, (list, tuple)):
        joined = str(schema.get("format", "")).endswith("-list")
        return None if joined else f"must be one {kind}, not a list"
    return _scalar(kind, schema, value)


def _scalar(kind: str, schema: Mapping[str, Any], value: Any) -> str | None:
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if kind == "boolean":
        return None if truth(value) is not None else "must be true or false"
    if isinstance(value, bool):
        return f"must be of type {kind}, not true or false"
    if kind == "integer" and not _INTEGER.fullmatch(text):
        return "must be a whole number"
    if kind == "number" and not _NUMBER.fullmatch(text):
        return "must be a number"
    return _range(schema, text) or _length(schema, text) or _choice(schema, text)


def _range(schema: Mapping[str, Any], text: str) -> str | None:
    if not _NUMBER.fullmatch(text):
        return None
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and float(text) < float(low):
        return f"must be at least {low}"
    if high is not None and float(text) > float(high):
        return f"must be at most {high}"
    return None


def _length(schema: Mapping[str, Any], text: str) -> str | None:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(text) > int(longest):
        return f"must have at most {longest} characters"
    if shortest is not None and len(text) < int(shortest):
        return f"must have at least {shortest} characters"
    return None


def _choice(schema: Mapping[str, Any], text: str) -> str | None:
    choices = [str(each) for each in schema.get("enum") or ()]
    if choices and text not in choices:
        return f"must be one of {', '.join(choices)}"
    pattern = schema.get("pattern")
    if pattern is None:
        return None
    try:
        # The server anchors the text of the pattern, and lets $ match before a last newline.
        fits = re.search(f"^{_PERL_FLAGS.sub('(?:', pattern)}$", text)
    except re.error:
        return None
    return None if fits else f"must match {pattern}"
