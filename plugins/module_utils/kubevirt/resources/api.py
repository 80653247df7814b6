# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Any call of the Kubernetes API or of KubeVirt's subresources: ``kubevirt_api``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.field import Field
from ...engine.raw import operation_of
from ...engine.resource import Api, Risk, Wait
from ..client import MANAGER, MERGE, Client
from ..platform import PLATFORM

_APPLY = "application/apply-patch+yaml"


class ApiOperations:
    """One call, as the controller checked it."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        del wait
        self._client, self._desired = client, desired
        self._operation = operation_of(desired, "kubevirt_api")

    def risk(self) -> str:
        """Return the risk class that the catalog gives the call."""
        return str(self._operation["risk"])

    def call(self) -> Any:
        """Send it, and return the object that is answered, or the list's objects."""
        operation, desired = self._operation, self._desired
        params = dict(desired.get("params") or {})
        if operation["method"] == "GET":
            answer = self._client.read(operation["path"], **params)
            return answer.get("items", answer) if operation.get("verb") == "list" else answer
        body = desired.get("body") or {}
        form = "application/json"
        if operation["method"] == "PATCH":
            form = _APPLY if operation.get("verb") == "apply" else MERGE
        if operation.get("verb") in ("create", "replace", "apply"):
            head = {"apiVersion": operation["api_version"], "kind": operation["kind"]}
            body = {**head, **body}
        if operation.get("verb") in ("create", "replace", "apply", "patch"):
            params.setdefault("fieldManager", MANAGER)
        return self._client.write(
            operation["method"], operation["path"], body, query=params, form=form
        )


API = Api(
    name="kubevirt_api",
    summary="Call the Kubernetes API for any kind that KubeVirt uses",
    description=(
        "Reads, lists, creates, patches, applies, replaces or deletes an object, or calls a "
        "subresource of KubeVirt, checked against the catalog of KubeVirt 1.9 before anything is "
        "sent.",
        "It is not idempotent: what changes something is sent each time, and reported as a change. "
        "Prefer the module of the resource where there is one.",
    ),
    platform=PLATFORM,
    operations=ApiOperations,
    risk=Risk("destructive"),
    fields=(
        Field(
            "verb",
            role="option",
            choices=("get", "list", "create", "patch", "apply", "replace", "delete"),
            default="get",
            doc="What is done. V(patch) is a merge patch, V(apply) a server-side apply. A "
            "O(subresource) of KubeVirt knows its own verb.",
        ),
        Field("kind", required=True, role="option", doc="Kind of object, as V(VirtualMachine)."),
        Field(
            "api_version",
            role="option",
            doc="Version to use, as V(kubevirt.io/v1); the one it is stored in unless given.",
        ),
        Field("namespace", role="option", doc="Namespace of the object; for a list, of all."),
        Field("name", role="option", doc="Name of the object."),
        Field(
            "subresource",
            role="option",
            doc="Subresource to call, such as V(migrate), V(addvolume) or V(status).",
        ),
        Field(
            "body",
            dict,
            role="option",
            doc="Object, patch, or options of a subresource. The contents of a Secret and the "
            "cloud-init of a machine in it are masked wherever it is shown.",
        ),
    ),
)
