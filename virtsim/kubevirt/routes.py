# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which object or list a path names."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import Catalog, Kind

VIRT = "subresources.kubevirt.io"


@dataclass(frozen=True)
class Target:
    """What a request is about."""

    kind: Kind
    version: str
    namespace: str = ""
    name: str = ""
    sub: str = ""

    @property
    def gone(self) -> tuple[str, str, str]:
        """Return resource, group and name, as messages about it need them."""
        return self.kind.resource, self.kind.group, self.name


@dataclass(frozen=True)
class VirtTarget:
    """A subresource that virt-api serves by itself."""

    version: str
    namespace: str
    resource: str
    name: str
    sub: str


def parse(path: str, catalog: Catalog) -> Target | VirtTarget | None:
    """Return what a path names; None for what is no resource."""
    parts = [part for part in path.split("/") if part]
    if not parts or parts[0] not in ("api", "apis") or len(parts) < 3:
        return None
    group, version, rest = ("", parts[1], parts[2:])
    if parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if not rest:
        return None
    resource, name, sub = rest[0], rest[1] if len(rest) > 1 else "", "/".join(rest[2:])
    if group == VIRT:
        return VirtTarget(version, namespace, resource, name, sub)
    kind = catalog.find(group, version, resource)
    if kind is None or (sub and sub not in kind.subresources):
        return None
    return Target(kind, version, namespace, name, sub)
