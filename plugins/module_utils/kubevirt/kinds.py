# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The kinds of objects that the resources use, and where the API serves them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Kind:
    """One kind: its group, a version of it, and its name in paths."""

    group: str
    version: str
    kind: str
    resource: str

    @property
    def api_version(self) -> str:
        """Return ``apiVersion`` of an object."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path of one object, or of the list of a namespace or of all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{root}{place}/{self.resource}" + (f"/{quote(name, safe='')}" if name else "")


VM = Kind("kubevirt.io", "v1", "VirtualMachine", "virtualmachines")
VMI = Kind("kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances")
SNAPSHOT = Kind(
    "snapshot.kubevirt.io", "v1beta1", "VirtualMachineSnapshot", "virtualmachinesnapshots"
)
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")


def subresource(kind: Kind, namespace: str, name: str, sub: str) -> str:
    """Return the path of a subresource that virt-api serves."""
    root = f"/apis/subresources.kubevirt.io/{kind.version}/namespaces/{quote(namespace, safe='')}"
    return f"{root}/{kind.resource}/{quote(name, safe='')}/{sub}"
