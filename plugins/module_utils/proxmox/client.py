# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""One authenticated, verified session with a Proxmox VE node; the only importer of proxmoxer.

proxmoxer brings the services and both ways of authentication, with two repairs: its own ticket
login posts the password on an unpinned connection of its own, so ours goes through the same
session as everything else; and its resource layer drops ``errors``, ``total`` and long messages,
so answers are read here.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from ..engine.errors import AuthError, Unavailable, UncertainOutcome, Unsupported, VirtbridgeError
from .wire import Credential, Endpoint, Raw, flat, parsed

_Adapter: Any = object
_TicketAuth: Any = object
MISSING = ""
try:
    import requests

    # proxmoxer ends the process when requests is missing, so it comes second.
    from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth, ProxmoxHTTPAuth
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import (
        ConnectTimeoutError,
        InsecureRequestWarning,
        NewConnectionError,
    )

    _Adapter, _TicketAuth = HTTPAdapter, ProxmoxHTTPAuth
except ImportError as error:
    MISSING = (error.name or "proxmoxer").partition(".")[0]

MAX_BODY = 32 * 1024 * 1024
IDLE = 4.0
"""Seconds after which a kept connection is not used again: the server closes it at 5."""


def require_libraries() -> None:
    """Raise Unsupported when proxmoxer or requests is missing for this Python."""
    if MISSING:
        raise Unsupported(
            f"The Python library {MISSING} is missing for {sys.executable}. Install it there: "
            f"{sys.executable} -m pip install proxmoxer requests"
        )


class _Pinned(_Adapter):  # type: ignore[misc]  # a stand-in when requests is missing
    """Compares the certificate's fingerprint after the handshake, before a byte is sent."""

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pool with the pin."""
        if self._fingerprint:
            options |= {"assert_fingerprint": self._fingerprint, "assert_hostname": False}
        super().init_poolmanager(*args, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pool behind a proxy with the pin."""
        if self._fingerprint:
            options |= {"assert_fingerprint": self._fingerprint, "assert_hostname": False}
        return super().proxy_manager_for(proxy, **options)


class _Ticket(_TicketAuth):  # type: ignore[misc]  # a stand-in when proxmoxer is missing
    """proxmoxer's ticket authentication, logging in through our session."""

    def __init__(self, session: Session, credential: Credential) -> None:
        self._session = session
        self._credential = credential
        self.pve_auth_ticket = ""
        super().__init__(credential.user, credential.password, otp=credential.totp)

    def _get_new_tokens(
        self, password: str | None = None, otp: str | None = None, otptype: str | None = None
    ) -> None:
        ticket = self._login({"password": password or self.pve_auth_ticket})
        if ticket.get("NeedTFA"):
            if not otp:
                raise AuthError(
                    f"{self._credential.user} needs a second factor. Give api_totp, or use an "
                    "API token, which needs none."
                )
            challenge = {"tfa-challenge": ticket["ticket"], "password": f"{otptype}:{otp}"}
            ticket = self._login(challenge)
        self.birth_time = time.monotonic()
        self.pve_auth_ticket = ticket["ticket"]
        self.csrf_prevention_token = ticket["CSRFPreventionToken"]
        self._session.register(self.pve_auth_ticket)
        self._session.register(self.csrf_prevention_token)

    def _login(self, parameters: dict[str, str]) -> Mapping[str, Any]:
        parameters["username"] = self._credential.user
        raw = self._session.send("POST", "/access/ticket", parameters, login=True)
        if raw.status != 200 or not isinstance(raw.body.get("data"), dict):
            raise AuthError(
                f"Login of {self._credential.user} at {self._session.host} was refused with "
                f"{raw.status}. Check the user with its realm (user@pam) and the password.",
                http_status=raw.status,
                request="POST /access/ticket",
            )
        ticket: Mapping[str, Any] = raw.body["data"]
        return ticket

    def renew(self) -> None:
        """Log in with the password again, after the ticket has expired."""
        self._get_new_tokens(self._credential.password, self._credential.totp, "totp")

    @property
    def due(self) -> bool:
        """Whether the ticket should be renewed before the next request."""
        return bool(time.monotonic() - self.birth_time >= self.renew_age)


