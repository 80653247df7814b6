# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual machines of a cluster or a namespace."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.field import Field
from ...engine.resource import Query, Wait
from .. import machines
from ..client import Client
from ..kinds import CLAIM, VM, VMI
from ..platform import PLATFORM
from .vm_fields import RETURNED

_STATES = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "paused",
    "migrating",
    "provisioning",
    "error",
    "unknown",
)


class VmInfo:
    """Lists machines and their running instances; sizes of claims only when asked for."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        del wait
        self._client, self._desired = client, desired

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Return the machines that match, ordered by namespace and name."""
        place = self._desired.get("namespace")
        found = sorted(filter(self._matches, self._listed(place)), key=_order)
        if not found:
            return
        # One list of what runs costs less than a look at each machine.
        only = self._only(found)
        running = {_order(each): each for each in self._client.rows(VMI, place, **only)}
        sizes = self._sizes(place)
        for vm in found:
            own = sizes.get(vm["metadata"]["namespace"], {})
            yield machines.normalised(vm, running.get(_order(vm)), own)

    def _only(self, found: list[dict[str, Any]]) -> dict[str, str]:
        one = len(found) == 1
        return {"fieldSelector": f"metadata.name={found[0]['metadata']['name']}"} if one else {}

    def _listed(self, place: str | None) -> Iterator[dict[str, Any]]:
        name, labels = self._desired.get("name"), self._desired.get("labels") or {}
        query: dict[str, str] = {}
        if name and not any(sign in name for sign in "*?["):
            query["fieldSelector"] = f"metadata.name={name}"
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        return self._client.rows(VM, place, **query)

    def _matches(self, vm: Mapping[str, Any]) -> bool:
        pattern, states = self._desired.get("name"), self._desired.get("state")
        name = vm["metadata"]["name"]
        return (pattern is None or fnmatch.fnmatchcase(name, pattern)) and (
            not states or machines.state_of(vm) in states
        )

    def _sizes(self, place: str | None) -> dict[str, dict[str, Any]]:
        if not self._desired.get("details"):
            return {}
        sizes: dict[str, dict[str, Any]] = {}
        for claim in self._client.rows(CLAIM, place):
            metadata = claim["metadata"]
            wanted = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
            got = (claim.get("status") or {}).get("capacity") or wanted
            sizes.setdefault(metadata["namespace"], {})[metadata["name"]] = got.get("storage")
        return sizes


def _order(obj: Mapping[str, Any]) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


VM_INFO = Query(
    name="kubevirt_vm_info",
    summary="List the virtual machines of a KubeVirt cluster",
    description=(
        "Returns the virtual machines that match all given options, ordered by namespace and name.",
        "Machines and what runs of them are two lists. The sizes of disks are a third, and come "
        "only with O(details).",
    ),
    platform=PLATFORM,
    operations=VmInfo,
    returns=RETURNED,
    fields=(
        Field(
            "name",
            role="option",
            doc="Only those of this name; V(*) and V(?) stand for any text and any character.",
        ),
        Field(
            "namespace",
            role="option",
            pattern=r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
            doc="Only those in this namespace; all that may be seen unless given.",
        ),
        Field("labels", dict, role="option", doc="Only those with all these labels."),
        Field(
            "state",
            list,
            elements=str,
            choices=_STATES,
            role="option",
            doc="Only those in one of these states.",
        ),
        Field("details", bool, role="option", default=False, doc="Also return the sizes of disks."),
    ),
)
