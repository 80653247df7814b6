# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of objects, from the catalog: where they are served and what they are called."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RELEASE = (1, 9)
_BUILT_IN = frozenset(
    {
        "",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_MATURITY = {"alpha": 0, "beta": 1, "": 2}


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
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it, and not the server itself."""
        return self.group not in _BUILT_IN

    def api_version(self, version: str | None = None) -> str:
        """Return the apiVersion of an object, by default of the preferred version."""
        version = version or self.versions[0]
        return f"{self.group}/{version}" if self.group else version


class Catalog:
    """All kinds, subresource routes, types and constraints of fields."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Index the kinds by where they are served."""
        self.definitions: Mapping[str, Any] = source["definitions"]
        self.cdi_definitions: Mapping[str, Any] = source["cdi_definitions"]
        self.constraints: Mapping[str, Any] = source["constraints"]
        self.routes: list[Mapping[str, Any]] = source["subresources"]
        self.kinds: dict[tuple[str, str], Kind] = {}
        for row in source["kinds"]:
            versions = [each["version"] for each in row["versions"] if _served(each)]
            kind = Kind(
                row["group"], row["resource"], row["singular"], row["kind"], row["namespaced"],
                tuple(sorted(versions, key=_priority, reverse=True)),
                tuple(row["verbs"]), tuple(row["subresources"]), tuple(row["short"]),
            )  # fmt: skip
            self.kinds[kind.group, kind.resource] = kind

    def find(self, group: str, version: str, resource: str) -> Kind | None:
        """Return the kind that is served there."""
        kind = self.kinds.get((group, resource))
        return kind if kind and version in kind.versions else None

    def groups(self) -> dict[str, list[str]]:
        """Return the versions of each group, the preferred one first."""
        found: dict[str, set[str]] = {}
        for kind in self.kinds.values():
            found.setdefault(kind.group, set()).update(kind.versions)
        return {
            group: sorted(versions, key=_priority, reverse=True)
            for group, versions in found.items()
        }

    def of(self, name: str) -> Kind:
        """Return a kind by the key of its table."""
        resource, _dot, group = name.partition(".")
        return self.kinds[group, resource]


def _served(row: Mapping[str, Any]) -> bool:
    """Whether the release that is simulated still serves a version, and already does."""
    until, since = row.get("until"), str(row.get("since", "")).removeprefix("<=")
    return not (until and _release(until) < RELEASE) and not (since and _release(since) > RELEASE)


def _release(text: str) -> tuple[int, int]:
    major, _dot, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdecimal() else (99, 0)


def _priority(version: str) -> tuple[int, int, int]:
    """Order versions as Kubernetes does: v2 before v1 before v1beta1 before v1alpha3."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        return (-1, 0, 0)
    return (_MATURITY[found[2] or ""], int(found[1]), int(found[3] or 0))


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
