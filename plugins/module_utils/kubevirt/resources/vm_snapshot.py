# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A snapshot of a KubeVirt virtual machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import AlreadyExists, Locked, NotFound, OperationFailed
from ...engine.field import Field
from ...engine.plan import Plan
from ...engine.resource import Raise, Resource, Risk, Wait
from ..client import Client
from ..kinds import SNAPSHOT, VM
from ..platform import PLATFORM
from ..waiting import until
from .vm_fields import NAMESPACE


class VmSnapshot:
    """Finds, takes and deletes one snapshot of one machine."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._place = (str(desired["namespace"]), str(desired["name"]))

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return the snapshot of that name; two requests. Its machine must exist."""
        machine = self._desired["vm_name"]
        if self._client.get(VM, self._place[0], machine) is None:
            raise NotFound(
                f"There is no VM {self._place[0]}/{machine} that these credentials can see. "
                "Nothing was changed.",
                fields={"vm_name": "not found"},
            )
        found = self._client.get(SNAPSHOT, *self._place)
        return [self._actual(found)] if found else []

    def _actual(self, snapshot: Mapping[str, Any]) -> dict[str, Any]:
        label = f"snapshot {self._place[0]}/{self._place[1]}"
        source, status = snapshot["spec"]["source"], snapshot.get("status") or {}
        if source.get("name") != self._desired["vm_name"]:
            raise AlreadyExists(
                f"{label} is of VM {source.get('name')}, not of {self._desired['vm_name']}. Names "
                "of snapshots are unique in a namespace; choose another."
            )
        if self._desired.get("state") != "absent":
            self._refuse_failed(label, snapshot)
            if not status.get("readyToUse"):
                raise Locked(
                    f"{label} is not ready yet ({status.get('phase') or 'new'}). Wait for it, then "
                    "run this again."
                )
        uid = snapshot["metadata"].get("uid")
        return {"name": self._place[1], "_label": label, "_uid": uid, "_snapshot": snapshot}

    def _refuse_failed(self, label: str, snapshot: Mapping[str, Any]) -> None:
        status = snapshot.get("status") or {}
        if status.get("phase") != "Failed":
            return
        text = (status.get("error") or {}).get("message") or "no reason was given"
        raise OperationFailed(
            f"{label} has failed: {text}. Delete it (state: absent), then take it again.",
            log=(str(text),),
        )

    def create(self, plan: Plan) -> None:
        """Take the snapshot, and wait until it can be used."""
        spec: dict[str, Any] = {
            "source": {
                "apiGroup": VM.group,
                "kind": VM.kind,
                "name": self._desired["vm_name"],
            }
        }
        if plan.after.get("deletion_policy"):
            spec["deletionPolicy"] = plan.after["deletion_policy"]
        metadata = {"name": self._place[1], "namespace": self._place[0]}
        self._client.create(SNAPSHOT, self._place[0], {"metadata": metadata, "spec": spec})
        if not self._wait.enabled:
            return
        self._wait_ready()

    def _wait_ready(self) -> None:
        label = f"snapshot {self._place[0]}/{self._place[1]}"

        def judge(snapshot: Mapping[str, Any] | None) -> bool:
            if snapshot is None:
                return False
            self._refuse_failed(label, snapshot)
            return bool((snapshot.get("status") or {}).get("readyToUse"))

        until(
            self._client,
            SNAPSHOT,
            self._place,
            judge,
            timeout=self._wait.timeout,
            what="the snapshot",
        )

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Do nothing: no field of a snapshot can change."""
        del actual, plan

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it."""
        uid = actual["_snapshot"]["metadata"]["uid"]
        self._client.delete(SNAPSHOT, *self._place, uid=uid)
        if self._wait.enabled:
            until(
                self._client,
                SNAPSHOT,
                self._place,
                lambda snapshot: snapshot is None,
                timeout=self._wait.timeout,
                what="delete",
            )

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Do nothing: a snapshot has no power."""
        del actual, state

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait until a snapshot that a lost call may have begun is ready."""
        del actual
        if self._desired.get("state") != "absent" and self._client.get(SNAPSHOT, *self._place):
            self._wait_ready()
        return None

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        snapshot = actual["_snapshot"]
        status = snapshot.get("status") or {}
        volumes = status.get("snapshotVolumes") or {}
        return {
            "namespace": self._place[0],
            "name": self._place[1],
            "vm_name": snapshot["spec"]["source"].get("name"),
            "ready": bool(status.get("readyToUse")),
            "created": status.get("creationTime"),
            "indications": list(status.get("indications") or ()),
            "included_volumes": list(volumes.get("includedVolumes") or ()),
            "excluded_volumes": list(volumes.get("excludedVolumes") or ()),
        }


VM_SNAPSHOT = Resource(
    name="kubevirt_vm_snapshot",
    summary="Take and delete snapshots of KubeVirt virtual machines",
    description=(
        "Takes a snapshot of a virtual machine with all volumes that can be snapshot, or deletes "
        "it. Volumes that cannot are left out, and named in the answer.",
        "A snapshot of that name that exists is left as it is; it is not taken again.",
    ),
    platform=PLATFORM,
    operations=VmSnapshot,
    identity=("name",),
    risk=Risk("write", (Raise("state", "destructive", ("absent",)),)),
    returns=(
        Field("namespace", doc="Namespace that it is in."),
        Field("name", doc="Name of the snapshot."),
        Field("vm_name", doc="Name of the machine."),
        Field("ready", bool, doc="Whether it can be restored from."),
        Field("created", doc="When it was taken, in ISO 8601."),
        Field("indications", list, elements=str, doc="How it was taken."),
        Field("included_volumes", list, elements=str, doc="Volumes that it holds."),
        Field("excluded_volumes", list, elements=str, doc="Volumes that it does not hold."),
    ),
    fields=(
        Field(
            "name",
            role="option",
            pattern=r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
            doc="Name of the snapshot, unique in the namespace.",
        ),
        NAMESPACE,
        Field("vm_name", role="option", required=True, doc="Name of the machine."),
        Field(
            "deletion_policy",
            role="create_only",
            choices=("Delete", "Retain"),
            doc="Whether what it holds is deleted with it; V(Delete) unless given.",
        ),
    ),
)
