# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a webhook refuses before any rule: fields of a wrong type or value, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..kinds import Catalog
from ..store import Object
from ..validation import fits, name_of
from .quantities import is_quantity

_QUANTITY = "k8s.io.apimachinery.pkg.api.resource.Quantity"
# Optional by its schema, and yet always written: a quantity that is no pointer.
_ALWAYS = {"v1.HostDisk": ("capacity",)}
_ZERO: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


class NoQuantityError(Exception):
    """A quantity cannot be read."""

    def __init__(self) -> None:
        """Word it as the server does."""
        text = "quantities must match the regular expression"
        super().__init__(f"{text} '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")


def faults(catalog: Catalog, definition: str, obj: Object) -> Iterator[str]:
    """Yield what a schema forbids; NoQuantityError where a quantity is none."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        yield "spec in body is required"
        yield 'spec in body must be of type object: "null"'
        return
    schema = catalog.definitions[definition]["properties"]["spec"]
    yield from _walk(catalog, schema, spec, "spec")


def _walk(catalog: Catalog, schema: Any, value: Any, path: str) -> Iterator[str]:
    name, schema = _resolved(catalog, schema)
    if name == _QUANTITY:
        if not is_quantity(value):
            raise NoQuantityError
        return
    wanted = schema.get("type") or ()
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    free = value is None or not names or schema.get("format") == "int-or-string"
    if not free and not fits(value, *names):
        yield f'{path} in body must be of type {",".join(names)}: "{name_of(value)}"'
        return
    if isinstance(value, list):
        for each in value:
            yield from _walk(catalog, schema.get("items") or {}, each, path)
    elif isinstance(value, dict):
        yield from _fields(catalog, schema, value, path)
    elif "enum" in schema and value is not None and value not in schema["enum"]:
        yield f"{path} in body should be one of [{' '.join(sorted(schema['enum']))}]"


def _fields(catalog: Catalog, schema: Any, value: Object, path: str) -> Iterator[str]:
    known = schema.get("properties")
    for each in schema.get("required") or ():
        # Only quantities are demanded: the server fills in every other kind of field.
        if each not in value and _resolved(catalog, known[each])[0] == _QUANTITY:
            yield f"{path}.{each} in body is required"
    for name, each in value.items():
        if known and name in known:
            yield from _walk(catalog, known[name], each, f"{path}.{name}")
        elif known:
            yield f"{path}.{name} in body is a forbidden property"
        elif "additionalProperties" in schema:
            yield from _walk(catalog, schema["additionalProperties"], each, f"{path}.{name}")


def filled(catalog: Catalog, definition: str, spec: Object) -> Object:
    """Return a spec with every field that the server writes whether it is set or not."""
    schema = catalog.definitions[definition]["properties"]["spec"]
    made: Object = _filled(catalog, schema, spec)
    return made


def _filled(catalog: Catalog, schema: Any, value: Any) -> Any:
    definition, schema = _resolved(catalog, schema)
    if isinstance(value, list):
        return [_filled(catalog, schema.get("items") or {}, each) for each in value]
    known = schema.get("properties")
    if not isinstance(value, dict) or not known:
        return value
    made = {
        name: _filled(catalog, known.get(name, {}), each)
        for name, each in value.items()
        if each is not None
    }
    for each in (*(schema.get("required") or ()), *_ALWAYS.get(definition, ())):
        if each not in made:
            kind, inner = _resolved(catalog, known[each])
            zero = "0" if kind == _QUANTITY else _ZERO.get(inner.get("type", ""))
            if zero is None and inner.get("type") == "object" and inner.get("properties"):
                zero = _filled(catalog, inner, {})
            if zero is not None:
                made[each] = zero
    return made


def _resolved(catalog: Catalog, schema: Any) -> tuple[str, Any]:
    ref = schema.get("$ref") if isinstance(schema, dict) else None
    if ref is None:
        return "", schema if isinstance(schema, dict) else {}
    name = ref.rsplit("/", 1)[-1]
    return name, catalog.definitions.get(name, {})
