# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server says it serves."""

from __future__ import annotations

from typing import Any

from .kinds import Catalog, Kind
from .routes import VIRT

VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.1", "platform": "linux/amd64"}
# Served by virt-api, and listed by it; the others it serves are missing from its list.
_LISTED = (
    "virtualmachines/start", "virtualmachines/stop", "virtualmachines/restart",
    "virtualmachines/migrate", "virtualmachines/expand-spec",
    "virtualmachineinstances/pause", "virtualmachineinstances/unpause",
    "virtualmachineinstances/console", "virtualmachineinstances/vnc",
    "virtualmachineinstances/guestosinfo", "virtualmachineinstances/userlist",
    "virtualmachineinstances/filesystemlist", "virtualmachineinstances/softreboot",
)  # fmt: skip


def answer(path: str, catalog: Catalog) -> dict[str, Any] | None:
    """Return the document at a discovery path; None when it is none."""
    parts = [part for part in path.split("/") if part]
    if parts == ["version"]:
        return VERSION
    if parts == ["api"]:
        head = {"kind": "APIVersions", "apiVersion": "v1"}
        return {**head, "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["api", "v1"] or (len(parts) == 3 and parts[0] == "apis"):
        return _resources(*(("", "v1") if parts[0] == "api" else (parts[1], parts[2])), catalog)
    return _groups(parts, catalog) if parts[:1] == ["apis"] else None


def _groups(parts: list[str], catalog: Catalog) -> dict[str, Any] | None:
    names = sorted([name for name in catalog.groups() if name] + [VIRT])
    if len(parts) == 1:
        groups = [_group(name, catalog) for name in names]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if len(parts) == 2 and parts[1] in names:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], catalog)}
    return None


def _group(name: str, catalog: Catalog) -> dict[str, Any]:
    versions = ["v1", "v1alpha3"] if name == VIRT else catalog.groups()[name]
    shown = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": shown, "preferredVersion": shown[0]}


def _resources(group: str, version: str, catalog: Catalog) -> dict[str, Any] | None:
    served = f"{group}/{version}" if group else version
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": served}
    if group == VIRT and version in ("v1", "v1alpha3"):
        rows = [
            {"name": each, "singularName": "", "namespaced": True, "kind": "", "verbs": None}
            for each in _LISTED
        ]
        return {**head, "resources": rows}
    kinds = [
        each for each in catalog.kinds.values() if each.group == group and version in each.versions
    ]
    if not kinds:
        return None
    return {**head, "resources": [row for kind in kinds for row in _rows(kind)]}


def _rows(kind: Kind) -> list[dict[str, Any]]:
    main = {
        "name": kind.resource,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
        "shortNames": list(kind.short),
    }
    subs = [
        {
            "name": f"{kind.resource}/{each}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": ["get", "patch", "update"],
        }
        for each in kind.subresources
    ]
    return [main, *subs]
