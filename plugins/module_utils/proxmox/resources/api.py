# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Any operation of Proxmox VE: ``proxmox_api``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.errors import Unsupported
from ...engine.field import Field
from ...engine.raw import operation_of
from ...engine.resource import Api, Risk, Wait
from ..api import Client
from ..platform import PLATFORM
from ..waiting import is_upid, wait_for_task


class ApiOperations:
    """One call, as the controller checked it."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client = client
        self._desired = desired
        self._wait = wait
        self._operation = operation_of(desired, "proxmox_api")

    def risk(self) -> str:
        """Return the risk class that the catalog gives the call."""
        return str(self._operation["risk"])

    def call(self) -> Any:
        """Send it, and wait for the task if it starts one; return what the server answered.

        Raises Unsupported when the server is older than the operation.
        """
        method, path = self._desired["method"], self._operation["path"]
        params = {
            name: value
            for option in ("params", "secret_params")
            for name, value in (self._desired.get(option) or {}).items()
        }
        try:
            answer = (
                self._client.get(path, **params)
                if method == "GET"
                else self._client.write(method, path, params)
            )
        except Unsupported as error:
            raise Unsupported(
                f"{error.message} The operation is known since Proxmox VE "
                f"{self._operation['since']}; the server may be older.",
                http_status=error.http_status,
                request=error.request,
            ) from None
        task = answer.get("upid") if isinstance(answer, dict) else answer
        if method != "GET" and self._wait.enabled and is_upid(task):
            wait_for_task(self._client, str(task), self._wait.timeout, f"{method} {path}")
        return answer


API = Api(
    name="proxmox_api",
    summary="Call any operation of the Proxmox VE API",
    description=(
        "Calls one operation of the API, checked against the catalog of Proxmox VE 9.1 before "
        "anything is sent, and waits for the task that it starts.",
        "It is not idempotent: what changes something is sent each time, and reported as a change. "
        "Prefer the module of the resource where there is one.",
    ),
    platform=PLATFORM,
    operations=ApiOperations,
    risk=Risk("destructive"),
    fields=(
        Field(
            "method",
            choices=("GET", "POST", "PUT", "DELETE"),
            default="GET",
            role="option",
            doc="What is done with the path.",
        ),
        Field(
            "path",
            required=True,
            role="option",
            doc=(
                "Path below C(/api2/json), such as C(/nodes/pve1/qemu/100/config).",
                "It may hold placeholders, as in C(/nodes/{node}/qemu/{vmid}/config), "
                "with their values in O(params).",
            ),
        ),
    ),
)
