# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""One verified HTTP session with an endpoint: trust, deadlines, sizes, what a lost answer means.

It knows neither a platform's paths nor its errors. What was certainly not sent is Unavailable,
what may have arrived is UncertainOutcome.
"""

from __future__ import annotations

import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .adapters import Plain, Verified
from .engine.errors import (
    Unavailable,
    UncertainOutcome,
    Unsupported,
    VirtbridgeError,
)
from .paths import straight

MISSING = ""
try:
    import requests
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        InsecureRequestWarning,
        NewConnectionError,
    )
except ImportError as error:
    MISSING = (error.name or "requests").partition(".")[0]

MAX_BODY = 64 * 1024 * 1024
IDLE = 4.0
"""Seconds after which a kept connection is not used again: servers close them from 5 on."""
_OTHER = "TLS handshake failed"


@dataclass(frozen=True)
class Endpoint:
    """Where to connect and how to trust it.

    ``bases`` are URLs, at least one, tried in order as long as nothing was sent. Times are seconds,
    ``hint`` names the options that say where to connect, for messages.
    """

    bases: tuple[str, ...]
    verify: bool = True
    ca_path: str | None = None
    fingerprint: str | None = None
    proxy: str | None = None
    timeout: float = 60.0
    connect_timeout: float = 5.0
    client_certificate: tuple[str, str] | None = None
    hint: str = "the address"


@dataclass(frozen=True)
class Answer:
    """An answer as it came, whatever its status."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes


def require(library: str, missing: str) -> None:
    """Raise Unsupported when a library is missing for this Python."""
    if missing:
        raise Unsupported(
            f"The Python library {missing} is missing for {sys.executable}. Install it there: "
            f"{sys.executable} -m pip install {library}"
        )


class Transport:
    """Sends single requests to the first base that can be reached.

    ``always`` are headers of each request, also several of one name.
    """

    def __init__(self, endpoint: Endpoint, always: Sequence[tuple[str, str]] = ()) -> None:
        require("requests", MISSING)
        self.endpoint = endpoint
        self._bases = list(endpoint.bases)
        self._used = time.monotonic()
        self._http = requests.Session()
        # Proxies, netrc and CA bundles of the environment are nobody's decision here.
        self._http.trust_env = False
        if any(base.lower().startswith("https:") for base in endpoint.bases):
            self._http.mount("https://", Verified(endpoint, always))
        self._http.mount("http://", Plain(always))
        checked = endpoint.verify and not endpoint.fingerprint
        self._http.verify = (endpoint.ca_path or True) if checked else False
        self._http.cert = endpoint.client_certificate
        if not endpoint.verify and not endpoint.fingerprint:
            # Said once, in our words, by whoever connects.
            warnings.simplefilter("ignore", InsecureRequestWarning)
        if endpoint.proxy:
            self._http.proxies = {"https": endpoint.proxy, "http": endpoint.proxy}

    @property
    def host(self) -> str:
        """Return the ``host:port`` that is asked now."""
        return self._bases[0].partition("://")[2].partition("/")[0]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        label: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        **options: Any,
    ) -> Answer:
        """Send one request; ``label`` names it in messages, ``options`` go to requests.

        Raises Unavailable when certainly nothing was sent, UncertainOutcome when something was.
        """
        straight(path, label)
        if time.monotonic() - self._used > IDLE:
            self._http.close()
        tried = 0
        while True:
            tried += 1
            try:
                return self._send(method, path, label, headers=headers, data=body, **options)
            except Unavailable:
                if tried == len(self._bases):
                    raise
                self._bases.append(self._bases.pop(0))

    def lines(
        self, path: str, *, label: str, headers: Mapping[str, str], seconds: float
    ) -> Iterator[bytes]:
        """Yield the lines of a streamed answer until it ends or breaks off, or so many seconds.

        Raises UncertainOutcome when it could not begin; a status of 400 or more is one line.
        """
        ends = time.monotonic() + seconds
        try:
            answer = self._http.get(
                self._bases[0] + path,
                headers=dict(headers),
                timeout=(self.endpoint.connect_timeout, max(1.0, seconds)),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise self._lost(error, label) from None
        self._used = time.monotonic()
        with answer, suppress(requests.RequestException):
            for line in answer.iter_lines(chunk_size=None):
                if line:
                    yield line
                if time.monotonic() > ends:
                    return

    def _send(self, method: str, path: str, label: str, **options: Any) -> Answer:
        longest = self.endpoint.timeout
        ends = time.monotonic() + longest
        try:
            answer = self._http.request(
                method,
                self._bases[0] + path,
                timeout=(min(self.endpoint.connect_timeout, longest), longest),
                allow_redirects=False,
                stream=True,
                **options,
            )
            with answer:
                content = self._read(answer, ends)
        except requests.RequestException as error:
            raise self._lost(error, label) from None
        self._used = time.monotonic()
        return Answer(answer.status_code, answer.reason or "", answer.headers, content)

    def _read(self, answer: Any, ends: float) -> bytes:
        parts, size = [], 0
        # From urllib3 2.1 on a piece is what has arrived, so that slow ones are noticed.
        read = getattr(answer.raw, "read1", answer.raw.read)
        try:
            while part := read(65536, decode_content=True):
                size += len(part)
                parts.append(part)
                if size > MAX_BODY or time.monotonic() > ends:
                    raise requests.ConnectionError("the answer is too large or too slow")
        except HTTPError as error:
            raise requests.ConnectionError(error) from None
        return b"".join(parts)

    def _lost(self, error: Exception, label: str) -> VirtbridgeError:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        unsent = isinstance(reason, (NewConnectionError, ConnectTimeoutError))
        if isinstance(error, requests.exceptions.SSLError) and _in_handshake(error):
            return Unavailable(
                f"{self.host}: the TLS certificate was not accepted ({_why(error)}). Nothing was "
                "sent. Give ca_path, or the certificate's SHA-256 fingerprint, of this server.",
                request=label,
                retryable=False,
            )
        if unsent or isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
            return Unavailable(
                f"{self.host} cannot be reached ({type(reason or error).__name__}). Nothing was "
                f"sent. Check {self.endpoint.hint} and the network.",
                request=label,
            )
        shown = self.endpoint.client_certificate
        hint = " The server may have refused the client certificate." if shown else ""
        return UncertainOutcome(
            f"{label}: the connection to {self.host} ended before the answer "
            f"({type(error).__name__}).{hint}",
            request=label,
        )


def _in_handshake(error: Exception) -> bool:
    """Whether a TLS error came before the request was sent; when in doubt, no.

    From TLS 1.3 on, a server refuses a client certificate after the client's handshake.
    """
    if _why(error) != _OTHER:
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    cause = reason.args[0] if reason is not None and reason.args else None
    frames = traceback.walk_tb(getattr(cause, "__traceback__", None))
    return any(frame.f_code.co_name == "do_handshake" for frame, _line in frames)


def _why(error: Exception) -> str:
    text = str(error)
    for words in ("Fingerprints did not match", "certificate has expired", "doesn't match"):
        if words.lower() in text.lower():
            return words
    return "CERTIFICATE_VERIFY_FAILED" if "CERTIFICATE_VERIFY" in text else _OTHER
