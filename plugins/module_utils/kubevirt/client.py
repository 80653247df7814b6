# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The Kubernetes API as the resources use it: reads, lists, watches and writes.

Reads are repeated on a short outage. A write is never sent twice: when its answer is lost it
raises UncertainOutcome, and the engine reads back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from ..engine.errors import (
    InternalError,
    NotFound,
    Unavailable,
    UncertainOutcome,
    ValidationFailed,
    VirtbridgeError,
)
from ..engine.resource import Access
from ..engine.sending import sending
from ..retrying import Attempts
from ..transport import Answer, Transport
from .errors import classify
from .kinds import Kind
from .login import Login, login

MANAGER = "virtbridge"
MERGE = "application/merge-patch+json"
PAGE = 500
_LOST = frozenset({429, 500, 502, 503, 504})
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
Object = dict[str, Any]


class Client:
    """One cluster, opened with one credential. Every method raises only VirtbridgeErrors."""

    def __init__(self, transport: Transport, who: Login, access: Access) -> None:
        self._transport, self._login, self._access = transport, who, access

    @property
    def host(self) -> str:
        """Return the host that is asked."""
        return self._transport.host

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""
        self._access.warn(text)

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object; None when there is none."""
        try:
            return self.read(kind.path(namespace, name))
        except NotFound:
            return None

    def rows(self, kind: Kind, namespace: str | None = None, **query: Any) -> Iterator[Object]:
        """Yield the objects of a list, page by page."""
        more: str | None = ""
        while more is not None:
            wanted = {**query, "limit": PAGE, **({"continue": more} if more else {})}
            page = self.read(kind.path(namespace), **wanted)
            yield from page.get("items") or ()
            more = (page.get("metadata") or {}).get("continue") or None

    def one(self, kind: Kind, namespace: str, name: str) -> tuple[Object | None, str]:
        """Return an object as a list has it, and the version from which to watch for changes."""
        page = self.read(kind.path(namespace), fieldSelector=f"metadata.name={name}")
        found = page.get("items") or []
        return (found[0] if found else None), str(page["metadata"]["resourceVersion"])

    def watch(
        self, kind: Kind, namespace: str, name: str, version: str, seconds: float
    ) -> Iterator[tuple[str, Object]]:
        """Yield the changes of one object since a version; it ends after so many seconds."""
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": max(1, int(seconds)),
            "allowWatchBookmarks": "1",
        }
        path = f"{kind.path(namespace)}?{urlencode(query)}"
        label = f"WATCH {kind.path(namespace)}"
        lines = self._transport.lines(path, label=label, headers=self._headers(), seconds=seconds)
        for line in lines:
            event = _json(line)
            if not event or event.get("type") in ("ERROR", None):
                # Too old a version, or an answer that is none: whoever waits lists again.
                return
            if event["type"] != "BOOKMARK":
                yield event["type"], event["object"]

    def read(self, path: str, **query: Any) -> Object:
        """Return the object at a path."""
        request = f"GET {path}"
        where = f"{path}?{urlencode(query)}" if query else path
        attempts = Attempts(self._transport.endpoint.timeout)
        while True:
            retry_after = None
            try:
                answer = self._sent("GET", where, request)
                return self._checked(answer, request, write=False)
            except UncertainOutcome as lost:
                error: VirtbridgeError = Unavailable(lost.message, request=request)
            except VirtbridgeError as refused:
                error = refused
                if refused.http_status not in _LOST or isinstance(refused, NotFound):
                    raise
                retry_after = answer.headers.get("Retry-After")
            if not attempts.again(retry_after):
                raise error

    def create(self, kind: Kind, namespace: str, body: Mapping[str, Any]) -> Object:
        """Create an object; AlreadyExists when one of its name is there."""
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        return self.write("POST", kind.path(namespace), whole, query={"fieldManager": MANAGER})

    def patch(self, kind: Kind, namespace: str, name: str, body: Mapping[str, Any]) -> Object:
        """Merge a patch into an object; lists in it replace those that are there."""
        query = {"fieldManager": MANAGER}
        return self.write("PATCH", kind.path(namespace, name), body, query=query, form=MERGE)

    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Object:
        """Delete exactly the object of that uid; Conflict when another has its name now."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        return self.write("DELETE", kind.path(namespace, name), body)

    def write(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        form: str = "application/json",
    ) -> Object:
        """Send a write once and return the object that is answered, empty when there is none."""
        request = f"{method} {path}"
        if self._access.read_only:
            raise InternalError(f"{request} was about to be sent by a read-only client. Not sent.")
        where = f"{path}?{urlencode(query)}" if query else path
        content = None if body is None else json.dumps(body)
        with sending(self._access, request):
            answer = self._sent(method, where, request, content, form)
            return self._checked(answer, request, write=True)

    def _headers(self) -> dict[str, str]:
        authorization = self._login.authorization()
        headers = {"Accept": "application/json", "User-Agent": "virtbridge"}
        if authorization:
            self._access.secret(authorization.rpartition(" ")[2])
            headers["Authorization"] = authorization
        return headers

    def _sent(
        self, method: str, path: str, label: str, body: str | None = None, form: str = ""
    ) -> Answer:
        headers = self._headers() | ({"Content-Type": form} if body is not None else {})
        return self._transport.send(method, path, label=label, headers=headers, body=body)

    def _checked(self, answer: Answer, request: str, *, write: bool) -> Object:
        for warning in _WARNING.findall(answer.headers.get("Warning", "")):
            self.warn(f"{self.host}: {warning}")
        kind = answer.headers.get("Content-Type", "")
        if answer.status >= 300:
            raise classify(answer.status, answer.content, kind, request=request, write=write)
        if not answer.content.strip():
            return {}
        body = _json(answer.content)
        if body is None:
            raise UncertainOutcome(
                f"{request}: {self.host} answered with something that is not Kubernetes' JSON, as "
                "a proxy's login page. Check api_url and what stands between.",
                request=request,
                http_status=answer.status,
            )
        return body


def _json(content: bytes) -> Object | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _acting(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers that make a request that of somebody else, each group one of its own."""
    user, groups = params.get("impersonate_user"), params.get("impersonate_groups") or ()
    if groups and not user:
        text = "impersonate_groups needs impersonate_user: no server takes groups without a user."
        raise ValidationFailed(text, fields={"impersonate_groups": "needs impersonate_user"})
    named = [("Impersonate-User", user)] if user else []
    return [*named, *(("Impersonate-Group", group) for group in groups)]


@contextmanager
def connect(params: Mapping[str, Any], access: Access) -> Iterator[Client]:
    """Open a client from the connection options of ``platform.PLATFORM``."""
    if params.get("api_token"):
        access.secret(params["api_token"])
    who = login(params)
    if not who.endpoint.verify and not who.endpoint.fingerprint:
        access.warn(
            "validate_certs is false: anyone between here and the server can read the credential. "
            "Pin the certificate with fingerprint instead."
        )
    transport = Transport(who.endpoint, _acting(params))
    try:
        yield Client(transport, who, access)
    finally:
        transport.close()
