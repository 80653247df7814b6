# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of requests, checked, and of answers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..core.http import Request, Response
from .routes import Target
from .status import ApiError, invalid, not_found
from .store import Object

if TYPE_CHECKING:
    from .rest import Context

META = "meta.k8s.io/v1"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def metadata_of(context: Context, obj: Object) -> Object:
    """Return the metadata of an object in its namespace; ApiError when that is another, or gone."""
    metadata: Object = obj.setdefault("metadata", {})
    target = context.target
    given = metadata.get("namespace")
    if target.kind.namespaced:
        if given not in (None, "", target.namespace):
            text = "the namespace of the provided object does not match the namespace sent"
            raise ApiError(400, f"{text} on the request")
        metadata["namespace"] = target.namespace
        spaces = context.store.cluster.table("namespaces")
        if f"/{target.namespace}" not in spaces:
            raise not_found("namespaces", "", target.namespace)
    return metadata


def check_name(context: Context, metadata: Object) -> None:
    """Refuse a name that is missing or none."""
    name = metadata.get("name")
    kind = context.target.kind
    if not name:
        text = "metadata.name: Required value: name or generateName is required"
        raise ApiError(422, f'{kind.kind} "" is invalid: {text}')
    if not _NAME.fullmatch(name):
        why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"
        field = {
            "reason": "FieldValueInvalid",
            "message": f'Invalid value: "{name}": {why}',
            "field": "metadata.name",
        }
        text = f'{kind.kind}.{kind.group} "{name}" is invalid: metadata.name: {field["message"]}'
        details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": [field]}
        raise ApiError(422, text, details=details)


def check_head(target: Target, obj: Object) -> None:
    """Refuse an object that says it is of another version or of another kind."""
    kind, version = target.kind, target.kind.api_version(target.version)
    if obj.get("apiVersion") not in (None, "", version):
        text = f"the API version in the data ({obj['apiVersion']}) does not match the expected API"
        raise ApiError(400, f"{text} version ({version})")
    if obj.get("kind") not in (None, "", kind.kind):
        text = f'Invalid value: "{obj["kind"]}": must be {kind.kind}'
        field = {"reason": "FieldValueInvalid", "message": text, "field": "kind"}
        name = (obj.get("metadata") or {}).get("name", "")
        raise invalid(kind.kind, kind.group, name, [field])


def body_of(request: Request) -> Object:
    """Return the body of a request; ApiError 400 when it is no JSON."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise ApiError(400, f"error decoding body: {error}") from None
    if not isinstance(body, (dict, list)):
        raise ApiError(400, "the body must be an object")
    return body  # type: ignore[return-value]  # a JSON patch is a list, and used as one


def content_type(request: Request) -> str:
    """Return the media type of a request's body."""
    return request.headers.get("content-type", "").partition(";")[0].strip()


def versioned(context: Context, obj: Object) -> Object:
    """Return an object in the version that was asked for."""
    return {**obj, "apiVersion": context.target.kind.api_version(context.target.version)}


def shown(
    context: Context, obj: Object, status: int = 200, warnings: list[str] | None = None
) -> Response:
    """Answer with an object or its metadata alone, and with warnings in the header."""
    form = partial(obj) if only_metadata(context) else versioned(context, obj)
    answer = as_json(form, status)
    if warnings:
        answer.headers = {**answer.headers, "warning": ", ".join(f'299 - "{w}"' for w in warnings)}
    return answer


def as_json(value: Any, status: int = 200) -> Response:
    """Answer with an object."""
    return Response.json(value, status, headers={"content-type": "application/json"})


def only_metadata(context: Context) -> bool:
    """Whether the client wants PartialObjectMetadata; ApiError 406 when it wants a table only."""
    accepted = context.request.headers.get("accept", "*/*").split(",")
    forms = [_parameters(each) for each in accepted]
    for form in forms:
        kind = form.get("as", "")
        if kind.startswith("PartialObjectMetadata"):
            return True
        if not kind:
            return False
    raise ApiError(
        406,
        "only the following media types are accepted: application/json "
        "(as=Table is not modelled by virtsim)",
        reason="NotAcceptable",
    )


def partial(obj: Object) -> Object:
    """Return the metadata of an object alone."""
    head = {"kind": "PartialObjectMetadata", "apiVersion": META}
    return {**head, "metadata": obj["metadata"]}


def _parameters(accepted: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in accepted.split(";")[1:])
    return {name: value for name, _equals, value in pairs}
