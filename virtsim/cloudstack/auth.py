# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sent a request: the key, the signature as Java computes it, and its expiry."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .errors import UNAUTHORIZED, ApiError

REFUSED = "unable to verify user credentials and/or request signature"
_BARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-*_")


def java_encoded(text: str) -> str:
    """Encode as java.net.URLEncoder does, with a space as %20 instead of a plus sign."""
    return "".join(chr(byte) if byte in _BARE else f"%{byte:02X}" for byte in text.encode())


def signature(params: Mapping[str, str], secret: str) -> str:
    """Return the signature that the server expects of these parameters."""
    named = sorted((name, value) for name, value in params.items() if name.lower() != "signature")
    text = "&".join(f"{name}={java_encoded(value)}" for name, value in named).lower()
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def identify(users: Mapping[str, Any], params: Mapping[str, str], now: float) -> dict[str, Any]:
    """Return the user that signed a request; ApiError 401 when nobody did.

    ``now`` is the time outside: a client signs by its own clock, however fast the virtual one is.
    """
    given = {name.lower(): value for name, value in params.items()}
    user = next(
        (each for each in users.values() if each["apikey"] == given.get("apikey", "")), None
    )
    if user is None or user["state"] != "enabled" or not given.get("signature"):
        raise ApiError(UNAUTHORIZED, REFUSED)
    if given.get("signatureversion") == "3":
        _not_expired(given.get("expires", ""), now)
    if not hmac.compare_digest(signature(params, user["secretkey"]), given["signature"]):
        raise ApiError(UNAUTHORIZED, REFUSED)
    return dict(user)


def _not_expired(text: str, now: float) -> None:
    try:
        expires = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise ApiError(UNAUTHORIZED, "missing or malformed parameter expires") from None
    if expires.timestamp() < now:
        raise ApiError(UNAUTHORIZED, "signature is expired -- ignoring -- signature expired")
