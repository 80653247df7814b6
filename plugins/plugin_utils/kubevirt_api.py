# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look up and check a raw Kubernetes call against the catalog, on the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..module_utils.engine.errors import ValidationFailed
from .api_secrets import texts_under
from .schema_check import nearest

_VERBS = {
    "get": ("GET", "read"),
    "list": ("GET", "read"),
    "create": ("POST", "write"),
    "patch": ("PATCH", "write"),
    "apply": ("PATCH", "write"),
    "replace": ("PUT", "disruptive"),
    "delete": ("DELETE", "destructive"),
}
_CATALOG_VERB = {"apply": "patch", "replace": "update"}
# The annotation holds a whole object as text, with all that is secret in it.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRETS = {"Secret": ("data", "stringData")}
_ANYWHERE = ("userData", "userDataBase64", _LAST_APPLIED)
_NEEDS_BODY = frozenset({"create", "patch", "apply", "replace"})


def resolve(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with ``operation``: method, path, risk, and where secrets stand.

    Raises ValidationFailed for an unknown kind, verb or subresource, and for what is missing.
    """
    kind, version = str(arguments.get("kind") or ""), arguments.get("api_version")
    record, served = _kind(kind, str(version) if version else None)
    verb = str(arguments.get("verb") or "get")
    sub = arguments.get("subresource")
    wrong = _wrong(arguments, record, verb, sub)
    if wrong:
        what = "; ".join(f"{name}: {text}" for name, text in wrong.items())
        raise ValidationFailed(f"{kind}: {what}. Nothing was sent.", fields=wrong)
    if sub and sub not in record["subresources"]:
        operation = _virt(arguments, record, str(sub))
    else:
        operation = _plain(arguments, record, served, verb)
    operation["hidden"] = [f"**.{name}" for name in secret_names(record["kind"])]
    found = texts_under(arguments.get("body"), secret_names(record["kind"]))
    # They stay where they are in the body; named here, they are shown nowhere.
    named = {"secret_params": {**(arguments.get("secret_params") or {}), "body": found}}
    return {**arguments, **(named if found else {}), "operation": operation}


def secret_names(kind: str) -> tuple[str, ...]:
    """Return under which names, however deep, objects of a kind hold what is secret."""
    return (*_SECRETS.get(kind, ()), *_ANYWHERE)


@cache
def catalog() -> Mapping[str, Any]:
    """Return the catalog."""
    file = Path(__file__).parents[1] / "module_utils" / "kubevirt" / "catalog.json"
    content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _kind(name: str, version: str | None) -> tuple[Mapping[str, Any], str]:
    """Return the record of a kind and the apiVersion to use."""
    records = [row for row in catalog()["kinds"] if row["kind"].lower() == name.lower()]
    if not records:
        hint = nearest(name, {row["kind"] for row in catalog()["kinds"]})
        text = f"no kind {name or 'is given'}{hint}"
        raise ValidationFailed(f"kind: {text} Nothing was sent.", fields={"kind": text})
    known = {_api_version(row, each["version"]): row for row in records for each in row["versions"]}
    if version is None:
        row = records[0]
        stored = [each["version"] for each in row["versions"] if each.get("storage")]
        return row, _api_version(row, (stored or [row["versions"][-1]["version"]])[0])
    if version not in known:
        text = f"{name} is not served as {version}{nearest(version, known)}"
        raise ValidationFailed(
            f"api_version: {text}. Nothing was sent.", fields={"api_version": text}
        )
    return known[version], version


def _api_version(record: Mapping[str, Any], version: str) -> str:
    return f"{record['group']}/{version}" if record["group"] else version


def _wrong(
    arguments: Mapping[str, Any], record: Mapping[str, Any], verb: str, sub: Any
) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if verb not in _VERBS:
        wrong["verb"] = f"unknown verb{nearest(verb, _VERBS)}"
    elif _CATALOG_VERB.get(verb, verb) not in record["verbs"]:
        wrong["verb"] = f"{record['kind']} has only {', '.join(record['verbs'])}"
    named = verb not in ("create", "list") or sub
    if named and not arguments.get("name"):
        wrong["name"] = "is needed for this verb"
    everywhere = verb == "list" and not sub
    if record["namespaced"] and not everywhere and not arguments.get("namespace"):
        wrong["namespace"] = "is needed, since the kind is in namespaces"
    if not record["namespaced"] and arguments.get("namespace"):
        wrong["namespace"] = "must be unset, since the kind is in no namespace"
    if verb in _NEEDS_BODY and not sub and not isinstance(arguments.get("body"), Mapping):
        wrong["body"] = "is needed for this verb, as a mapping"
    return wrong


def _virt(arguments: Mapping[str, Any], record: Mapping[str, Any], sub: str) -> dict[str, Any]:
    """Return the operation on a subresource of KubeVirt's own API server."""
    routes = {
        row["name"]: row
        for row in catalog()["subresources"]
        if row["resource"] == record["resource"]
    }
    if sub not in routes:
        known = [*record["subresources"], *routes]
        text = f"{record['kind']} has no subresource {sub}{nearest(sub, known)}"
        raise ValidationFailed(
            f"subresource: {text} Nothing was sent.", fields={"subresource": text}
        )
    route = routes[sub]
    if route.get("websocket"):
        text = "opens a stream, which a module cannot use"
        raise ValidationFailed(
            f"subresource: {sub} {text}. Nothing was sent.", fields={"subresource": text}
        )
    places = {name: quote(str(arguments[name]), safe="") for name in ("namespace", "name")}
    path = str(route["path"]).format(**places)
    return {"method": route["method"], "path": path, "risk": route["risk"]}


def _plain(
    arguments: Mapping[str, Any], record: Mapping[str, Any], served: str, verb: str
) -> dict[str, Any]:
    method, risk = _VERBS[verb]
    group = f"/apis/{served}" if record["group"] else f"/api/{served}"
    place = arguments.get("namespace")
    parts = [group]
    if place:
        parts.append(f"namespaces/{quote(str(place), safe='')}")
    parts.append(record["resource"])
    if verb not in ("create", "list"):
        parts.append(quote(str(arguments["name"]), safe=""))
    if arguments.get("subresource"):
        parts.append(str(arguments["subresource"]))
    return {
        "method": method,
        "path": "/".join(parts),
        "risk": risk,
        "api_version": served,
        "kind": record["kind"],
        "verb": verb,
    }
