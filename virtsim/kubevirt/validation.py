# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknown fields go with a warning or are refused; values that break the schema are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .schema import Place, Schema
from .status import invalid
from .store import Object

# Their mutating webhooks write the whole spec anew, so that what is required is always there.
_REWRITTEN = frozenset({"VirtualMachine", "VirtualMachineInstance"})
_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
Cause = dict[str, str]


def pruned(schema: Schema, obj: Object) -> tuple[Object, list[str]]:
    """Return the object without fields that its schema does not know, and their paths."""
    if not schema.known:
        return obj, []
    unknown: list[str] = []
    kept: Object = {}
    for name, value in obj.items():
        place = schema.field(schema.root, name)
        if place is None:
            unknown.append(name)
        elif name == "metadata":
            kept[name] = value
        else:
            kept[name] = _pruned(schema, place, value, name, unknown)
    return kept, unknown


def _pruned(schema: Schema, place: Place, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        inner = schema.element(place)
        return [
            _pruned(schema, inner, each, f"{path}[{number}]", unknown)
            for number, each in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    if schema.rules(place.path).get("x-kubernetes-preserve-unknown-fields"):
        return value
    kept = {}
    for name, each in value.items():
        inside = schema.field(place, name)
        if inside is None:
            unknown.append(f"{path}.{name}")
        elif each is not None:
            kept[name] = _pruned(schema, inside, each, f"{path}.{name}", unknown)
    return kept


def defaulted(schema: Schema, obj: Object) -> Object:
    """Return the object with the defaults of its schema, where the parent is there."""
    for path, value in schema.defaults():
        *steps, last = path.split(".")
        here: Any = obj
        for step in steps:
            here = here.get(step) if isinstance(here, dict) else None
        if isinstance(here, dict):
            here.setdefault(last, value)
    return obj


def check(schema: Schema, kind: str, group: str, obj: Object) -> None:
    """Raise the 422 that names every value that the schema does not allow."""
    if not schema.known:
        return
    strict = kind not in _REWRITTEN
    causes = [
        cause
        for name in ("spec", "status")
        if name in obj and (place := schema.field(schema.root, name))
        for cause in _causes(schema, place, obj[name], name, strict)
    ]
    if schema.rules("").get("required") == ["spec"] and "spec" not in obj:
        causes.append(_cause("FieldValueRequired", "spec", "Required value"))
    if causes:
        raise invalid(kind, group, obj["metadata"].get("name", ""), causes)


def _causes(schema: Schema, place: Place, value: Any, path: str, strict: bool) -> Iterator[Cause]:
    wrong = _type_of(schema, place, value, path)
    if wrong:
        yield wrong
    elif isinstance(value, list):
        limit = schema.rules(place.path).get("maxItems")
        if limit is not None and len(value) > limit:
            text = f"Too many: {len(value)}: must have at most {limit} items"
            yield _cause("FieldValueTooMany", path, text)
        inner = schema.element(place)
        for number, each in enumerate(value):
            yield from _causes(schema, inner, each, f"{path}[{number}]", strict)
    elif isinstance(value, dict):
        for name in schema.rules(place.path).get("required", ()) if strict else ():
            if name not in value:
                yield _cause("FieldValueRequired", f"{path}.{name}", "Required value")
        for name, each in value.items():
            inside = schema.field(place, name)
            if inside is not None:
                yield from _causes(schema, inside, each, f"{path}.{name}", strict)
    else:
        yield from _limits(schema, place, value, path)


def _type_of(schema: Schema, place: Place, value: Any, path: str) -> Cause | None:
    wanted = place.type.get("type")
    rules = schema.rules(place.path)
    if place.type.get("format") == "int-or-string" or rules.get("x-kubernetes-int-or-string"):
        wanted = ["string", "integer"]
    elif isinstance(wanted, (list, tuple)):
        # A quantity, which the CRDs describe as integer or string.
        wanted = [each for each in wanted if each != "number"]
    if wanted is None:
        return None
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if fits(value, *names):
        return None
    shown, said = name_of(value), ",".join(names)
    text = f'Invalid value: "{shown}": {path} in body must be of type {said}: "{shown}"'
    return _cause("FieldValueTypeInvalid", path, text)


def _limits(schema: Schema, place: Place, value: Any, path: str) -> Iterator[Cause]:
    rules, shown = schema.rules(place.path), json.dumps(value)
    if "enum" in rules and value not in rules["enum"]:
        known = ", ".join(json.dumps(each) for each in rules["enum"])
        text = f"Unsupported value: {shown}: supported values: {known}"
        yield _cause("FieldValueNotSupported", path, text)
    said = ""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and "minimum" in rules and value < rules["minimum"]:
        said = f"should be greater than or equal to {rules['minimum']}"
    elif number and "maximum" in rules and value > rules["maximum"]:
        said = f"should be less than or equal to {rules['maximum']}"
    elif isinstance(value, str) and len(value) < rules.get("minLength", 0):
        said = f"should be at least {rules['minLength']} chars long"
    elif isinstance(value, str) and "pattern" in rules and not re.search(rules["pattern"], value):
        said = f"should match '{rules['pattern']}'"
    if said:
        text = f"Invalid value: {shown}: {path} in body {said}"
        yield _cause("FieldValueInvalid", path, text)


def fits(value: Any, *names: str) -> bool:
    """Whether a value is of one of the types that schemas name."""
    allowed = tuple(kind for name in names for kind in _PYTHON[name])
    if isinstance(value, bool):
        return bool in allowed
    whole = isinstance(value, float) and value.is_integer() and int in allowed
    return isinstance(value, allowed) or whole


def name_of(value: Any) -> str:
    """Return the type of a value as schemas name it."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _cause(reason: str, field: str, message: str) -> Cause:
    return {"reason": reason, "message": message, "field": field}
