# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A snapshot of a Proxmox VE virtual machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.compare import as_text
from ...engine.errors import Ambiguous, Locked, ValidationFailed, VirtbridgeError
from ...engine.field import Field
from ...engine.plan import Plan
from ...engine.resource import Raise, Resource, Risk, Wait
from .. import guests
from ..api import Client, path
from ..platform import PLATFORM
from ..tasks_of import GuestTasks

_RESERVED = ("current", "pending")


class VmSnapshot:
    """Finds, takes, describes and deletes one snapshot of one machine."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._guest: Mapping[str, Any] = {}
        self._tasks: GuestTasks | None = None

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return the snapshot of that name; two requests. Its machine must exist."""
        name = self._desired["name"]
        if name in _RESERVED:
            raise ValidationFailed(
                f"name: {name!r} is reserved by Proxmox VE; choose another.",
                fields={"name": "reserved"},
            )
        if not self._guest:
            self._guest = self._machine()
        rows = self._client.get(guests.guest_path(self._guest, "/snapshot")) or []
        return [self._actual(row) for row in rows if row.get("name") == name]

    def _actual(self, row: Mapping[str, Any]) -> dict[str, Any]:
        label = f"snapshot {row['name']} of {guests.label(self._guest)}"
        if row.get("snapstate"):
            raise Locked(
                f"{label} is unfinished (snapstate {row['snapstate']}). Wait for its task, then "
                "run this again; when no task is left, unlock the machine on its node and delete "
                f"it there: qm delsnapshot {self._guest['vmid']} {row['name']} --force."
            )
        return {
            "name": row["name"],
            "description": row.get("description") or "",
            "vmstate": bool(row.get("vmstate")),
            "_label": label,
            "_row": row,
        }

    def _machine(self) -> Mapping[str, Any]:
        wanted = {
            "vmid": self._desired.get("vmid"),
            "name": self._desired.get("vm_name"),
            "node": self._desired.get("node"),
        }
        if wanted["vmid"] is None and wanted["name"] is None:
            raise ValidationFailed(
                "Give vmid or vm_name: the machine that the snapshot is of.",
                fields={"vmid": "this or vm_name is needed"},
            )
        rows = guests.guest_rows(self._client)
        found = guests.matching(rows, wanted)
        if not found:
            raise guests.not_found(self._client, rows, wanted)
        if len(found) > 1:
            labels = ", ".join(guests.label(row) for row in found)
            raise Ambiguous(f"{len(found)} machines have that name: {labels}. Give vmid.")
        return found[0]

    def _where(self, below: str = "") -> str:
        name = path("/snapshot/{name}", name=self._desired["name"])
        return guests.guest_path(self._guest, name + below)

    def _remember(self, kind: str) -> None:
        node, vmid = self._guest["node"], self._guest["vmid"]
        self._tasks = GuestTasks(self._client, node, vmid, (kind,))

    def create(self, plan: Plan) -> None:
        """Take the snapshot."""
        self._remember("qmsnapshot")
        self._client.task(
            "POST",
            guests.guest_path(self._guest, "/snapshot"),
            {
                "snapname": self._desired["name"],
                "description": plan.after.get("description"),
                "vmstate": plan.after.get("vmstate"),
            },
            wait=self._wait,
        )

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Describe it anew; nothing else of a snapshot can change."""
        self._client.write(
            "PUT", self._where("/config"), {"description": plan.after["description"]}
        )

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it, and what it kept of the disks."""
        self._remember("qmdelsnapshot")
        self._client.task("DELETE", self._where(), wait=self._wait)

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Do nothing: a snapshot has no power."""

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the task that a lost call may have started."""
        del actual
        try:
            return self._tasks.settle(self._wait.timeout) if self._tasks else None
        except VirtbridgeError:
            # The task failed: reading back shows what is left to do, and the retry says why.
            return None

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the snapshot and the machine it is of."""
        row = actual["_row"]
        return {
            "vmid": self._guest["vmid"],
            "node": self._guest["node"],
            "name": actual["name"],
            "description": actual["description"],
            "vmstate": actual["vmstate"],
            "snaptime": row.get("snaptime"),
            "parent": row.get("parent"),
        }


VM_SNAPSHOT = Resource(
    name="proxmox_vm_snapshot",
    summary="Take, describe and delete snapshots of Proxmox VE virtual machines",
    description=(
        "Takes a snapshot of a virtual machine, changes its description, or deletes it.",
        "A snapshot of that name that exists is left as it is; it is not taken again.",
    ),
    platform=PLATFORM,
    operations=VmSnapshot,
    identity=("name",),
    risk=Risk("write", (Raise("state", "destructive", ("absent",)),)),
    returns=(
        Field("vmid", int, doc="Id of the machine."),
        Field("node", doc="Node it is on."),
        Field("name", doc="Name of the snapshot."),
        Field("description", doc="Its description."),
        Field("vmstate", bool, doc="Whether it holds the memory."),
        Field("snaptime", int, doc="When it was taken, in seconds since 1970."),
        Field("parent", doc="The snapshot before it."),
    ),
    fields=(
        Field(
            "name",
            pattern=r"[A-Za-z][A-Za-z0-9_-]{1,39}",
            doc="Name of the snapshot: a letter, then letters, digits, V(_) or V(-).",
        ),
        Field("vmid", int, role="option", min=100, max=999999999, doc="Id of the machine."),
        Field("vm_name", role="option", doc="Name of the machine, where it is unique."),
        Field("node", role="option", doc="Look for the machine only on this node."),
        Field(
            "description",
            compare=as_text,
            doc="What it is for.",
            samples=("before the upgrade", "after\nit"),
        ),
        Field("vmstate", bool, role="create_only", doc="Keep the memory of a running machine too."),
    ),
)
