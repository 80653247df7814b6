# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What an answer of Proxmox VE means, by its text before its status.

The status alone misleads: a missing object is mostly 500, sometimes 400, and 595 to 599 are
codes of the inner hop between nodes. Texts: sources of PVE 9.2, see the messages recorded from
them that the tests read.
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

_TEXTS: tuple[tuple[str, type[VirtbridgeError], str], ...] = (
    (
        r"is locked \(|can't lock file|cfs-lock|lock request timeout|got lock timeout",
        Locked,
        "Another operation holds it; wait for that to end, then run this again.",
    ),
    (
        r"checksum mismatch|detected modified configuration",
        Conflict,
        "Somebody else changed it meanwhile; run this again.",
    ),
    (
        r"no quorum|cluster not ready",
        Unavailable,
        "The cluster has no quorum and accepts no change; look at its nodes.",
    ),
    (
        r"permission check failed|permission denied|user != root@pam|only root can",
        PermissionDenied,
        "Give the user or token that privilege on that path (a token with privilege "
        "separation needs its own).",
    ),
    (
        r"protection mode enabled",
        ValidationFailed,
        "Its protection option is on; switch that off first if you mean it.",
    ),
    (
        r"already exists|already defined|already in use|already a pool member|already running",
        AlreadyExists,
        "",
    ),
    (
        r"does not exist|no such |not exist in cluster|no rule at position"
        r"|unable to find configuration file|hostname lookup .* failed",
        NotFound,
        "",
    ),
    (r"no space left|out of space|not enough (?:free )?space", CapacityExceeded, ""),
    (r"quota exceeded", LimitReached, ""),
)
_TEXT_CLASSES = tuple((re.compile(text, re.IGNORECASE), kind, hint) for text, kind, hint in _TEXTS)
_STATUS_CLASSES: Mapping[int, type[VirtbridgeError]] = {
    400: ValidationFailed,
    401: AuthError,
    403: PermissionDenied,
    404: NotFound,
    413: ValidationFailed,
    429: LimitReached,
    501: Unsupported,
    503: Unavailable,
    595: Unavailable,
}
_MAYBE_APPLIED = frozenset({502, 504, 596, 597, 598, 599})
_HINTS: Mapping[int, str] = {
    401: "Check the user and password, or the token's id and secret, and whether it has expired.",
    595: "The node that owns the object cannot be reached by the one that was asked.",
}


def classify(
    status: int,
    message: str,
    *,
    request: str,
    write: bool,
    fields: Mapping[str, str] | None = None,
) -> VirtbridgeError:
    """Return the error that an answer with ``status`` >= 400 stands for.

    ``message`` is the server's text, ``fields`` its ``errors`` map. A 596 or a gateway's error
    after a write leaves the outcome unknown.
    """
    text = _clean(message)
    kind, hint = _kind(status, text, write=write)
    if fields:
        kind, hint = ValidationFailed, "; ".join(f"{name}: {why}" for name, why in fields.items())
    said = f": {text}" if text else ""
    if said and said[-1] not in ".!?":
        said += "."
    parts = (f"{request} was answered with {status}{said or '.'}", hint)
    return kind(
        " ".join(part for part in parts if part),
        http_status=status,
        fields={name: str(why) for name, why in (fields or {}).items()},
        request=request,
    )


def _kind(status: int, text: str, *, write: bool) -> tuple[type[VirtbridgeError], str]:
    if status in _MAYBE_APPLIED:
        return (UncertainOutcome if write else Unavailable), ""
    if status in {401, 501, 595}:
        return _STATUS_CLASSES[status], _HINTS.get(status, "")
    for pattern, kind, hint in _TEXT_CLASSES:
        if pattern.search(text):
            return kind, hint
    return _STATUS_CLASSES.get(status, OperationFailed), ""


def task_error(exitstatus: str, upid: str, log: tuple[str, ...], request: str) -> VirtbridgeError:
    """Return the error that a failed task stands for."""
    text = _clean(exitstatus)
    kind, hint = _kind(500, text, write=False)
    # A task that died on somebody else's lock is a lock; on anything else it has failed.
    if kind not in {Locked, Conflict, CapacityExceeded, PermissionDenied}:
        kind = OperationFailed
    last = f" Its last lines: {' | '.join(log[-3:])}." if log else ""
    return kind(
        f"{request} was accepted and failed: {text}.{last} {hint}".strip() + f" Task {upid}.",
        request=request,
        log=log,
    )


def _clean(message: str) -> str:
    """Return the text without Perl's place in its source and without trailing line ends."""
    text = re.sub(r" at /usr/share/perl5/\S+ line \d+\.?", "", message)
    return " ".join(text.split()).rstrip(".")
