# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""LIST: selectors, pages of one state of the cluster, versions, and metadata only."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..core.http import Response
from .bodies import META, as_json, only_metadata, partial, versioned
from .selectors import check, fields_match, labels_match
from .status import ApiError, invalid
from .store import Object

if TYPE_CHECKING:
    from .rest import Context

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter."
)
_TOO_NEW = {
    "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
}


def listed(context: Context) -> Response:
    """Answer a LIST, page by page where limit asks for it."""
    target, store = context.target, context.store
    check_selectors(context)
    limit = _number(context.query, "limit")
    token = _token(context)
    version = token[0] if token else _version(context)
    if version == store.cluster.version:
        rows = list(store.list(target.kind.key, target.namespace))
    else:
        rows = list(store.list_at(target.kind.key, target.namespace, version))
    chosen = [each for each in rows if matches(context, each)]
    rest = [each for each in chosen if not token or _key(each) > token[1]]
    page = rest[:limit] if limit else rest
    metadata: Object = {"resourceVersion": str(version)}
    if len(page) < len(rest):
        metadata["continue"] = _encoded(version, _key(page[-1]))
        if not context.query.get("labelSelector") and not context.query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(rest) - len(page)
    return as_json(_shape(context, metadata, page))


def check_selectors(context: Context) -> None:
    """Raise the 400 of a selector that cannot be understood, also where nothing is stored."""
    query = context.query
    check(query.get("labelSelector", ""), query.get("fieldSelector", ""), context.target.kind)


def matches(context: Context, obj: Object) -> bool:
    """Whether an object is chosen by the selectors of a request, and by its name."""
    query, target = context.query, context.target
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    if target.name and obj["metadata"]["name"] != target.name:
        return False
    return (not labels or labels_match(labels, obj)) and (
        not fields or fields_match(fields, obj, target.kind)
    )


def _shape(context: Context, metadata: Object, page: list[Object]) -> Object:
    kind = context.target.kind
    if only_metadata(context):
        head = {"kind": "PartialObjectMetadataList", "apiVersion": META, "metadata": metadata}
        return {**head, "items": [partial(each) for each in page]}
    version = kind.api_version(context.target.version)
    head = {"kind": f"{kind.kind}List", "apiVersion": version, "metadata": metadata}
    return {**head, "items": [versioned(context, each) for each in page]}


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "") or "0"
    if not text.lstrip("-").isdecimal():
        raise ApiError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _version(context: Context) -> int:
    """Return the version of the cluster that a list is to show."""
    now = context.store.cluster.version
    text, match = (
        context.query.get(name, "") for name in ("resourceVersion", "resourceVersionMatch")
    )
    if match and (not text or match not in ("Exact", "NotOlderThan")):
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _refused(context, "Forbidden", why)
    if not text.isdecimal() and text:
        raise _refused(context, "Invalid value", f'"{text}": strconv.ParseUint: invalid syntax')
    wanted = int(text or 0)
    if wanted > now:
        details = {**_TOO_NEW, "retryAfterSeconds": 1}
        text = f"Timeout: Too large resource version: {wanted}, current: {now}"
        raise ApiError(504, text, reason="Timeout", details=details)
    exact = match == "Exact" or (not match and "limit" in context.query and wanted)
    if not exact:
        return now
    if wanted < context.store.cluster.dropped:
        raise ApiError(410, f"The provided resource version {wanted} is too old.")
    return wanted


def _refused(context: Context, what: str, why: str) -> ApiError:
    cause = {"reason": "FieldValueInvalid", "message": f"{what}: {why}", "field": "resourceVersion"}
    return invalid("ListOptions", "meta.k8s.io", "", [cause])


def _token(context: Context) -> tuple[int, str] | None:
    text = context.query.get("continue", "")
    if not text:
        return None
    if context.query.get("resourceVersion", "0") not in ("", "0"):
        text = "specifying resource version is not allowed when using continue"
        raise ApiError(400, text)
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        version, start = int(token["rv"]), str(token["start"])
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "continue key is not valid: virtsim: no token of this server") from None
    if version < context.store.cluster.dropped:
        raise ApiError(410, _EXPIRED)
    return version, start


def _encoded(version: int, start: str) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": version, "start": start}
    text = json.dumps(token, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
