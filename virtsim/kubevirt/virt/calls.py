# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the calls below subresources.kubevirt.io share: their bodies, and states of a guest."""

from __future__ import annotations

import json

from ...core.http import Request
from ..status import ApiError
from ..store import Object


def read(request: Request) -> Object:
    """Return the options in a body, empty without one; ApiError 400 when it is no JSON."""
    if not request.body.strip():
        return {}
    try:
        found = json.loads(request.body)
    except json.JSONDecodeError as error:
        text = f"Can not unmarshal Request body to struct, error: json: offset {error.pos + 1}: "
        raise ApiError(400, text + unreadable(error)) from None
    return found if isinstance(found, dict) else {}


def unreadable(error: json.JSONDecodeError) -> str:
    """Return what the server says of a text that is no JSON."""
    where = "object key string" if "property name" in error.msg else "value"
    found = error.doc[error.pos : error.pos + 1]
    return f"invalid character '{found}' looking for beginning of {where}"


def is_dry(body: Object) -> bool:
    """Whether a call is to change nothing."""
    return bool(body.get("dryRun"))


def phase_of(vmi: Object | None) -> str:
    """Return the phase of a guest; nothing without one."""
    return str(((vmi or {}).get("status") or {}).get("phase", ""))
