# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What an error of Kubernetes or of KubeVirt's own API server means; it comes in five shapes.

A Status of the kube-apiserver, one of a webhook, one of virt-api, and plain text with 500 or 401
(virt-api v1.9.0): guest facts answer 500 in plain text for "not found", and a 401 in plain text
is a missing permission, not an expired token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..engine.errors import (
    AlreadyExists,
    AuthError,
    Conflict,
    LimitReached,
    NotFound,
    OperationFailed,
    PermissionDenied,
    Unavailable,
    UncertainOutcome,
    Unsupported,
    ValidationFailed,
    VirtbridgeError,
)

_CODES: Mapping[int, type[VirtbridgeError]] = {
    400: ValidationFailed,
    401: AuthError,
    403: PermissionDenied,
    404: NotFound,
    405: Unsupported,
    409: Conflict,
    410: Conflict,
    415: Unsupported,
    422: ValidationFailed,
    429: LimitReached,
    503: Unavailable,
}
_GATEWAY = frozenset({502, 504})
_HINTS: Mapping[int, str] = {
    401: "The token or client certificate is wrong, or has expired.",
    403: "Give the user or service account a role that allows it.",
}


def classify(
    status: int, content: bytes, kind: str, *, request: str, write: bool
) -> VirtbridgeError:
    """Return the error that an answer with ``status`` >= 400 stands for.

    ``kind`` is its content type. A gateway's error after a write leaves the outcome unknown.
    """
    body = _status(content) if "json" in kind else {}
    text = _clean(str(body.get("message") or content.decode("utf-8", "replace")))
    error = _kind(status, text, str(body.get("reason", "")), plain=not body, write=write)
    hint = _HINTS.get(status, "") if error in (AuthError, PermissionDenied) else ""
    said = f": {text[:1500]}" if text else ""
    if said and said[-1] not in ".!?":
        said += "."
    parts = (f"{request} was answered with {status}{said or '.'}", hint)
    return error(
        " ".join(part for part in parts if part),
        http_status=status,
        fields=_causes(body) if error is ValidationFailed else {},
        request=request,
    )


def _kind(
    status: int, text: str, reason: str, *, plain: bool, write: bool
) -> type[VirtbridgeError]:
    if reason == "AlreadyExists":
        return AlreadyExists
    if status == 401 and plain and "RBAC" in text:
        return PermissionDenied
    # The object was not stored: the webhooks of KubeVirt fail closed.
    if status in _GATEWAY or "failed calling webhook" in text:
        return UncertainOutcome if write and status in _GATEWAY else Unavailable
    if status != 500:
        return _CODES.get(status, OperationFailed)
    if re.search(r"not found$", text):
        return NotFound
    return Conflict if "stop/start already underway" in text else OperationFailed


def _causes(body: Mapping[str, Any]) -> dict[str, str]:
    causes = (body.get("details") or {}).get("causes") or ()
    return {str(each.get("field") or "object"): str(each.get("message")) for each in causes}


def _status(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _clean(text: str) -> str:
    return " ".join(text.split())
