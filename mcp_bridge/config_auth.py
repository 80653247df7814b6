# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of the configuration that say who may call over HTTP, and as whom they act."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .config_section import Patterns, Section, listed
from .scopes import READ, SCOPES

# Only what is signed by a private key: with a shared secret the server could make tokens itself,
# and with `none` anybody could.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_BY_DEFAULT: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")
_SECURE = "expected an address that starts with https://, or http:// on this machine"


def _secure(address: str) -> str:
    parts = urlsplit(address)
    odd = parts.username or parts.fragment or not address.isascii() or set(address) & set('"\\ ')
    if not parts.hostname or odd:
        raise ValueError(_SECURE)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(parts.hostname)):
        raise ValueError(_SECURE)
    return address


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _known(scopes: tuple[str, ...]) -> tuple[str, ...]:
    for scope in scopes:
        if scope not in SCOPES:
            raise ValueError(f"expected scopes of {', '.join(SCOPES)}")
    return scopes


Address = Annotated[str, Field(max_length=2000), AfterValidator(_secure)]
# Hosts, origins and scopes have colons in them.
_COMMAS = Field(json_schema_extra={"x-separator": ","})
Texts = Annotated[tuple[str, ...], BeforeValidator(listed), _COMMAS]
Scopes = Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_known), _COMMAS]
Algorithms = Annotated[tuple[Algorithm, ...], Field(min_length=1), BeforeValidator(listed)]


class Tls(Section):
    """The server's own TLS; without it, put what ends TLS before it."""

    cert_file: Path = Field(description="certificate chain, PEM")
    key_file: Path = Field(description="private key, PEM, mode 0600")


class HttpServer(Section):
    """How the server is reached over HTTP."""

    public_url: Address | None = Field(
        default=None, description="address of the MCP endpoint as clients know it, such as "
        "https://vb.example.org/mcp",
    )  # fmt: skip
    allowed_hosts: Texts = Field(
        default=(), description="further values of the header Host that are answered"
    )
    allowed_origins: Texts = Field(
        default=(), description="web pages that may call, such as https://console.example.org"
    )
    max_request_bytes: int = Field(
        default=4 << 20, ge=65_536, le=64 << 20, description="largest request, in bytes"
    )
    tls: Tls | None = Field(default=None, description="the server's own TLS [default: none]")


class Introspection(Section):
    """Asks the issuer about each token (RFC 7662), for tokens that are not JWTs."""

    url: Address = Field(description="the issuer's introspection endpoint")
    client_id: str = Field(min_length=1, description="who this server is to the issuer")
    client_secret_file: Path = Field(description="file of mode 0600 with its secret")


class Auth(Section):
    """Makes the HTTP server an OAuth 2.1 resource server."""

    issuer: Address = Field(description="the issuer, exactly as the tokens name it (iss)")
    audience: str | None = Field(
        default=None, description="what a token must be made for (aud) [default: server.public_url]"
    )
    jwks_url: Address | None = Field(default=None, description="the issuer's signing keys")
    introspection: Introspection | None = Field(
        default=None, description="the issuer is asked about each token instead"
    )
    algorithms: Algorithms = Field(default=_BY_DEFAULT, description="how a token may be signed")
    required_scopes: Scopes = Field(
        default=(READ,), description="scopes without which a token is good for nothing"
    )
    ca_file: Path | None = Field(
        default=None, description="certificates to trust for the issuer [default: the system's]"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.jwks_url is None) == (self.introspection is None):
            raise ValueError("expected either jwks_url or introspection")
        return self


class Mapped(Section):
    """The platform credentials of some principals."""

    principal: Patterns = Field(
        description="who, such as oauth:https://idp.example.org#alice; patterns with * and ?"
    )
    credentials: dict[str, dict[str, Any]] = Field(
        min_length=1,
        description="for each target a credential in the form of targets.yml; on KubeVirt "
        "impersonate_user and impersonate_groups alone act by the target's own credential",
    )


class IdentitySettings(Section):
    """With which credential a caller over HTTP acts on a target."""

    mode: Literal["map", "service"] = Field(
        default="map",
        description="map: each principal with its own, and no other; service: all with the "
        "target's own",
    )
    map: tuple[Mapped, ...] = Field(
        default=(), description="who acts with what; the first entry that names both wins"
    )
