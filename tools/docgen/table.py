# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all modules that the bridge reads: options as JSON Schema, secrets, risk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.resource import RISKS, Action, Declaration, Resource
from plugins.module_utils.engine.spec import constraints, own_fields, sub_fields
from plugins.plugin_utils.fleet_platforms import PLATFORMS
from tools.declarations import Declared

from .options import plain, words
from .text import returns

_TYPES = {
    "str": "string",
    "path": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def table(everything: Sequence[Declared]) -> str:
    """Return the text of ``modules.json``."""
    modules = {each.name: _module(each.declaration) for each in everything}
    for each in everything:
        if each.is_facade:
            modules[each.name]["platforms"] = _platforms(each.declaration, modules)
    content = {"version": 1, "modules": modules}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def options_schema(declaration: Declaration) -> dict[str, Any]:
    """Return the JSON Schema of the options, without those of the connection."""
    schema = _object(own_fields(declaration), closed=True)
    for names in constraints(declaration).get("required_one_of", []):
        schema["anyOf"] = [{"required": [name]} for name in names]
    return schema


def risk(declaration: Declaration) -> dict[str, Any]:
    """Return the base risk, and what raises it: declared, or following from the kind."""
    base = declaration.risk.base
    raises = [
        {"option": each.option, "values": list(each.values), "to": each.to}
        for each in declaration.risk.raises
    ]
    if isinstance(declaration, Action):
        base = max(base, _least(declaration), key=RISKS.index)
        raises = [*_by_transition(declaration, base), *raises]
    elif isinstance(declaration, Resource):
        base = max(base, "write", key=RISKS.index)
        raises = [*_by_option(declaration), *raises]
    return {"base": base, "raises": raises}


def _module(declaration: Declaration) -> dict[str, Any]:
    return {
        "summary": plain(declaration.summary),
        "kind": declaration.kind,
        "platform": declaration.platform.name,
        "options": options_schema(declaration),
        "secrets": list(_secrets(own_fields(declaration), "")),
        "risk": risk(declaration),
        "returns": _object([item for item, _when in returns(declaration).values()], closed=False),
    }


def _platforms(facade: Declaration, modules: dict[str, Any]) -> dict[str, Any]:
    """Return what is known beforehand of a facade module on each platform, without a run."""
    found = {}
    for name, platform in PLATFORMS.items():
        module = platform.modules.get(facade.name)
        if module is None:
            continue
        own = modules[module]["options"]["properties"].get("name", {})
        found[name] = {
            "title": platform.title,
            "module": module,
            "lacks": list(platform.lacks.get(facade.name, ())),
            "ref": f"^[^/]+/{platform.pattern}$",
            "example": platform.example,
        }
        if isinstance(facade, Action):
            found[name]["state"] = sorted(platform.powers)
        if facade.name == "vm" and "pattern" in own:
            found[name]["name"] = own["pattern"]
    return found


def _least(action: Action) -> str:
    return min((each.risk for each in action.transitions), key=RISKS.index)


def _by_transition(action: Action, base: str) -> list[dict[str, Any]]:
    raises = []
    for to in RISKS[RISKS.index(base) + 1 :]:
        names = [each.name for each in action.transitions if each.risk == to]
        if names:
            raises.append({"option": "state", "values": names, "to": to})
    return raises


def _by_option(resource: Resource) -> list[dict[str, Any]]:
    """Return what every resource has: deleting destroys, and interrupting a guest disrupts."""
    given = {item.name for item in own_fields(resource)}
    rules: tuple[tuple[str, list[Any], str], ...] = (
        ("state", ["absent"], "destructive"),
        ("state", ["stopped"], "disruptive"),
        ("allow_replace", [True], "destructive"),
        ("exact", [True], "destructive"),
        ("restart", ["if_needed"], "disruptive"),
    )
    return [
        {"option": option, "values": values, "to": to}
        for option, values, to in rules
        if option in given and (values != ["stopped"] or "stopped" in resource.states)
    ]


def _secrets(fields: Iterable[Field], prefix: str) -> Iterable[str]:
    for item in fields:
        path = f"{prefix}{item.name}"
        if item.secret:
            yield path
        elif item.fields:
            yield from _secrets(item.fields, f"{path}.")


def _object(fields: Sequence[Field], *, closed: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {item.name: _schema(item, closed=closed) for item in fields}
    required = [item.name for item in fields if item.required]
    if closed and required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return schema


def _schema(field: Field, *, closed: bool) -> dict[str, Any]:
    description = words(field) if closed else plain(" ".join(field.doc_lines))
    schema: dict[str, Any] = {"description": description}
    one = _values(field, field.elements_name or field.type_name, closed=closed)
    if field.type_name == "list":
        schema |= {"type": "array", "items": one}
    else:
        schema |= one
    if field.default is not None and not field.required:
        schema["default"] = field.default
    return schema


def _values(field: Field, type_name: str, *, closed: bool) -> dict[str, Any]:
    """Return what holds of one value: of the field itself, or of each element of a list."""
    if type_name == "dict" and field.fields:
        return _object(sub_fields(field) if closed else field.fields, closed=closed)
    schema: dict[str, Any] = {}
    if type_name in _TYPES:
        schema["type"] = _TYPES[type_name]
    if field.choices:
        schema["enum"] = list(field.choices)
    if field.min is not None:
        schema["minimum"] = field.min
    if field.max is not None:
        schema["maximum"] = field.max
    if field.pattern:
        schema["pattern"] = f"^(?:{field.pattern})$"
    return schema
