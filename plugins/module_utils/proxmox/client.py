# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""One authenticated, verified session with a Proxmox VE node; the only importer of proxmoxer.

proxmoxer brings the services and both ways of authentication, with two repairs: its own ticket
login posts the password on an unpinned connection of its own, so ours goes through the same
session as everything else; and its resource layer drops ``errors``, ``total`` and long messages,
so answers are read here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from .. import transport
from ..engine.errors import AuthError
from ..transport import Endpoint, Transport
from .wire import Credential, Raw, flat, parsed

_TicketAuth: Any = object
MISSING = transport.MISSING
try:
    # proxmoxer ends the process when requests is missing, so it comes second.
    if not MISSING:
        from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth, ProxmoxHTTPAuth

        _TicketAuth = ProxmoxHTTPAuth
except ImportError as error:
    MISSING = (error.name or "proxmoxer").partition(".")[0]


_FIRST_HINT = "Check the user with its realm (user@pam) and the password."
_SECOND_HINT = (
    "The password was right; check api_totp. A code holds for about 30 seconds and for one login "
    "only; an API token needs none."
)


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
            ticket = self._login(challenge, _SECOND_HINT)
        self.birth_time = time.monotonic()
        self.pve_auth_ticket = ticket["ticket"]
        self.csrf_prevention_token = ticket["CSRFPreventionToken"]
        self._session.register(self.pve_auth_ticket)
        self._session.register(self.csrf_prevention_token)

    def _login(self, parameters: dict[str, str], check: str = _FIRST_HINT) -> Mapping[str, Any]:
        parameters["username"] = self._credential.user
        raw = self._session.send("POST", "/access/ticket", parameters, login=True)
        if raw.status != 200 or not isinstance(raw.body.get("data"), dict):
            raise AuthError(
                f"Login of {self._credential.user} at {self._session.host} was refused with "
                f"{raw.status}. {check}",
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
        transport.require("proxmoxer requests", MISSING)
        self._transport, self._credential = Transport(endpoint), credential
        self.register = register
        self._auth: Any = None

    @property
    def host(self) -> str:
        """Return the host that is asked now."""
        return self._transport.host

    @property
    def timeout(self) -> float:
        """Return how many seconds an answer may take."""
        return self._transport.endpoint.timeout

    @property
    def by_token(self) -> bool:
        """Whether an API token is used, which never needs a login."""
        return bool(self._credential.token_id)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

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
        encoded = urlencode(flat(parameters))
        inline = method in {"GET", "DELETE"}
        answer = self._transport.send(
            method,
            f"{path}?{encoded}" if inline and encoded else path,
            label=f"{method} {path}",
            body=None if inline else encoded,
            headers=None if inline else {"Content-Type": "application/x-www-form-urlencoded"},
            auth=None if login else self._auth,
            cookies=None if login else self._auth.get_cookies(),
        )
        return Raw(
            answer.status,
            answer.reason,
            parsed(answer.content, answer.status, f"{method} {path}", self.host),
            answer.headers.get("Retry-After"),
        )
