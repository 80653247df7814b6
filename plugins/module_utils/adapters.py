# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What requests sends by: the trust of an endpoint, and headers that come several times."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import trust
from .engine.errors import ValidationFailed

_Adapter: Any = object
# `transport` says what is missing, to whom and what to do.
with suppress(ImportError):
    from requests.adapters import HTTPAdapter
    from urllib3._collections import HTTPHeaderDict

    _Adapter = HTTPAdapter

if TYPE_CHECKING:
    from .transport import Endpoint


class Plain(_Adapter):  # type: ignore[misc]  # a stand-in when requests is missing
    """Adds headers to each request, of which one may come several times."""

    def __init__(self, always: Sequence[tuple[str, str]], **options: Any) -> None:
        self._always = always
        super().__init__(**options)

    def add_headers(self, request: Any, **_options: Any) -> None:
        """Add them right before the request is sent: requests itself keeps one of each name."""
        if self._always:
            request.headers = HTTPHeaderDict(request.headers)
            for name, value in self._always:
                request.headers.add(name, value)


class Verified(Plain):
    """Trusts what an endpoint says, and nothing that requests or urllib3 would add to it.

    A fingerprint is compared after the handshake, before a byte is sent.
    """

    def __init__(self, endpoint: Endpoint, always: Sequence[tuple[str, str]]) -> None:
        self._endpoint = endpoint
        self._options: dict[str, Any] = {"ssl_context": _context(endpoint)}
        if endpoint.fingerprint:
            self._options |= {"assert_fingerprint": endpoint.fingerprint, "assert_hostname": False}
        super().__init__(always, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pool with the context and the pin."""
        super().init_poolmanager(*args, **options, **self._options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pool behind a proxy with the same, and a context of its own for the proxy."""
        if proxy.startswith("https://") and proxy not in self.proxy_manager:
            options["proxy_ssl_context"] = _context(self._endpoint)
        return super().proxy_manager_for(proxy, **options, **self._options)

    def cert_verify(self, conn: Any, *given: Any) -> None:
        """Let no other authorities be loaded into the context."""
        super().cert_verify(conn, *given)
        conn.ca_certs = conn.ca_cert_dir = None

    def build_connection_pool_key_attributes(self, *given: Any, **named: Any) -> Any:
        """Let no other authorities be loaded into the context; requests 2.32 asks this too."""
        host, options = super().build_connection_pool_key_attributes(*given, **named)
        for name in ("ca_certs", "ca_cert_dir"):
            options.pop(name, None)
        return host, options


def _context(endpoint: Endpoint) -> Any:
    if endpoint.fingerprint or not endpoint.verify:
        return trust.unchecked()
    try:
        return trust.trusting(endpoint.ca_path)
    except OSError as error:
        why = "no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValidationFailed(
            f"The CA certificate {endpoint.ca_path} cannot be used: {why}.",
            fields={"ca_path": "cannot be used"},
        ) from None
