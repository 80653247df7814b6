# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls: tickets, their CSRF token, API tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .model import Access

LIFETIME = 2 * 60 * 60
EARLY = -300
COOKIE = "PVEAuthCookie"
OPEN = frozenset(
    {
        "GET /access/domains",
        "GET /access/ticket",
        "POST /access/ticket",
        "POST /access/openid/auth-url",
        "POST /access/openid/login",
    }
)


class Unauthenticated(Exception):
    """Carry the reason line of a 401."""


@dataclass(frozen=True)
class Keyring:
    """Sign and verify tickets with the cluster's secret."""

    secret: bytes

    def _signature(self, text: str) -> str:
        # As long as the RSA signature of a real ticket: clients store and send it whole.
        block = b"".join(
            hmac.new(self.secret, f"{n}:{text}".encode(), hashlib.sha256).digest() for n in range(8)
        )
        return base64.b64encode(block).decode()

    def ticket(self, user: str, now: float) -> str:
        """Make a ticket that holds for two hours."""
        text = f"PVE:{user}:{int(now):08X}"
        return f"{text}::{self._signature(text)}"

    def challenge(self, user: str, now: float) -> str:
        """Make the ticket that only asks for the second factor; it opens nothing."""
        asked = quote(json.dumps({"totp": True}, separators=(",", ":")))
        text = f"PVE:!tfa!{asked}:{int(now):08X}"
        return f"{text}::{self._signature(f'{text}:{user}')}"

    def challenged(self, ticket: str, user: str, now: float) -> bool:
        """Verify such a ticket, which holds for its user only."""
        match = re.fullmatch(r"(PVE:!tfa!\S+:([A-F0-9]{8}))::([A-Za-z0-9+/=]+)", ticket)
        if not match:
            return False
        good = hmac.compare_digest(match[3], self._signature(f"{match[1]}:{user}"))
        return good and EARLY < now - int(match[2], 16) < LIFETIME

    def user_of(self, ticket: str, now: float) -> str | None:
        """Give the user of a valid ticket."""
        match = re.fullmatch(r"(PVE:(\S+):([A-F0-9]{8}))::([A-Za-z0-9+/=]+)", ticket)
        if not match or not hmac.compare_digest(match[4], self._signature(match[1])):
            return None
        age = now - int(match[3], 16)
        return match[2] if EARLY < age < LIFETIME else None

    def csrf(self, user: str, now: float) -> str:
        """Make the token that writes with a ticket must carry."""
        stamp = f"{int(now):08X}"
        digest = hmac.new(self.secret, f"{stamp}:{user}".encode(), hashlib.sha256).digest()
        return f"{stamp}:{base64.b64encode(digest).decode().rstrip('=')}"

    def csrf_holds(self, token: str, user: str, now: float) -> bool:
        """Verify such a token."""
        stamp = token.partition(":")[0]
        if not re.fullmatch(r"[A-F0-9]{8}", stamp):
            return False
        at = int(stamp, 16)
        return EARLY < now - at < LIFETIME and hmac.compare_digest(token, self.csrf(user, at))


def usable(access: Access, user: str, now: float) -> bool:
    """Tell whether a user exists, is enabled and has not expired."""
    row = access.users.get(user)
    return bool(row and row["enable"] and (not row["expire"] or row["expire"] > now))


def identify(
    access: Access, keys: Keyring, headers: Mapping[str, str], operation: str, now: float
) -> str | None:
    """Name the caller of an operation, None for an open one, or raise the 401."""
    authorization = headers.get("authorization", "")
    match = re.match(r"PVEAPIToken=([^=]*)=(.*)", authorization)
    if match:
        return _token_user(access, match[1], match[2], now)
    cookie = re.search(rf"(?:^|\s|;){COOKIE}=([^;]*)", headers.get("cookie", ""))
    if operation in OPEN:
        return None
    if not cookie:
        raise Unauthenticated("No ticket")
    user = keys.user_of(unquote(cookie[1]), now)
    if user is None or not usable(access, user, now):
        raise Unauthenticated("Authentication failed!")
    if not operation.startswith("GET "):
        token = headers.get("csrfpreventiontoken", "")
        if not keys.csrf_holds(token, user, now):
            raise Unauthenticated("Permission denied - invalid csrf token")
    return user


def _token_user(access: Access, tokenid: str, secret: str, now: float) -> str:
    token = access.token(tokenid)
    owner = tokenid.partition("!")[0]
    good = (
        token is not None
        and usable(access, owner, now)
        and (not token["expire"] or token["expire"] > now)
        and hmac.compare_digest(str(token["secret"]), secret)
    )
    if not good:
        raise Unauthenticated("Authentication failed!")
    return tokenid
