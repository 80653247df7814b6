# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the fields of a kind: types, limits, and how its lists are merged.

Types come from KubeVirt's and CDI's API descriptions, limits and list types from the CRDs of
KubeVirt v1.9.0. A kind of which neither is known has a schema that allows everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .kinds import Catalog, Kind

Rules = Mapping[str, Any]
_NONE: Mapping[str, Any] = {}
_MAP, _SET = "map", "set"
_VERSIONS = ("v1", "v1beta1", "v1alpha1")
# Their CRDs are not among the facts; DataVolume has the limits of a machine's template for one.
_LIKE = {"datavolume": "datavolumetemplatespec"}
_ATOMIC: tuple[str, tuple[str, ...]] = ("atomic", ())
# The lists of built-in kinds that are merged by a key, as their API description marks them.
_BY_KEY: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "conditions": ("type",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ownerReferences": ("uid",),
}
_PORTS = {"services": ("port", "protocol")}
_POD_PORTS = ("containerPort", "protocol")


@dataclass(frozen=True)
class Place:
    """One place in an object: the path that leads there and the type that is expected."""

    path: str
    type: Mapping[str, Any]


class Schema:
    """The fields of one kind."""

    def __init__(self, catalog: Catalog, kind: Kind) -> None:
        """Find type and constraints of a kind."""
        cdi = kind.group == "cdi.kubevirt.io"
        self._kind = kind
        self._types = catalog.cdi_definitions if cdi else catalog.definitions
        ours = kind.group.endswith("kubevirt.io")
        names = (f"{version}.{kind.kind}" for version in _VERSIONS)
        found = next((name for name in names if ours and name in self._types), None)
        singular = _LIKE.get(kind.singular, kind.singular)
        self._rules: Mapping[str, Rules] = catalog.constraints.get(singular, _NONE)
        same = self._rules.get("$same_as")
        self._same = same
        self._other: Mapping[str, Rules] = catalog.constraints[same["of"]] if same else _NONE
        self.known = found is not None
        self.root = Place("", self._types[found] if found else _NONE)

    def rules(self, path: str) -> Rules:
        """Return the constraints of a place."""
        own = self._rules.get(path)
        if own is not None or not self._same:
            return own or _NONE
        start = str(self._same["path"])
        if path != start and not path.startswith((f"{start}.", f"{start}[", f"{start}{{")):
            return _NONE
        return self._other.get(f"{self._same['at']}{path[len(start) :]}", _NONE)

    def field(self, place: Place, name: str) -> Place | None:
        """Return the place of a field; None when the type has no such field."""
        path = f"{place.path}.{name}" if place.path else name
        properties = place.type.get("properties")
        if properties:
            inner = properties.get(name)
            return None if inner is None else Place(path, self._resolved(inner))
        more = place.type.get("additionalProperties")
        inner = more if isinstance(more, Mapping) else _NONE
        return Place(f"{place.path}{{}}" if more else path, self._resolved(inner))

    def element(self, place: Place) -> Place:
        """Return the place of the elements of a list."""
        return Place(f"{place.path}[]", self._resolved(place.type.get("items", _NONE)))

    def list_type(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Return atomic, set or map, and the keys of a map."""
        name = path.rpartition(".")[2]
        if path == "metadata.ownerReferences":
            return _MAP, _BY_KEY[name]
        if path == "metadata.finalizers":
            return _SET, ()
        if self._kind.custom:
            rules = self.rules(path)
            kind = rules.get("x-kubernetes-list-type", "atomic")
            return kind, tuple(rules.get("x-kubernetes-list-map-keys", ()))
        if name == "ports":
            return _MAP, _PORTS.get(self._kind.resource, _POD_PORTS)
        return (_MAP, _BY_KEY[name]) if name in _BY_KEY else _ATOMIC

    def is_value(self, path: str) -> bool:
        """Whether a mapping there is one value, owned and replaced whole."""
        return self.rules(path).get("x-kubernetes-map-type") == "atomic"

    def defaults(self) -> Iterator[tuple[str, Any]]:
        """Yield the places of the spec that have a default, outside of lists."""
        for path, rules in self._rules.items():
            if "default" in rules and path.startswith("spec.") and "[" not in path:
                yield path, rules["default"]

    def _resolved(self, given: Any) -> Mapping[str, Any]:
        found: Mapping[str, Any] = given if isinstance(given, Mapping) else _NONE
        while "$ref" in found:
            found = self._types.get(str(found["$ref"]).rsplit("/", 1)[-1], _NONE)
        return found


@cache
def schema_of(catalog: Catalog, kind: Kind) -> Schema:
    """Return the schema of a kind."""
    return Schema(catalog, kind)
