# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What an error of CloudStack means: the HTTP status is its ``errorcode`` (ApiErrorCode, 4.20).

401 has three meanings that only the text tells apart, and 431 is also said of an id that never
existed. A failed job carries the same codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..engine.errors import (
    AlreadyExists,
    AuthError,
    CapacityExceeded,
    Conflict,
    LimitReached,
    Locked,
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
    401: AuthError,
    403: PermissionDenied,
    404: Unsupported,
    405: Unsupported,
    429: LimitReached,
    430: ValidationFailed,
    431: ValidationFailed,
    432: Unsupported,
    503: Unavailable,
    511: AuthError,
    530: OperationFailed,
    531: PermissionDenied,
    532: LimitReached,
    533: CapacityExceeded,
    534: Unavailable,
    535: CapacityExceeded,
    536: Locked,
    537: Conflict,
}
_TEXTS: tuple[tuple[int, str, type[VirtbridgeError], str], ...] = (
    (
        401,
        r"command .* (?:does not exist|is not available)",
        PermissionDenied,
        "The role of this user lacks the command, or this release does not know it.",
    ),
    (
        431,
        r"entity does not exist|unable to find|couldn't find|does not exist",
        NotFound,
        "",
    ),
    (431, r"already (?:exists|in use)|is already used", AlreadyExists, ""),
    (537, r"already (?:exists|in use)", AlreadyExists, ""),
)
_HINTS: Mapping[int, str] = {
    401: "Check the API key, its secret key, that the user is enabled, and this host's clock.",
    429: "The API is throttled for this account; try again later.",
    511: "The user must pass a second factor; use API keys of a user without one.",
}
GATEWAY = frozenset({502, 504})
"""Answers of a proxy in front of the server, after which the outcome of a write is unknown."""


def classify(status: int, text: str, *, request: str, write: bool) -> VirtbridgeError:
    """Return the error that an answer with ``status`` >= 400 stands for; ``text`` is errortext."""
    text = _clean(text)
    kind, hint = _kind(status, text, write=write)
    said = f": {text}" if text else ""
    if said and said[-1] not in ".!?":
        said += "."
    parts = (f"{request} was answered with {status}{said or '.'}", hint)
    return kind(
        " ".join(part for part in parts if part),
        http_status=status,
        fields=_named(text) if kind is ValidationFailed else {},
        request=request,
    )


def job_error(code: int, text: str, job: str, request: str) -> VirtbridgeError:
    """Return the error that a failed job stands for."""
    text = _clean(text) or "no reason was given"
    kind, _hint = _kind(code, text, write=False)
    # What a job calls a bad parameter was accepted once, and so is a failure of the operation.
    if kind in {ValidationFailed, Unavailable, AuthError, NotFound}:
        kind = OperationFailed
    said = text if text[-1] in ".!?" else f"{text}."
    return kind(
        f"{request} was accepted and failed: {said} Job {job}.",
        request=request,
        log=(f"{code}: {text}",),
    )


def _kind(status: int, text: str, *, write: bool) -> tuple[type[VirtbridgeError], str]:
    if status in GATEWAY:
        return (UncertainOutcome if write else Unavailable), ""
    for code, pattern, kind, hint in _TEXTS:
        if status == code and re.search(pattern, text, re.IGNORECASE):
            return kind, hint
    return _CODES.get(status, OperationFailed), _HINTS.get(status, "")


def _named(text: str) -> dict[str, str]:
    """Return the parameter that a refusal names (``… parameter zoneid …``)."""
    found = re.search(r"\bparameter[ :]+'?([a-z][a-z0-9]+)\b", text)
    return {found[1]: text} if found else {}


def _clean(text: str) -> str:
    return " ".join(str(text).split())