class Session:
    """Sends single requests; knows hosts, trust and credentials, nothing of their meaning."""

    def __init__(
        self, endpoint: Endpoint, credential: Credential, register: Callable[[str], None]
    ) -> None:
        require_libraries()
        self.endpoint, self._credential = endpoint, credential
        self.register = register
        self._hosts = list(endpoint.hosts)
        self._auth: Any = None
        self._used = time.monotonic()
        self._http = requests.Session()
        # Proxies, netrc and CA bundles of the environment are nobody's decision here.
        self._http.trust_env = False
        self._http.mount("https://", _Pinned(endpoint.fingerprint))
        self._http.verify = _verification(endpoint)
        if not endpoint.verify and not endpoint.fingerprint:
            # Said once, in our words, by the caller.
            warnings.simplefilter("ignore", InsecureRequestWarning)
        if endpoint.proxy:
            self._http.proxies = {"https": endpoint.proxy}

    @property
    def host(self) -> str:
        """Return the host that is asked now."""
        return self._hosts[0]

    @property
    def by_token(self) -> bool:
        """Whether an API token is used, which never needs a login."""
        return bool(self._credential.token_id)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Log in, or prepare the token; AuthError when that is refused."""
        if self._auth is not None:
            return
        if self.by_token:
            user, _mark, name = self._credential.token_id.partition("!")
            self._auth = ProxmoxHTTPApiTokenAuth(user, name, self._credential.token_secret)
        else:
            self._auth = _Ticket(self, self._credential)

    def renew(self) -> bool:
        """Log in again after a 401, when a ticket is used; return whether that was possible."""
        if self.by_token:
            return False
        self._auth.renew()
        return True

    def send(
        self, method: str, path: str, parameters: Mapping[str, Any], *, login: bool = False
    ) -> Raw:
        """Send one request and read its answer, whatever its status.

        Raises Unavailable when certainly nothing was sent, UncertainOutcome when something was.
        """
        if not login:
            self.authenticate()
            if not self.by_token and self._auth.due:
                self._auth._get_new_tokens()
        if time.monotonic() - self._used > IDLE:
            self._http.close()
        for remaining in range(len(self._hosts) - 1, -1, -1):
            try:
                return self._send(method, path, parameters, login=login)
            except Unavailable:
                if not remaining:
                    raise
                self._hosts.append(self._hosts.pop(0))
        raise Unavailable("No host was given to connect to. Set api_host.")

    def _send(self, method: str, path: str, parameters: Mapping[str, Any], *, login: bool) -> Raw:
        url = f"https://{self.host}/api2/json{path}"
        encoded = urlencode(flat(parameters))
        inline = method in {"GET", "DELETE"}
        try:
            answer = self._http.request(
                method,
                f"{url}?{encoded}" if inline and encoded else url,
                data=None if inline else encoded,
                headers=None if inline else {"Content-Type": "application/x-www-form-urlencoded"},
                auth=None if login else self._auth,
                cookies=None if login else self._auth.get_cookies(),
                timeout=(self.endpoint.connect_timeout, self.endpoint.timeout),
                allow_redirects=False,
                stream=True,
            )
            with answer:
                content = self._read(answer)
        except requests.RequestException as error:
            raise self._lost(error, f"{method} {path}") from None
        self._used = time.monotonic()
        return Raw(
            answer.status_code,
            answer.reason or "",
            parsed(content, answer.status_code, f"{method} {path}", self.host),
            answer.headers.get("Retry-After"),
        )

    def _read(self, answer: Any) -> bytes:
        ends = time.monotonic() + self.endpoint.timeout
        parts, size = [], 0
        for part in answer.iter_content(65536):
            size += len(part)
            parts.append(part)
            if size > MAX_BODY or time.monotonic() > ends:
                raise requests.ConnectionError("the answer is too large or too slow")
        return b"".join(parts)

    def _lost(self, error: Exception, request: str) -> VirtbridgeError:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        unsent = isinstance(reason, (NewConnectionError, ConnectTimeoutError))
        if isinstance(error, requests.exceptions.SSLError):
            return Unavailable(
                f"{self.host}: the TLS certificate was not accepted ({_why(error)}). Nothing was "
                "sent. Give ca_path, or the certificate's SHA-256 fingerprint, of this server.",
                request=request,
                retryable=False,
            )
        if unsent or isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
            return Unavailable(
                f"{self.host} cannot be reached ({type(reason or error).__name__}). Nothing was "
                "sent. Check api_host, api_port and the network.",
                request=request,
            )
        return UncertainOutcome(
            f"{request}: the connection to {self.host} ended before the answer "
            f"({type(error).__name__}).",
            request=request,
        )


def _verification(endpoint: Endpoint) -> bool | str:
    if endpoint.fingerprint or not endpoint.verify:
        return False
    return endpoint.ca_path or True


def _why(error: Exception) -> str:
    text = str(error)
    for words in ("Fingerprints did not match", "certificate has expired", "doesn't match"):
        if words.lower() in text.lower():
            return words
    return "CERTIFICATE_VERIFY_FAILED" if "CERTIFICATE_VERIFY" in text else "TLS handshake failed"
