# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of a kube-apiserver on stored objects."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.http import Request, Response
from . import applying, schema
from .auth import User
from .bodies import (
    as_json,
    body_of,
    check_name,
    content_type,
    metadata_of,
    shown,
    versioned,
)
from .patching import merged, patched
from .routes import Target
from .selectors import fields_match, labels_match
from .status import ApiError, conflict, not_found
from .store import Object, Store, copied

if TYPE_CHECKING:
    from .simulator import KubeVirtSimulator

_PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/apply-patch+yaml": "apply",
}


@dataclass
class Context:
    """One request on one kind of object."""

    sim: KubeVirtSimulator
    request: Request
    query: Mapping[str, str]
    target: Target
    user: User

    @property
    def store(self) -> Store:
        """The objects."""
        return self.sim.store

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def author(self) -> str:
        """Who manages the fields that this write sets."""
        agent = self.request.headers.get("user-agent", "unknown").split("/")[0]
        return self.query.get("fieldManager") or agent or "unknown"

    def live(self) -> Object:
        """Return the object; ApiError 404 when there is none."""
        found = self.store.get(self.target.kind.key, self.target.namespace, self.target.name)
        if found is None:
            raise not_found(*self.target.gone)
        return found


def verb_of(request: Request, target: Target, query: Mapping[str, str]) -> str:
    """Return the verb that RBAC knows a request by."""
    if request.method == "GET":
        if query.get("watch") in ("1", "true"):
            return "watch"
        return "get" if target.name else "list"
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, "")


def answer(context: Context, verb: str) -> Response:
    """Answer a request on an object or a list of them."""
    if verb == "get":
        return shown(context, context.live())
    if verb == "list":
        return as_json(listed(context))
    if verb == "create":
        return _create(context)
    if verb in ("update", "patch"):
        return _change(context, verb)
    if verb == "delete":
        return _delete(context)
    raise ApiError(405, f"virtsim: {verb or context.request.method} is not modelled here")


def listed(context: Context) -> Object:
    """Return a list, page by page where limit asks for it."""
    target, query = context.target, context.query
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    rows = [
        each
        for each in context.store.list(target.kind.key, target.namespace)
        if (not labels or labels_match(labels, each)) and (not fields or fields_match(fields, each))
    ]
    metadata: Object = {"resourceVersion": str(context.store.cluster.version)}
    start, limit = _start(query.get("continue", "")), int(query.get("limit") or 0)
    page = rows[start : start + limit] if limit else rows[start:]
    if limit and start + limit < len(rows):
        token = base64.urlsafe_b64encode(json.dumps({"start": start + limit}).encode()).decode()
        metadata |= {"continue": token, "remainingItemCount": len(rows) - start - limit}
    return {
        "kind": f"{target.kind.kind}List",
        "apiVersion": target.kind.api_version(target.version),
        "metadata": metadata,
        "items": [versioned(context, each) for each in page],
    }


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["start"])
    except (ValueError, KeyError):
        text = "continue key is not valid: virtsim: not a token of this server"
        raise ApiError(400, text) from None


def _create(context: Context) -> Response:
    target, obj = context.target, body_of(context.request)
    if target.name:
        raise ApiError(405, "the server does not allow this method on the requested resource")
    review = context.sim.review(context, obj)
    if review is not None:
        return as_json(review, 201)
    metadata = metadata_of(context, obj)
    if metadata.get("generateName") and not metadata.get("name"):
        context.store.cluster.serial += 1
        metadata["name"] = f"{metadata['generateName']}{context.store.cluster.serial:05x}"
    check_name(context, metadata)
    key, name = target.kind.key, metadata["name"]
    if context.store.get(key, target.namespace, name):
        full = f"{target.kind.resource}.{target.kind.group}".rstrip(".")
        details = {"name": name, "group": target.kind.group, "kind": target.kind.resource}
        text = f'{full} "{name}" already exists'
        raise ApiError(409, text, reason="AlreadyExists", details=details)
    obj, warnings = _admitted(context, "CREATE", obj, None)
    applying.updated(None, obj, context.author, context.store.stamp())
    return _stored(context, obj, None, warnings, 201)


