# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of vendor operations that the bridge searches, from the catalogs of the collection."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from plugins.plugin_utils.kubevirt_api import secret_names

_KUBEVIRT_VERBS = {
    "get": "read",
    "list": "read",
    "create": "write",
    "patch": "write",
    "apply": "write",
    "replace": "disruptive",
    "delete": "destructive",
}
_NAMED = frozenset({"get", "patch", "apply", "replace", "delete"})


def operations(root: Path, platforms: Collection[str]) -> str:
    """Return the text of ``operations.json``: one operation per line, sorted by id.

    ``platforms`` are those that have a raw module; each has a catalog below ``root``.
    """
    readers = {"cloudstack": _cloudstack, "kubevirt": _kubevirt, "proxmox": _proxmox}
    found = [row for name, read in readers.items() if name in platforms for row in read(root)]
    rows = sorted(found, key=lambda row: str(row["id"]))
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return '{"version": 1, "operations": [\n' + ",\n".join(lines) + "\n]}\n"


def _catalog(root: Path, platform: str) -> Mapping[str, Any]:
    file = root / "plugins" / "module_utils" / platform / "catalog.json"
    content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _proxmox(root: Path) -> Iterator[dict[str, Any]]:
    for record in _catalog(root, "proxmox")["endpoints"]:
        if record["path"].endswith("websocket"):
            continue
        params = {name: _proxmox_type(facts) for name, facts in record["params"].items()}
        required = [
            name
            for name, facts in record["params"].items()
            if not facts.get("optional") and not facts.get("alias") and not name.endswith("[n]")
        ]
        loose = any("type-property" in facts for facts in record["params"].values())
        yield {
            "id": f"proxmox:{record['method']} {record['path']}",
            "platform": "proxmox",
            "risk": record["risk"],
            "raises": _raises(record),
            "params": params,
            "required": [] if loose else required,
            "open": bool(loose or record.get("additional_params")),
            "secrets": list(record.get("secret_params", ())),
        }


def _proxmox_type(facts: Mapping[str, Any]) -> str:
    choices = facts.get("enum")
    return "|".join(map(str, choices)) if choices else str(facts.get("type", "string"))


def _cloudstack(root: Path) -> Iterator[dict[str, Any]]:
    for record in _catalog(root, "cloudstack")["commands"]:
        yield {
            "id": f"cloudstack:{record['name']}",
            "platform": "cloudstack",
            "risk": record["risk"],
            "raises": _raises(record),
            "params": {each["name"]: str(each["type"]) for each in record["params"]},
            "required": [each["name"] for each in record["params"] if each.get("required")],
            "secrets": list(record.get("secret_params", ())),
        }


def _kubevirt(root: Path) -> Iterator[dict[str, Any]]:
    catalog = _catalog(root, "kubevirt")
    routes: dict[str, list[Mapping[str, Any]]] = {}
    for route in catalog["subresources"]:
        if route["resource"] and not route.get("websocket"):
            routes.setdefault(route["resource"], []).append(route)
    for kind in catalog["kinds"]:
        group = kind["group"] or "core"
        for verb, risk in _KUBEVIRT_VERBS.items():
            wanted = {"apply": "patch", "replace": "update"}.get(verb, verb)
            if wanted in kind["verbs"]:
                yield _kubevirt_row(kind, group, verb, risk, "")
        for route in routes.get(kind["resource"], ()):
            yield _kubevirt_row(kind, group, "call", route["risk"], str(route["name"]))


def _kubevirt_row(
    kind: Mapping[str, Any], group: str, verb: str, risk: str, sub: str
) -> dict[str, Any]:
    params = {"body": "object"} if sub or verb not in ("get", "list", "delete") else {}
    if verb in ("get", "list"):
        params["params"] = "object"
    required = []
    if kind["namespaced"]:
        params["namespace"] = "string"
        required += [] if verb == "list" else ["namespace"]
    if sub or verb in _NAMED:
        params["name"] = "string"
        required.append("name")
    if params.get("body") and not sub:
        required.append("body")
    secrets = [f"body.**.{name}" for name in secret_names(kind["kind"])] if "body" in params else []
    return {
        "id": f"kubevirt:{verb} {group}/{kind['kind']}" + (f"/{sub}" if sub else ""),
        "platform": "kubevirt",
        "risk": risk,
        "raises": [],
        "params": params,
        "required": required,
        "secrets": secrets,
    }


def _raises(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(rule) for rule in record.get("raise", ())]
