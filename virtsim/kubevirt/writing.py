# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""POST, PUT and PATCH: from the body of a request to the object that is stored.

The order is the real server's: unknown fields go, defaults come, mutating webhooks, the schema,
validating webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.http import Response
from . import applying, patching, validation
from .applying import Author
from .bodies import as_json, body_of, check_head, check_name, content_type, metadata_of, shown
from .routes import Target
from .schema import Schema, schema_of
from .status import ApiError, conflict, invalid, not_found
from .store import Object, copied

if TYPE_CHECKING:
    from .rest import Context

_APPLY, _STRATEGIC = "application/apply-patch+yaml", "application/strategic-merge-patch+json"
_JSON, _MERGE = "application/json-patch+json", "application/merge-patch+json"
_UID = "00000000-0000-4000-8000-000000000000"


def create(context: Context) -> Response:
    """Store a new object."""
    target, obj = context.target, body_of(context.request)
    if target.name:
        raise ApiError(405, "the server does not allow this method on the requested resource")
    review = context.sim.review(context, obj)
    if review is not None:
        return as_json(review, 201)
    check_head(target, obj)
    metadata = metadata_of(context, obj)
    if metadata.get("generateName") and not metadata.get("name"):
        context.store.cluster.serial += 1
        metadata["name"] = f"{metadata['generateName']}{context.store.cluster.serial:05x}"
    check_name(context, metadata)
    key, name = target.kind.key, metadata["name"]
    if context.store.get(key, target.namespace, name):
        details = {"name": name, "group": target.kind.group, "kind": target.kind.resource}
        text = f'{key} "{name}" already exists'
        raise ApiError(409, text, reason="AlreadyExists", details=details)
    obj, warnings = _admitted(context, obj, None)
    applying.updated(_schema(context), None, obj, _author(context, "Update"))
    return _stored(context, obj, None, warnings)


def change(context: Context, verb: str) -> Response:
    """Replace or patch an object; an apply makes one that is not there."""
    target, apply = context.target, verb == "patch" and content_type(context.request) == _APPLY
    live = context.store.get(target.kind.key, target.namespace, target.name)
    if live is None and not (apply and not target.sub):
        raise not_found(*target.gone)
    obj = _wanted(context, verb, live)
    wanted = obj.setdefault("metadata", {}).get("resourceVersion")
    if live is not None and wanted not in (None, "", live["metadata"]["resourceVersion"]):
        raise conflict(*target.gone)
    check_head(target, obj)
    if live is not None:
        obj = _kept(obj, live, target)
    else:
        check_name(context, metadata_of(context, obj))
    obj, warnings = _admitted(context, obj, live)
    if not apply:
        applying.updated(_schema(context), live, obj, _author(context, "Update"))
    return _stored(context, obj, live, warnings)


def _schema(context: Context) -> Schema:
    return schema_of(context.sim.catalog, context.target.kind)


def _author(context: Context, operation: str) -> Author:
    target = context.target
    version = target.kind.api_version(target.version)
    stamp, apart = context.store.stamp(), "status" in target.kind.subresources
    return Author(context.author, operation, version, stamp, target.sub, apart)


def _wanted(context: Context, verb: str, live: Object | None) -> Object:
    """Return the object that a request asks for."""
    body, form = body_of(context.request), content_type(context.request)
    if verb == "update":
        return dict(body)
    known = [_JSON, _MERGE, _APPLY, *(() if context.target.kind.custom else (_STRATEGIC,))]
    if form not in known:
        text = "the body of the request was in an unknown format - accepted media types include"
        raise ApiError(415, f"{text}: {', '.join(known)}")
    if form == _APPLY:
        return _applied(context, body, live)
    head = context.target.kind.api_version(context.target.version)
    shown_live = {**copied(live), "apiVersion": head}
    if form == _JSON:
        return dict(patching.patched(shown_live, body))
    if form == _MERGE:
        return dict(patching.merged(shown_live, body))
    return dict(patching.strategic(_schema(context), shown_live, body))


def _applied(context: Context, body: Object, live: Object | None) -> Object:
    if not context.query.get("fieldManager"):
        field = {"reason": "FieldValueRequired", "field": "fieldManager"}
        text = "Required value: is required for apply patch"
        raise invalid("PatchOptions", "meta.k8s.io", "", [{**field, "message": text}])
    check_head(context.target, body)
    metadata = body.setdefault("metadata", {})
    if metadata.get("managedFields") is not None:
        raise ApiError(400, "metadata.managedFields must be nil")
    if metadata.setdefault("name", context.target.name) != context.target.name:
        text = f"the name of the object ({metadata['name']}) does not match the name on the URL"
        raise ApiError(400, f"{text} ({context.target.name})")
    schema = _schema(context)
    unknown = validation.pruned(schema, body)[1]
    if unknown:
        text = f".{unknown[0]}: field not declared in schema"
        raise ApiError(500, f"failed to create typed patch object: {text}")
    force = context.query.get("force") in ("true", "1")
    return applying.applied(schema, live, body, _author(context, "Apply"), force=force)


def _kept(obj: Object, live: Object, target: Target) -> Object:
    """Return the object with what a client cannot change: identity, status or everything else."""
    if target.sub == "status":
        metadata = {**live["metadata"]}
        if "managedFields" in obj["metadata"]:
            metadata["managedFields"] = obj["metadata"]["managedFields"]
        return {**live, "metadata": metadata, "status": obj.get("status", {})}
    for name in ("uid", "creationTimestamp", "generation", "resourceVersion", "namespace", "name"):
        if name in live["metadata"]:
            obj["metadata"][name] = live["metadata"][name]
    if "status" in target.kind.subresources:
        obj.pop("status", None)
        if "status" in live:
            obj["status"] = live["status"]
    return obj


def _admitted(context: Context, obj: Object, live: Object | None) -> tuple[Object, list[str]]:
    """Return the object as webhooks and schema leave it, and what is warned of."""
    target, schema = context.target, _schema(context)
    kind, asked = target.kind, context.query.get("fieldValidation") or "Warn"
    obj, unknown = validation.pruned(schema, obj)
    said = [f'unknown field "{each}"' for each in unknown]
    if said and asked == "Strict":
        text = f'{kind.kind} in version "{target.version}" cannot be handled as a {kind.kind}'
        raise ApiError(400, f"{text}: strict decoding error: {', '.join(said)}")
    obj = validation.defaulted(schema, obj)
    admission = context.sim.admission
    if not target.sub:
        admission.mutate(kind, obj, live)
    validation.check(schema, kind.kind, kind.group, obj)
    warnings = admission.validate(kind, obj, live, target.sub)
    return obj, [*(said if asked == "Warn" else ()), *warnings]


def _stored(context: Context, obj: Object, live: Object | None, warnings: list[str]) -> Response:
    key, status = context.target.kind.key, 200 if live is not None else 201
    obj["apiVersion"] = context.target.kind.api_version()
    obj["kind"] = context.target.kind.kind
    if context.dry_run:
        obj["metadata"].setdefault("uid", _UID)
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
