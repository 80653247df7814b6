# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's list of operations, and the way from a path to one of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import corrections

PLACEHOLDER = re.compile(r"\{([\w-]+)\}")
# The volume of a storage and the id of a nested pool may hold slashes.
GREEDY = {"/nodes/{node}/storage/{storage}/content/{volume}", "/pools/{poolid}"}


@dataclass(frozen=True)
class Operation:
    """One method on one path, as the vendor publishes it."""

    method: str
    path: str
    facts: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Name the operation, e.g. `GET /version`."""
        return f"{self.method} {self.path}"

    @property
    def params(self) -> Mapping[str, Mapping[str, Any]]:
        """Give the schema of the parameters."""
        params: Mapping[str, Mapping[str, Any]] = self.facts.get("params", {})
        return params


def _overlay(found: Mapping[str, Any], extra: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    changed = {k: corrections.merge(found.get(k, {}), v) for k, v in extra.items() if k in found}
    return {**found, **changed}


def _corrected(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    key = f"{facts['method']} {facts['path']}"
    extra = corrections.PARAMETERS.get(key, {})
    if key in corrections.LOOSE:
        extra = {name: {"optional": True} for name in corrections.LOOSE_KEYS}
        facts = {**facts, "additional_params": True}
    return {**facts, "params": _overlay(facts["params"], extra)} if extra else facts


class Catalog:
    """All operations and formats of one release."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Index the operations by the shape of their path."""
        self.nested: Mapping[str, Any] = source["formats"]["nested"]
        self.named: Mapping[str, Any] = {
            name: {**row, "props": _overlay(row["props"], corrections.PROPERTIES.get(name, {}))}
            for name, row in source["formats"]["named"].items()
        }
        self.cpu_models: Mapping[str, Mapping[str, str]] = source["cpu_models"]
        self.operations = {
            f"{e['method']} {e['path']}": Operation(e["method"], e["path"], _corrected(e))
            for e in source["endpoints"]
        }
        self._tree: dict[str, Any] = {}
        for operation in self.operations.values():
            self._insert(operation)

    def _insert(self, operation: Operation) -> None:
        here = self._tree
        for part in operation.path.strip("/").split("/"):
            match = PLACEHOLDER.fullmatch(part)
            if match:
                here = here.setdefault("{}", {"name": match[1]})
            else:
                here = here.setdefault(f"/{part}", {})
        here.setdefault("methods", {})[operation.method] = operation
        if operation.path in GREEDY:
            here["greedy"] = True

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Find the operation of a path and the values its placeholders take."""
        here, values = self._tree, {}
        parts = [p for p in path.split("/") if p]
        for index, part in enumerate(parts):
            if f"/{part}" in here:
                here = here[f"/{part}"]
                continue
            here = here.get("{}", {})
            if not here or not re.fullmatch(r"\S+", part):
                return None
            values[here["name"]] = part
            if here.get("greedy") and index < len(parts) - 1:
                values[here["name"]] = "/".join(parts[index:])
                break
        operation = here.get("methods", {}).get(method)
        return (operation, values) if operation else None


def catalog_file() -> Path:
    """Locate the catalog: beside this file in a wheel, in the collection in a checkout."""
    chosen = os.environ.get("VIRTSIM_PROXMOX_CATALOG")
    if chosen:
        return Path(chosen)
    beside = Path(__file__).with_name("catalog.json")
    if beside.exists():
        return beside
    return Path(__file__).parents[2] / "plugins/module_utils/proxmox/catalog.json"


@cache
def load(file: Path | None = None) -> Catalog:
    """Read the catalog once per process."""
    path = file or catalog_file()
    if not path.exists():
        raise FileNotFoundError(
            f"no catalog of Proxmox operations at {path}; "
            "run tools/catalogs.py in the checkout or set VIRTSIM_PROXMOX_CATALOG"
        )
    return Catalog(json.loads(path.read_text(encoding="utf-8")))