def _change(context: Context, verb: str) -> Response:
    apply = _PATCHES.get(content_type(context.request)) == "apply" and verb == "patch"
    target = context.target
    live = context.store.get(target.kind.key, target.namespace, target.name)
    if live is None and not apply:
        raise not_found(*target.gone)
    stamp = context.store.stamp()
    obj = _wanted(context, verb, live)
    wanted = obj["metadata"].get("resourceVersion")
    if live is not None and wanted not in (None, "", live["metadata"]["resourceVersion"]):
        raise conflict(*target.gone)
    if live is not None:
        obj = _kept(obj, live, target)
    else:
        check_name(context, metadata_of(context, obj))
    operation = "UPDATE" if live is not None else "CREATE"
    obj, warnings = _admitted(context, operation, obj, live)
    if not apply:
        applying.updated(live, obj, context.author, stamp)
    return _stored(context, obj, live, warnings, 200 if live is not None else 201)


def _wanted(context: Context, verb: str, live: Object | None) -> Object:
    body = body_of(context.request)
    if verb == "update":
        return dict(body)
    form = _PATCHES.get(content_type(context.request))
    if form is None:
        known = ", ".join(sorted(_PATCHES))
        text = "the body of the request was in an unknown format - accepted media types include"
        raise ApiError(415, f"{text}: {known}")
    if form == "json":
        return dict(patched(live, body))
    if form == "merge":
        return dict(merged(copied(live), body))
    force = context.query.get("force") in ("true", "1")
    if not context.query.get("fieldManager"):
        raise ApiError(422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
    body.setdefault("metadata", {})["name"] = context.target.name
    return applying.applied(live, body, context.author, force=force, stamp=context.store.stamp())


def _kept(obj: Object, live: Object, target: Target) -> Object:
    """Return the object with what a client cannot change: identity, status or everything else."""
    if target.sub == "status":
        return {**live, "status": obj.get("status", {})}
    for name in ("uid", "creationTimestamp", "generation", "resourceVersion", "namespace", "name"):
        if name in live["metadata"]:
            obj["metadata"][name] = live["metadata"][name]
    if "status" in target.kind.subresources and "status" in live:
        obj["status"] = live["status"]
    return obj


def _admitted(
    context: Context, operation: str, obj: Object, live: Object | None
) -> tuple[Object, list[str]]:
    strict = context.query.get("fieldValidation", "Warn")
    obj, warnings = schema.pruned(context.sim.catalog, context.target, obj, strict)
    if context.target.sub:
        return obj, warnings
    more = context.sim.admission.admit(operation, context.target.kind, obj, live)
    return obj, warnings + more


def _stored(
    context: Context, obj: Object, live: Object | None, warnings: list[str], status: int
) -> Response:
    key = context.target.kind.key
    obj["apiVersion"] = context.target.kind.api_version()
    obj["kind"] = context.target.kind.kind
    if context.dry_run:
        obj["metadata"].setdefault("uid", "00000000-0000-4000-8000-000000000000")
        obj["metadata"].setdefault("creationTimestamp", context.store.stamp())
        return shown(context, obj, status, warnings)
    if live is None:
        obj = context.store.create(key, obj)
        context.sim.controllers.changed(key, obj)
    elif _without_times(obj) != _without_times(live):
        obj = context.store.update(key, obj, spec_changed=obj.get("spec") != live.get("spec"))
        if obj["metadata"].get("deletionTimestamp") and not obj["metadata"].get("finalizers"):
            context.sim.controllers.remove(key, obj)
        else:
            context.sim.controllers.changed(key, obj)
    return shown(context, obj, status, warnings)


def _without_times(obj: Object) -> Object:
    ours = ("managedFields", "resourceVersion")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in ours}
    owners = [
        {k: v for k, v in each.items() if k != "time"}
        for each in obj["metadata"].get("managedFields") or ()
    ]
    return {**obj, "metadata": metadata, "_owners": owners}


def _delete(context: Context) -> Response:
    live = context.live()
    options = body_of(context.request) if context.request.body else {}
    wanted = options.get("preconditions") or {}
    for name in ("uid", "resourceVersion"):
        if wanted.get(name) not in (None, live["metadata"].get(name)):
            why = f"Precondition failed: {name.upper()} in precondition: {wanted[name]}"
            raise conflict(*context.target.gone, why=why)
    if not context.dry_run and "All" not in (options.get("dryRun") or ()):
        orphan = options.get("propagationPolicy") == "Orphan"
        grace = options.get("gracePeriodSeconds")
        context.sim.controllers.delete(context.target.kind.key, live, orphan=orphan, grace=grace)
    left = context.store.get(context.target.kind.key, context.target.namespace, context.target.name)
    if left is not None:
        return shown(context, left)
    details = {
        "name": context.target.name,
        "group": context.target.kind.group,
        "kind": context.target.kind.resource,
        "uid": live["metadata"]["uid"],
    }
    return as_json(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        }
    )
