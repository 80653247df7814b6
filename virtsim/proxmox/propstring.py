# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings: `key=value,key=value` with default keys and aliases."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import FormatError

Props = Mapping[str, Mapping[str, Any]]
Check = Callable[[Props, Mapping[str, Any], str, bool, dict[str, str]], None]

TRUE = re.compile(r"(1|on|yes|true)", re.IGNORECASE)
FALSE = re.compile(r"(0|off|no|false)", re.IGNORECASE)
IN_LIST = "in comma-separated list property"


def parse_boolean(value: str) -> str | None:
    """Read a loose boolean, which only property strings accept."""
    if TRUE.fullmatch(value):
        return "1"
    if FALSE.fullmatch(value):
        return "0"
    return None


def split(props: Props, text: str) -> dict[str, str]:
    """Split a property string into its keys, without checking the values."""
    found: dict[str, str] = {}
    bare_key = None
    for part in text.split(","):
        if not part.strip():
            continue
        match = re.fullmatch(r"([^=]+)=(.+)", part, re.DOTALL)
        if match:
            _take(props, found, match[1], match[2])
        elif "=" not in part:
            if bare_key:
                raise FormatError(f"duplicate key {IN_LIST}: {bare_key}\n")
            bare_key = next((k for k, s in props.items() if s.get("default_key")), None)
            if not bare_key:
                raise FormatError("value without key, but schema does not define a default key\n")
            if found.get(bare_key):
                raise FormatError(f"duplicate key {IN_LIST}: {bare_key}\n")
            _store(props, found, bare_key, part)
        else:
            raise FormatError(f"missing key {IN_LIST}\n")
    return found


def _take(props: Props, found: dict[str, str], key: str, value: str) -> None:
    if key in found:
        raise FormatError(f"duplicate key {IN_LIST}: {key}\n")
    schema = props.get(key, {})
    if alias := schema.get("alias"):
        if key_alias := schema.get("keyAlias"):
            if key_alias in found:
                raise FormatError(f"key alias '{key_alias}' is already defined\n")
            found[key_alias] = key
        if alias in found:
            raise FormatError(f"key '{alias}' is already defined (via alias)\n")
        key = alias
    _store(props, found, key, value)


def _store(props: Props, found: dict[str, str], key: str, value: str) -> None:
    if props.get(key, {}).get("type") == "boolean":
        value = parse_boolean(value) or value
    found[key] = value


def parse(props: Props, text: str, check: Check, path: str = "") -> dict[str, str]:
    """Parse and check a property string, or raise what the server says."""
    found = split(props, text)
    errors: dict[str, str] = {}
    check(props, found, path, False, errors)
    if errors:
        raise FormatError("format error\n", errors)
    return found


def render(props: Props, values: Mapping[str, Any]) -> str:
    """Print a property string: default key first, the rest sorted."""
    left = {k: str(v) for k, v in values.items() if v is not None}
    parts = []
    for alias, schema in sorted(props.items()):
        key_alias, target = schema.get("keyAlias"), schema.get("alias")
        if key_alias and target and left.get(key_alias) == alias and target in left:
            parts.append(f"{alias}={left.pop(target)}")
            left.pop(key_alias)
    default = next((k for k, s in props.items() if s.get("default_key")), None)
    if default in left:
        parts.append(left.pop(default))
    required = sorted(k for k in left if not props.get(k, {}).get("optional"))
    optional = sorted(k for k in left if k not in required)
    parts += [f"{k}={left[k]}" for k in (*required, *optional)]
    return ",".join(parts)
