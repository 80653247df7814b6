# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The Proxmox VE API as the resources use it: reads, writes and tasks.

Reads are repeated on a short outage. A write is never sent twice: when its answer is lost it
raises UncertainOutcome, and the engine reads back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from ..engine.errors import (
    InternalError,
    Unavailable,
    UncertainOutcome,
    ValidationFailed,
    VirtbridgeError,
)
from ..engine.resource import Access, Wait
from ..engine.sending import sending
from ..retrying import Attempts
from ..transport import Endpoint
from .client import Session
from .errors import classify
from .waiting import is_upid, wait_for_task
from .wire import Credential, Raw

_LOST = frozenset({429, 502, 503, 504, 595, 596, 597, 598, 599})


class Client:
    """One endpoint, opened with one credential. Every method raises only VirtbridgeErrors."""

    def __init__(self, session: Session, access: Access) -> None:
        self._session = session
        self._access = access

    @property
    def host(self) -> str:
        """Return the host that is asked."""
        return self._session.host

    @property
    def read_only(self) -> bool:
        """Whether it sends no writes, as for a preview."""
        return self._access.read_only

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""
        self._access.warn(text)

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the ``data`` of a read."""
        return self.read(path, parameters).get("data")

    def read(self, path: str, parameters: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return the whole body of a read: ``data``, and ``total`` or ``changes`` where given."""
        request = f"GET {path}"
        attempts = Attempts(self._session.timeout)
        while True:
            try:
                raw = self._sent("GET", path, parameters or {})
            except UncertainOutcome as lost:
                error: VirtbridgeError = Unavailable(lost.message, request=request)
            else:
                if raw.status < 300:
                    return raw.body
                error = _error(raw, request, write=False)
                if raw.status not in _LOST:
                    raise error
            if not attempts.again(raw.retry_after if error.http_status else None):
                raise error

    def write(self, method: str, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Send a write once and return its ``data``, often the id of a task."""
        request = f"{method} {path}"
        if self._access.read_only:
            raise InternalError(f"{request} was about to be sent by a read-only client. Not sent.")
        with sending(self._access, request) as sent:
            raw = self._sent(method, path, parameters or {})
            if raw.status >= 300:
                raise _error(raw, request, write=True)
            answer = raw.body.get("data")
            sent.id = answer if is_upid(answer) else None
        return answer

    def task(
        self, method: str, path: str, parameters: Mapping[str, Any] | None = None, *, wait: Wait
    ) -> str | None:
        """Send a write that starts a task, wait for its end, and return the task's id.

        Raises OperationFailed with the last lines of its log, WaitTimeout naming the task.
        """
        upid = self.write(method, path, parameters)
        if wait.enabled and is_upid(upid):
            wait_for_task(self, upid, wait.timeout, f"{method} {path}")
        return upid if is_upid(upid) else None

    def _sent(self, method: str, path: str, parameters: Mapping[str, Any]) -> Raw:
        raw = self._session.send(method, path, parameters)
        # An expired ticket is 401 too, and a 401 was certainly not applied.
        if raw.status == 401 and self._session.renew():
            raw = self._session.send(method, path, parameters)
        return raw


def path(template: str, **parts: Any) -> str:
    """Fill a path template; every part is one quoted segment, whatever it holds."""
    return template.format(**{name: quote(str(part), safe="") for name, part in parts.items()})


def _error(raw: Raw, request: str, *, write: bool) -> VirtbridgeError:
    message = raw.body.get("message") or raw.reason
    errors = raw.body.get("errors")
    fields = errors if isinstance(errors, dict) else None
    return classify(raw.status, str(message), request=request, write=write, fields=fields)


@contextmanager
def connect(params: Mapping[str, Any], access: Access) -> Iterator[Client]:
    """Open a client from the connection options of ``platform.PLATFORM``."""
    for name in ("api_token_secret", "api_password", "api_totp"):
        if params.get(name):
            access.secret(params[name])
    port = params.get("api_port") or 8006
    hosts = tuple(_with_port(host, port) for host in params.get("api_host") or ())
    if not hosts:
        raise ValidationFailed(
            "api_host: not given. Give target, or the address of a node with a credential.",
            fields={"api_host": "needed without target"},
        )
    endpoint = Endpoint(
        bases=tuple(f"https://{host}/api2/json" for host in hosts),
        hint="api_host, api_port",
        verify=params.get("validate_certs") is not False,
        ca_path=params.get("ca_path"),
        fingerprint=params.get("fingerprint"),
        proxy=params.get("proxy"),
        timeout=float(params.get("timeout") or 60),
    )
    if not endpoint.verify and not endpoint.fingerprint:
        access.warn(
            "validate_certs is false: anyone between here and the server can read the credential. "
            "Pin the certificate with fingerprint instead."
        )
    credential = Credential(
        token_id=params.get("api_token_id") or "",
        token_secret=params.get("api_token_secret") or "",
        user=params.get("api_user") or "",
        password=params.get("api_password") or "",
        totp=params.get("api_totp"),
    )
    session = Session(endpoint, credential, access.secret)
    try:
        yield Client(session, access)
    finally:
        session.close()


def _with_port(host: str, port: int) -> str:
    host = host.removeprefix("https://").rstrip("/")
    if host.startswith("["):
        return host if "]:" in host else f"{host}:{port}"
    if host.count(":") > 1:
        return f"[{host}]:{port}"
    return host if ":" in host else f"{host}:{port}"
