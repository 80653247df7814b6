# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The one tree of expected failures, and the form in which a module reports them.

VirtbridgeError
├── AuthError            auth              credentials missing, wrong or expired
├── PermissionDenied     permission        known caller without the right
├── NotFound             not_found         no object matches the identity
├── AlreadyExists        exists            an object of that identity is in the way
├── Ambiguous            ambiguous         several objects match the identity
├── Locked               locked            another operation holds the object
├── Conflict             conflict          the object changed between read and write
├── ValidationFailed     validation        an argument is wrong; nothing was sent
├── Unsupported          unsupported       this platform or version cannot do it
├── LimitReached         limit             a quota or rate limit
├── CapacityExceeded     capacity          no host, storage or address has room
├── Unavailable          unavailable       not reachable; certainly nothing was applied
├── WaitTimeout          timeout           accepted, but not finished within wait_timeout
├── OperationFailed      operation_failed  the platform tried and failed
├── Cancelled            cancelled         stopped on request
├── UncertainOutcome     uncertain         a write may or may not have been applied
└── InternalError        internal          a defect of this collection
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class VirtbridgeError(Exception):
    """An expected failure: what went wrong, where, and what to do about it.

    ``message`` is one or more full sentences for a person. It never holds a secret.
    ``fields`` maps argument names to what is wrong with each. ``request`` names the
    API call (method and path, or command), never its body. ``diff`` is what would have changed.
    """

    kind: ClassVar[str] = "internal"
    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        fields: Mapping[str, str] | None = None,
        request: str | None = None,
        retryable: bool | None = None,
        log: tuple[str, ...] = (),
        diff: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.fields = dict(fields or {})
        self.request = request
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.log = tuple(log)
        self.diff = diff

    def as_result(self) -> dict[str, Any]:
        """Return the ``error`` part of a failed module result (design, contract 8)."""
        return {
            "kind": self.kind,
            "message": self.message,
            "http_status": self.http_status,
            "fields": self.fields,
            "retryable": self.retryable,
            "request": self.request,
            "log": list(self.log),
        }


class AuthError(VirtbridgeError):
    """Credentials are missing, wrong or expired."""

    kind = "auth"


class PermissionDenied(VirtbridgeError):
    """The caller is known but lacks a right; the message names the right where it is known."""

    kind = "permission"


class NotFound(VirtbridgeError):
    """No object matches the identity."""

    kind = "not_found"


class AlreadyExists(VirtbridgeError):
    """An object of that identity is in the way."""

    kind = "exists"


class Ambiguous(VirtbridgeError):
    """Several objects match the identity; the message lists them."""

    kind = "ambiguous"


class Locked(VirtbridgeError):
    """Another operation holds the object; trying later may work."""

    kind = "locked"
    retryable_by_default = True


class Conflict(VirtbridgeError):
    """The object changed between our read and our write; nothing was applied."""

    kind = "conflict"
    retryable_by_default = True


class ValidationFailed(VirtbridgeError):
    """An argument is wrong. Raised before anything is sent, or from the platform's own check."""

    kind = "validation"


class Unsupported(VirtbridgeError):
    """The platform, its version or a library cannot do what was asked."""

    kind = "unsupported"


class LimitReached(VirtbridgeError):
    """A quota or a rate limit of the platform."""

    kind = "limit"
    retryable_by_default = True


class CapacityExceeded(VirtbridgeError):
    """No host, storage or network has room."""

    kind = "capacity"


class Unavailable(VirtbridgeError):
    """The endpoint cannot be reached, and certainly nothing was applied."""

    kind = "unavailable"
    retryable_by_default = True


class WaitTimeout(VirtbridgeError):
    """The platform accepted the operation but did not finish it within ``wait_timeout``."""

    kind = "timeout"


class OperationFailed(VirtbridgeError):
    """The platform tried and failed; ``log`` holds the last lines it wrote."""

    kind = "operation_failed"


class Cancelled(VirtbridgeError):
    """The operation was stopped on request."""

    kind = "cancelled"


class UncertainOutcome(VirtbridgeError):
    """A write was sent and its answer was lost; it may or may not have been applied."""

    kind = "uncertain"


class InternalError(VirtbridgeError):
    """A defect of this collection; the message says where to report it."""

    kind = "internal"
