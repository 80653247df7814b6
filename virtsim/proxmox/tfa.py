# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second factor of a login: time-based one-time passwords (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import MutableMapping
from typing import Any

STEP = 30
DIGITS = 6


def code(secret: str, now: float) -> str:
    """Give the password that a secret in base 32 has at a time."""
    return _code(secret, int(now) // STEP)


def _code(secret: str, step: int) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def accept(user: MutableMapping[str, Any], answer: str, now: float) -> bool:
    """Tell whether an answer such as ``totp:123456`` holds; each password does so once."""
    kind, _, given = answer.partition(":")
    if kind != "totp":
        return False
    present = int(now) // STEP
    for step in (present - 1, present, present + 1):
        fresh = step > user.get("totp_used", 0)
        if fresh and hmac.compare_digest(_code(user["totp"], step).encode(), given.encode()):
            user["totp_used"] = step
            return True
    return False
