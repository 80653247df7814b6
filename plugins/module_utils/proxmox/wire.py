# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What goes over the wire and what comes back, without a library: credential, answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.errors import UncertainOutcome

MAX_DEPTH = 64


@dataclass(frozen=True)
class Credential:
    """Either a token (``user@realm!name`` and its secret) or a user, a password and a TOTP."""

    token_id: str = ""
    token_secret: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    totp: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Raw:
    """An answer as it came: the status, the reason, and the JSON body (empty when it has none)."""

    status: int
    reason: str
    body: Mapping[str, Any]
    retry_after: str | None = None


def flat(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return form fields: booleans as 1 and 0, lists as repeated keys, None left out."""
    fields: list[tuple[str, str]] = []
    for name, value in parameters.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        fields += [
            (name, str(int(each) if isinstance(each, bool) else each))
            for each in values
            if each is not None
        ]
    return fields


def parsed(content: bytes, status: int, request: str, host: str) -> Mapping[str, Any]:
    """Return the JSON object of an answer; empty for an error without one.

    Raises UncertainOutcome when a success is no JSON object, as a proxy's login page is not.
    """
    if not content and status >= 300:
        return {}
    try:
        body = json.loads(content)
        _limit_depth(body)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    if status >= 300:
        return {}
    page = b"<html" in content[:2000].lower()
    seen = "a web page, as a proxy's login gives," if page else "no valid JSON"
    raise UncertainOutcome(
        f"{request}: {host} answered with {seen} instead of Proxmox VE's JSON. "
        "Check api_host and what stands between.",
        request=request,
        http_status=status,
    )


def _limit_depth(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, dict):
        for each in value.values():
            _limit_depth(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _limit_depth(each, depth + 1)
