# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of objects, from the catalog: where they are served and what they are called."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of object in one group."""

    group: str
    resource: str
    singular: str
    kind: str
    namespaced: bool
    versions: tuple[str, ...]
    verbs: tuple[str, ...]
    subresources: tuple[str, ...]
    short: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of its table in the store."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def storage_version(self) -> str:
        """The version that objects are stored and shown in."""
        return self.versions[-1] if self.group != "kubevirt.io" else "v1"

    def api_version(self, version: str | None = None) -> str:
        """Return the apiVersion of an object."""
        version = version or self.storage_version
        return f"{self.group}/{version}" if self.group else version


class Catalog:
    """All kinds, subresource routes, types and list markers."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Index the kinds by where they are served."""
        self.definitions: Mapping[str, Any] = source["definitions"]
        self.lists: Mapping[str, Any] = source["lists"]
        self.routes: list[Mapping[str, Any]] = source["subresources"]
        self.kinds: dict[tuple[str, str], Kind] = {}
        for row in source["kinds"]:
            versions = tuple(each["version"] for each in row["versions"])
            # A served version that is stored comes last.
            stored = [each["version"] for each in row["versions"] if each.get("storage")]
            ordered = (*[v for v in versions if v not in stored], *stored)
            kind = Kind(
                row["group"], row["resource"], row["singular"], row["kind"], row["namespaced"],
                ordered, tuple(row["verbs"]), tuple(row["subresources"]), tuple(row["short"]),
            )  # fmt: skip
            self.kinds[kind.group, kind.resource] = kind

    def find(self, group: str, version: str, resource: str) -> Kind | None:
        """Return the kind that is served there."""
        kind = self.kinds.get((group, resource))
        return kind if kind and version in kind.versions else None

    def groups(self) -> dict[str, list[str]]:
        """Return the versions of each named group."""
        found: dict[str, list[str]] = {}
        for kind in self.kinds.values():
            versions = found.setdefault(kind.group, [])
            versions += [each for each in kind.versions if each not in versions]
        return found

    def of(self, name: str) -> Kind:
        """Return a kind by the key of its table."""
        resource, _dot, group = name.partition(".")
        return self.kinds[group, resource]


def catalog_file() -> Path:
    """Locate the catalog: beside this file in a wheel, in the collection in a checkout."""
    chosen = os.environ.get("VIRTSIM_KUBEVIRT_CATALOG")
    if chosen:
        return Path(chosen)
    beside = Path(__file__).with_name("catalog.json")
    if beside.exists():
        return beside
    return Path(__file__).parents[2] / "plugins/module_utils/kubevirt/catalog.json"


@cache
def load(file: Path | None = None) -> Catalog:
    """Read the catalog once per process."""
    path = file or catalog_file()
    if not path.exists():
        raise FileNotFoundError(
            f"no catalog of Kubernetes kinds at {path}; "
            "run tools/catalogs.py in the checkout or set VIRTSIM_KUBEVIRT_CATALOG"
        )
    return Catalog(json.loads(path.read_text(encoding="utf-8")))
