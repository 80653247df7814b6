# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status objects: how a kube-apiserver words success and failure."""

from __future__ import annotations

from typing import Any

from ..core.http import Response

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    500: "InternalError",
}


class ApiError(Exception):
    """An answer that is a Status, or plain text where the real server answers so."""

    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = more.pop("reason", REASONS.get(code, ""))
        self.details: dict[str, Any] | None = more.pop("details", None)
        self.plain = bool(more.pop("plain", False))

    def response(self) -> Response:
        """Return the HTTP answer."""
        if self.plain:
            return Response(
                self.code, self.message.encode(), {"content-type": "text/plain; charset=utf-8"}
            )
        return Response.json(self.body(), self.code, headers={"content-type": "application/json"})

    def body(self) -> dict[str, Any]:
        """Return the Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return {**body, "code": self.code}


def not_found(resource: str, group: str, name: str) -> ApiError:
    """Return the 404 for one object."""
    full = f"{resource}.{group}" if group else resource
    details = {"name": name, "kind": resource, **({"group": group} if group else {})}
    return ApiError(404, f'{full} "{name}" not found', details=details)


def conflict(resource: str, group: str, name: str, why: str = "") -> ApiError:
    """Return the 409 of optimistic locking, or of a refused state."""
    full = f"{resource}.{group}" if group else resource
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try "
        "again"
    )
    details = {"name": name, "group": group, "kind": resource}
    return ApiError(
        409, f'Operation cannot be fulfilled on {full} "{name}": {why}', details=details
    )


def invalid(kind: str, group: str, name: str, causes: list[dict[str, str]]) -> ApiError:
    """Return the 422 of a schema or of a webhook that named causes."""
    shown = [f"{each['field']}: {each['message']}" for each in causes]
    text = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    full = f"{kind}.{group}" if group else kind
    details = {"name": name, "group": group, "kind": kind, "causes": causes}
    return ApiError(422, f'{full} "{name}" is invalid: {text}', details=details)


def denied(webhook: str, causes: list[dict[str, str]]) -> ApiError:
    """Return the refusal of a validating webhook, as the kube-apiserver words it."""
    message = (
        causes[0]["message"]
        if len(causes) == 1
        else ", ".join(each["message"] for each in causes[:10])
    )
    if len(causes) > 10:
        message += f", and {len(causes) - 10} more validation errors"
    text = f'admission webhook "{webhook}" denied the request: {message}'
    return ApiError(422, text, reason="Invalid", details={"causes": causes})
