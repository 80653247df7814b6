# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The CloudStack API as the resources use it: reads, lists, writes and asynchronous jobs.

Reads are repeated on a short outage. A write is never sent twice: when its answer is lost it
raises UncertainOutcome, and the engine reads back. Every request is a signed POST of version 3
with an expiry, so that neither secrets nor signatures get into a proxy's log.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..engine.errors import (
    InternalError,
    Unavailable,
    UncertainOutcome,
    ValidationFailed,
    VirtbridgeError,
)
from ..engine.resource import Access
from ..engine.sending import sending
from ..retrying import Attempts
from ..transport import Answer, Endpoint, Transport
from . import signing, wire
from .errors import classify

EXPIRES = 600
"""Seconds a request is good for; servers refuse more than 15 minutes ahead."""
PAGE_SIZES = (500, 100, 20)
"""The server's limit is a setting (500 unless changed) and above it a list is refused."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_LOST = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Credential:
    """The keys of one user."""

    api_key: str = field(repr=False)
    secret_key: str = field(repr=False)


class Client:
    """One endpoint, opened with one user's keys. Every method raises only VirtbridgeErrors."""

    def __init__(self, transport: Transport, credential: Credential, access: Access) -> None:
        self._transport, self._credential, self._access = transport, credential, access

    @property
    def host(self) -> str:
        """Return the host that is asked."""
        return self._transport.host

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""
        self._access.warn(text)

    def secret(self, text: str) -> None:
        """Register a value of an answer that must not be shown."""
        self._access.secret(text)

    def read(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return what stands in the envelope of a read."""
        attempts = Attempts(self._transport.endpoint.timeout)
        while True:
            retry_after = None
            try:
                answer = self._sent(command, parameters)
                return self._checked(answer, command, write=False)
            except UncertainOutcome as lost:
                error: VirtbridgeError = Unavailable(lost.message, request=command)
            except VirtbridgeError as refused:
                error, status = refused, refused.http_status
                if status not in _LOST:
                    raise
                retry_after = answer.headers.get("Retry-After")
            if not attempts.again(retry_after):
                raise error

    def rows(self, command: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return all rows of a list that pages."""
        return [row for page in self.pages(command, **parameters) for row in page]

    def pages(self, command: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list, each as its rows."""
        size, page, seen = self._first(command, parameters)
        answer = page
        number = 1
        while True:
            rows = wire.items(answer)
            seen += len(rows)
            yield rows
            total = int(answer.get("count") or 0)
            if not rows or len(rows) < size or (total and seen >= total):
                return
            number += 1
            answer = self.read(command, page=number, pagesize=size, **parameters)

    def _first(
        self, command: str, parameters: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any], int]:
        *larger, smallest = PAGE_SIZES
        for size in larger:
            try:
                return size, self.read(command, page=1, pagesize=size, **parameters), 0
            except ValidationFailed as refused:
                if "page" not in refused.message.lower():
                    raise
        return smallest, self.read(command, page=1, pagesize=smallest, **parameters), 0

    def write(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Send a synchronous write once and return what stands in its envelope."""
        answer, _job = self._written(command, parameters)
        return answer

    def start(self, command: str, **parameters: Any) -> tuple[str, dict[str, Any]]:
        """Send an asynchronous write once; return its job's id and the answer.

        The job gets an id of ours (the hidden parameter customjobid, BaseAsyncCmd in 4.20), so
        that it can be asked for when the answer is lost; UncertainOutcome then carries it in
        ``job``.
        """
        job = str(uuid.uuid4())
        try:
            answer, job = self._written(command, {**parameters, "customjobid": job})
        except UncertainOutcome as lost:
            raise JobLost(lost, job) from lost
        return job, answer

    def _written(self, command: str, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        if self._access.read_only:
            raise InternalError(f"{command} was about to be sent by a read-only client. Not sent.")
        with sending(self._access, command) as sent:
            answer = self._checked(self._sent(command, parameters), command, write=True)
            job = str(answer.get("jobid") or parameters.get("customjobid") or "")
            sent.id = job or None
        return answer, job

    def _sent(self, command: str, parameters: Mapping[str, Any]) -> Answer:
        expires = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() + EXPIRES))
        form = {
            "command": command,
            "response": "json",
            "apiKey": self._credential.api_key,
            "signatureVersion": "3",
            "expires": expires,
            **wire.spelled(parameters),
        }
        body = signing.body(form, self._credential.secret_key)
        return self._transport.send("POST", "", label=command, headers=_FORM, body=body)

    def _checked(self, answer: Answer, command: str, *, write: bool) -> dict[str, Any]:
        body = wire.parsed(answer.content)
        if answer.status >= 300:
            text = wire.error_text(body, answer.reason)
            raise classify(answer.status, text, request=command, write=write)
        found = wire.inner(body or {})
        if found is None:
            raise UncertainOutcome(
                f"{command}: {self.host} answered with something that is not CloudStack's JSON, as "
                "a proxy's login page. Check api_url and what stands between.",
                request=command,
                http_status=answer.status,
            )
        return found


class JobLost(UncertainOutcome):
    """The answer to an asynchronous write was lost; ``job`` is the id that its job would have."""

    def __init__(self, lost: UncertainOutcome, job: str) -> None:
        super().__init__(lost.message, http_status=lost.http_status, request=lost.request)
        self.job = job


@contextmanager
def connect(params: Mapping[str, Any], access: Access) -> Iterator[Client]:
    """Open a client from the connection options of ``platform.PLATFORM``."""
    missing = [name for name in ("api_url", "api_key", "api_secret") if not params.get(name)]
    if missing:
        raise ValidationFailed(
            f"{', '.join(missing)}: not given. Give target, or the address and the keys of a user.",
            fields=dict.fromkeys(missing, "needed without target"),
        )
    access.secret(params["api_secret"])
    endpoint = Endpoint(
        bases=tuple(url.rstrip("/") for url in params["api_url"]),
        verify=params.get("validate_certs") is not False,
        ca_path=params.get("ca_path"),
        fingerprint=params.get("fingerprint"),
        proxy=params.get("proxy"),
        timeout=float(params.get("timeout") or 60),
        hint="api_url",
    )
    _warn_of(endpoint, access)
    transport = Transport(endpoint)
    try:
        yield Client(transport, Credential(params["api_key"], params["api_secret"]), access)
    finally:
        transport.close()


def _warn_of(endpoint: Endpoint, access: Access) -> None:
    if any(not base.startswith("https://") for base in endpoint.bases):
        access.warn("api_url is not https: anyone between here and the server can read answers.")
    elif not endpoint.verify and not endpoint.fingerprint:
        access.warn(
            "validate_certs is false: anyone between here and the server can read and change "
            "what is sent. Pin the certificate with fingerprint instead."
        )
