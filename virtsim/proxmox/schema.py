# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter checks with the texts of the real server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import formats
from .catalog import Catalog
from .errors import BAD_PARAMETERS, ApiError, FormatError

INTEGER = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
Schema = Mapping[str, Any]


def text(value: Any) -> str:
    """Spell a scalar as Perl would."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def normalise(schemas: Mapping[str, Schema], params: Mapping[str, Any]) -> dict[str, Any]:
    """Join lists and wrap single values as the server does before it checks."""
    found = dict(params)
    for key, schema in schemas.items():
        value, name = found.get(key), schema.get("format")
        if isinstance(value, list) and isinstance(name, str) and name.endswith("-list"):
            found[key] = ",".join(str(v) for v in value)
        elif schema.get("type") == "array" and isinstance(value, (str, int)):
            found[key] = [value]
    return {k: v for k, v in found.items() if v is not None}


class Checker:
    """Check parameters of one call against its catalog entry."""

    def __init__(self, catalog: Catalog) -> None:
        """Take formats and CPU models from the catalog."""
        self._catalog = catalog
        self._formats = formats.registry(catalog)

    def verify(
        self, params: Mapping[str, Any], schema: Mapping[str, Schema], extra: bool = False
    ) -> None:
        """Raise the 400 answer when a parameter is wrong."""
        errors: dict[str, str] = {}
        self.check_object(schema, params, "", extra, errors)
        if errors:
            raise ApiError(BAD_PARAMETERS, 400, errors)

    def check_object(
        self,
        schema: Mapping[str, Schema],
        values: Mapping[str, Any],
        path: str,
        extra: bool,
        errors: dict[str, str],
    ) -> None:
        """Check every property of an object."""
        prefix = f"{path}." if path else ""
        for key, declared in schema.items():
            if key.endswith("[n]") and key not in values:
                continue
            self.check_prop(declared, values.get(key), prefix + key, errors)
        for key, value in values.items():
            sub = schema.get(key) or _indexed(schema, key) or {}
            if not sub:
                if not extra:
                    _add(errors, prefix + key, UNKNOWN)
                continue
            if key not in schema:
                self.check_prop(sub, value, prefix + key, errors)
            needs = sub.get("requires")
            if needs and values.get(needs) is None:
                _add(errors, prefix + needs, f"missing property required by '{prefix}{key}'")

    def check_prop(self, schema: Schema, value: Any, path: str, errors: dict[str, str]) -> None:
        """Check one value."""
        kind = schema.get("type")
        if value is None:
            if not (schema.get("optional") or schema.get("alias") or kind == "null"):
                _add(errors, path, "property is missing and it is not optional")
            return
        if problem := _type_problem(kind, value):
            _add(errors, path, problem)
            return
        if kind == "array" and not isinstance(value, list):
            value = [value]
        if isinstance(value, list):
            for index, element in enumerate(value):
                if schema.get("items"):
                    self.check_prop(schema["items"], element, f"{path}[{index}]", errors)
            return
        if isinstance(value, dict):
            self.check_object(schema.get("properties", {}), value, path, False, errors)
            return
        if problem := self._value_problem(schema, value, path):
            _add(errors, path, problem)

    def _value_problem(self, schema: Schema, value: Any, path: str) -> str | None:
        spelled = text(value)
        if name := schema.get("format"):
            try:
                self.check_format(name, spelled, path)
            except FormatError as error:
                return f"invalid format - {error.text()}"
        if (source := schema.get("pattern")) is not None and not _matches(source, spelled):
            return "value does not match the regex pattern"
        longest, shortest = schema.get("maxLength"), schema.get("minLength")
        if longest is not None and len(spelled) > int(longest):
            return f"value may only be {longest} characters long"
        if shortest is not None and len(spelled) < int(shortest):
            return f"value must be at least {shortest} characters long"
        return _range_problem(schema, spelled) or _enum_problem(schema, spelled)

    def check_format(self, name: Any, value: str, path: str = "") -> Any:
        """Check a value against a named or nested format."""
        if isinstance(name, Mapping):
            ref = name.get("$ref")
            props = self._catalog.nested[ref]["props"] if ref else name
            found = formats.parse(props, value, self.check_object, path)
            return formats.validate_nested(str(ref), found, self._catalog)
        return self._formats.check(name, value, path, self.check_object)


def _indexed(schema: Mapping[str, Schema], key: str) -> Schema | None:
    match = re.fullmatch(r"(.*?[a-z])(\d+)", key)
    if not match or f"{match[1]}[n]" not in schema:
        return None
    number, limit = match[2], INDEX_LIMITS.get(match[1], 256)
    if (len(number) > 1 and number[0] == "0") or int(number) >= limit:
        return None
    return schema[f"{match[1]}[n]"]


INDEX_LIMITS = {
    "ide": 4,
    "sata": 6,
    "scsi": 31,
    "virtio": 16,
    "net": 32,
    "ipconfig": 32,
    "usb": 14,
    "hostpci": 16,
    "serial": 4,
    "parallel": 3,
    "numa": 8,
    "virtiofs": 10,
    "unused": 256,
    "link": 8,
    "acmedomain": 6,
}


def _add(errors: dict[str, str], path: str, message: str) -> None:
    errors[path] = f"{errors[path]}\\n{message}" if path in errors else message


def _type_problem(kind: Any, value: Any) -> str | None:
    if not kind or kind == "any":
        return None
    failed = f"type check ('{kind}') failed"
    if kind == "array":  # the server wraps a single value
        return failed if isinstance(value, dict) else None
    if kind == "object":
        return None if isinstance(value, dict) else failed
    return _scalar_problem(kind, value, failed)


def _scalar_problem(kind: str, value: Any, failed: str) -> str | None:
    if isinstance(value, (list, dict)):
        return f"{failed} - got {'ARRAY' if isinstance(value, list) else 'HASH'}"
    if isinstance(value, bool):
        return None if kind == "boolean" else f"{failed} - got JSON::PP::Boolean"
    spelled = text(value)
    good = {
        "boolean": spelled in {"0", "1"},
        "integer": bool(INTEGER.fullmatch(spelled)),
        "number": bool(NUMBER.fullmatch(spelled)),
    }.get(kind, True)
    return None if good else f"{failed} - got '{spelled}'"


def _matches(source: str, value: str) -> bool:
    # Perl anchors the pattern text itself (alternatives stay top level) and lets `$` match
    # before a last newline.
    source = re.sub(r"\(\?\^([a-z]*):", "(?:", source).replace(r"\z", r"\Z")
    return re.search(f"^{source}$", value) is not None


def _range_problem(schema: Schema, value: str) -> str | None:
    if not NUMBER.fullmatch(value):
        return None
    number = float(value)
    high, low = schema.get("maximum"), schema.get("minimum")
    if high is not None and number > float(high):
        return f"value must have a maximum value of {high}"
    if low is not None and number < float(low):
        return f"value must have a minimum value of {low}"
    return None


def _enum_problem(schema: Schema, value: str) -> str | None:
    choices = schema.get("enum")
    if not choices or value in {str(c) for c in choices}:
        return None
    listed = ", ".join(str(c) for c in choices)
    return f"value '{value}' does not have a value in the enumeration '{listed}'"
