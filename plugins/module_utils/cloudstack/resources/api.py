# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Any command of CloudStack: ``cloudstack_api``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.field import Field
from ...engine.raw import operation_of
from ...engine.resource import Api, Risk, Wait
from .. import wire
from ..client import Client
from ..jobs import Jobs
from ..platform import PLATFORM


class ApiOperations:
    """One command, as the controller checked it."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._operation = operation_of(desired, "cloudstack_api")

    def risk(self) -> str:
        """Return the risk class that the catalog gives the command."""
        return str(self._operation["risk"])

    def call(self) -> Any:
        """Send it, wait for the job if it starts one, and return the object or the answer.

        A list that pages is returned whole, unless the task asks for a page.
        """
        command = self._desired["command"]
        params = {
            **(self._desired.get("params") or {}),
            **(self._desired.get("secret_params") or {}),
        }
        if self._operation.get("job"):
            return Jobs(self._client, self._wait).run(command, **params)
        if self.risk() != "read":
            return wire.the_object(self._client.write(command, **params))
        if self._operation.get("list") and not {"page", "pagesize"} & set(params):
            return self._client.rows(command, **params)
        return self._client.read(command, **params)


API = Api(
    name="cloudstack_api",
    summary="Call any command of the CloudStack API",
    description=(
        "Calls one command of the API, checked against the catalog of CloudStack 4.20 to 4.22 "
        "before anything is sent, and waits for the job that it starts.",
        "It is not idempotent: what changes something is sent each time, and reported as a change. "
        "Prefer the module of the resource where there is one.",
        "The rows of all pages of a list are returned as one list.",
    ),
    platform=PLATFORM,
    operations=ApiOperations,
    risk=Risk("destructive"),
    fields=(
        Field(
            "command",
            required=True,
            role="option",
            doc="Name of the command, such as V(listZones). Maps in O(params), such as tags and "
            "details, are given as mappings, and sent as the command wants them.",
        ),
    ),
)
