# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented VM object is the one of the committed schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plugins.module_utils.engine.field import Field
from plugins.module_utils.machine import FLEET_MACHINE

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "plugins/plugin_utils/schemas/vm.json").read_text())
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
TYPES |= {"list": "array", "dict": "object"}


def agree(fields: tuple[Field, ...], schema: dict[str, Any]) -> None:
    assert {field.name for field in fields} == set(schema["properties"])
    for field in fields:
        part = schema["properties"][field.name]
        assert TYPES[field.type_name] in part.get("type", ["string"])
        if field.choices:
            assert list(field.choices) == part["enum"]
        if field.fields:
            agree(field.fields, part["items"])


def test_the_fields_are_those_of_the_schema() -> None:
    agree(FLEET_MACHINE, SCHEMA)
