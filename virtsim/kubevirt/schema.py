# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that a schema does not know: pruned with a warning, or refused, as the client asks."""

from __future__ import annotations

from typing import Any

from .kinds import Catalog
from .routes import Target
from .status import ApiError
from .store import Object

_TYPES = {
    ("kubevirt.io", "VirtualMachine"): "v1.VirtualMachine",
    ("kubevirt.io", "VirtualMachineInstance"): "v1.VirtualMachineInstance",
    ("kubevirt.io", "VirtualMachineInstanceMigration"): "v1.VirtualMachineInstanceMigration",
    ("snapshot.kubevirt.io", "VirtualMachineSnapshot"): "v1beta1.VirtualMachineSnapshot",
    ("snapshot.kubevirt.io", "VirtualMachineRestore"): "v1beta1.VirtualMachineRestore",
}


def pruned(
    catalog: Catalog, target: Target, obj: Object, validation: str
) -> tuple[Object, list[str]]:
    """Return the object without unknown fields, and what is warned of."""
    name = _TYPES.get((target.kind.group, target.kind.kind))
    if name is None or name not in catalog.definitions:
        return obj, []
    unknown: list[str] = []
    kept = {
        key: value
        for key, value in obj.items()
        if key in ("apiVersion", "kind", "metadata", "status")
    }
    if "spec" in obj:
        properties = catalog.definitions[name]["properties"]
        kept["spec"] = _walk(catalog, properties["spec"], obj["spec"], "spec", unknown)
    if unknown and validation == "Strict":
        shown = ", ".join(f'unknown field "{each}"' for each in unknown)
        kind = target.kind.kind
        text = f'{kind} in version "{target.version}" cannot be handled as a {kind}'
        raise ApiError(400, f"{text}: strict decoding error: {shown}")
    warnings = [f'unknown field "{each}"' for each in unknown] if validation == "Warn" else []
    return kept, warnings


def _walk(catalog: Catalog, schema: Any, value: Any, path: str, unknown: list[str]) -> Any:
    schema = _resolved(catalog, schema)
    if isinstance(value, list) and "items" in schema:
        items = schema["items"]
        return [
            _walk(catalog, items, each, f"{path}[{number}]", unknown)
            for number, each in enumerate(value)
        ]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not properties:
        return value
    kept = {}
    for name, each in value.items():
        if name in properties:
            kept[name] = _walk(catalog, properties[name], each, f"{path}.{name}", unknown)
        else:
            unknown.append(f"{path}.{name}")
    return kept


def _resolved(catalog: Catalog, schema: Any) -> Any:
    ref = schema.get("$ref") if isinstance(schema, dict) else None
    if ref is None:
        return schema if isinstance(schema, dict) else {}
    return catalog.definitions.get(ref.rsplit("/", 1)[-1], {})
