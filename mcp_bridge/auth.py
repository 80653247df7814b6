# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who presents a token: checked by the issuer's keys, or by asking the issuer about each one.

Nothing here keeps a token, logs it, or sends it to anybody but the issuer that made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import jwt
import requests
from jwt.exceptions import PyJWKClientConnectionError, PyJWKSetError, PyJWTError

from .config_auth import Auth, Introspection
from .errors import ConfigInvalid
from .private import open_private
from .scopes import held
from .targets_problems import Problem

LONGEST_TOKEN = 16_384
_SKEW = 30
_TIMEOUT = 5.0
_KEYS_FRESH = 300.0
_REST = 5.0
_ANSWER_FRESH = 15.0
_MOST_ANSWERS = 1000
_LONGEST_ANSWER = 65_536
_NO_KEYS = "the issuer's keys cannot be read"
_NO_ANSWER = "the issuer gave no usable answer"


class TokenRefused(Exception):
    """The token is not good here; the text says why and holds nothing of it."""


class IssuerSilent(Exception):
    """The issuer gave no usable answer, so nothing is known about the token."""


@dataclass(frozen=True)
class Identity:
    """Who presented a token, and what it may be used for."""

    issuer: str
    subject: str
    client_id: str
    scopes: frozenset[str]

    @property
    def principal(self) -> str:
        """Return the name by which policy, audit, runs and plans know this caller."""
        return f"oauth:{self.issuer}#{self.subject}"


class Verifier(Protocol):
    """Says who presents a token."""

    def verify(self, token: str) -> Identity:
        """Return the identity, or raise TokenRefused or IssuerSilent; may wait for the issuer."""

    def reach(self) -> None:
        """Raise IssuerSilent when the issuer could not be asked now."""


def open_verifier(auth: Auth, audience: str) -> Verifier:
    """Return the verifier that the configuration asks for.

    Raises ConfigInvalid when a file that it names cannot be used.
    """
    ca_file = _trusted(auth.ca_file)
    if auth.introspection is None:
        return _ByKeys(auth, audience, ssl.create_default_context(cafile=ca_file))
    secret = _secret(auth.introspection.client_secret_file)
    return _ByAsking(auth, auth.introspection, audience, secret, ca_file)


class _ByKeys:
    """Checks the signature of a JWT with the issuer's published keys (RFC 9068)."""

    def __init__(self, auth: Auth, audience: str, context: ssl.SSLContext) -> None:
        self._auth, self._audience = auth, audience
        url = str(auth.jwks_url)
        self._keys = jwt.PyJWKClient(
            url,
            lifespan=_KEYS_FRESH,
            timeout=_TIMEOUT,
            ssl_context=context if url.startswith("https:") else None,
        )
        self._silent_until = 0.0

    def verify(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._auth.algorithms:
                raise TokenRefused("the way it is signed is not allowed")
            claims = jwt.decode(
                token,
                self._key(header),
                algorithms=list(self._auth.algorithms),
                audience=self._audience,
                issuer=self._auth.issuer,
                leeway=_SKEW,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except PyJWTError as error:
            raise TokenRefused(_why(error)) from error
        return _identity(claims, self._auth.issuer)

    def reach(self) -> None:
        try:
            self._keys.get_signing_keys(refresh=True)
        except (PyJWTError, ValueError) as error:
            raise IssuerSilent(_NO_KEYS) from error

    def _key(self, header: Mapping[str, Any]) -> Any:
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise TokenRefused("it does not name its key")
        if time.monotonic() < self._silent_until:
            raise IssuerSilent(_NO_KEYS)
        try:
            return self._keys.get_signing_key(kid).key
        except (PyJWKClientConnectionError, PyJWKSetError, ValueError) as error:
            # Not asked again for a moment, or every caller would wait for it in turn.
            self._silent_until = time.monotonic() + _REST
            raise IssuerSilent(_NO_KEYS) from error


class _ByAsking:
    """Asks the issuer about each token (RFC 7662), and believes an answer for some seconds."""

    def __init__(
        self, auth: Auth, at: Introspection, audience: str, secret: str, ca_file: str | None
    ) -> None:
        self._auth, self._audience, self._url = auth, audience, at.url
        # RFC 6749, 2.3.1: both are encoded as in a form before they become a header.
        self._login = (quote(at.client_id, safe=""), quote(secret, safe=""))
        self._trust: str | bool = ca_file or True
        self._known: OrderedDict[str, tuple[float, Identity]] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, token: str) -> Identity:
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            until, identity = self._known.get(digest, (0.0, None))
        if identity is not None and time.monotonic() < until:
            return identity
        claims = self._ask(token)
        self._check(claims)
        # A token that no person stands behind is its client's, as RFC 9068 has it for JWTs.
        claims = {"sub": claims.get("client_id"), **claims}
        identity = _identity(claims, self._auth.issuer)
        left = float(claims["exp"]) - time.time()
        with self._lock:
            self._known[digest] = (time.monotonic() + min(left, _ANSWER_FRESH), identity)
            while len(self._known) > _MOST_ANSWERS:
                self._known.popitem(last=False)
        return identity

    def reach(self) -> None:
        try:
            self._check(self._ask("is anybody there"))
        except TokenRefused:
            return

    def _ask(self, token: str) -> Mapping[str, Any]:
        try:
            with requests.post(
                self._url,
                data={"token": token, "token_type_hint": "access_token"},
                auth=self._login,
                headers={"Accept": "application/json"},
                timeout=_TIMEOUT,
                allow_redirects=False,
                verify=self._trust,
                stream=True,
            ) as answer:
                if answer.status_code == requests.codes.bad_request:
                    raise TokenRefused("the issuer does not take it")
                if answer.status_code != requests.codes.ok:
                    raise IssuerSilent(f"the issuer answered with HTTP {answer.status_code}")
                text = b""
                for part in answer.iter_content(_LONGEST_ANSWER):
                    text += part
                    if len(text) > _LONGEST_ANSWER:
                        raise IssuerSilent(_NO_ANSWER)
            claims = json.loads(text)
        except (requests.RequestException, ValueError) as error:
            raise IssuerSilent(_NO_ANSWER) from error
        if not isinstance(claims, dict):
            raise IssuerSilent(_NO_ANSWER)
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        now = time.time()
        wrong = [
            (claims.get("active") is not True, "the issuer does not know it, or no longer"),
            (claims.get("iss", self._auth.issuer) != self._auth.issuer, "another issuer made it"),
            (self._audience not in _listed(claims.get("aud")), "it was made for another server"),
            (not _number(claims.get("exp")) or claims["exp"] <= now, "it has expired"),
            (_number(claims.get("nbf")) and claims["nbf"] > now + _SKEW, "it is not valid yet"),
        ]
        for applies, why in wrong:
            if applies:
                raise TokenRefused(why)


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it was made for another server"),
    (jwt.InvalidIssuerError, "another issuer made it"),
    (jwt.MissingRequiredClaimError, "it lacks a claim"),
    (jwt.InvalidSignatureError, "its signature does not hold"),
    (jwt.PyJWKClientError, "the issuer has no such key"),
)


def _why(error: Exception) -> str:
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "it is no such token")


def _identity(claims: Mapping[str, Any], issuer: str) -> Identity:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        raise TokenRefused("it does not say whose it is")
    if "cnf" in claims:
        raise TokenRefused("it is bound to a key of its holder, which is not checked here")
    scopes = claims.get("scope", claims.get("scp", ""))
    words = scopes.split() if isinstance(scopes, str) else _listed(scopes)
    client = claims.get("client_id", claims.get("azp", subject))
    return Identity(issuer, subject, str(client), held(each for each in words))


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _trusted(path: Path | None) -> str | None:
    if path is not None:
        _readable("auth.ca_file", lambda: ssl.create_default_context(cafile=str(path)))
    return str(path) if path else None


def _secret(path: Path) -> str:
    def read() -> str:
        with os.fdopen(open_private(path, os.O_RDONLY), encoding="utf-8") as file:
            secret = file.read().strip()
        if not secret:
            raise ValueError("it is empty")
        return secret

    return str(_readable("auth.introspection.client_secret_file", read))


def _readable(key: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigInvalid(None, [Problem(key, f"the file cannot be used: {reason}")]) from error
