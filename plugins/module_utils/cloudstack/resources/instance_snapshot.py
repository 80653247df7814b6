# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A snapshot of a CloudStack instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import Ambiguous, Locked, NotFound, ValidationFailed
from ...engine.field import Field
from ...engine.plan import Plan
from ...engine.resource import Raise, Resource, Risk, Wait
from .. import machines
from ..client import Client
from ..jobs import Jobs
from ..platform import PLATFORM
from ..scope import FIELDS as SCOPE
from ..scope import Scope

_READY = "Ready"
_DISK_AND_MEMORY = "DiskAndMemory"


class InstanceSnapshot:
    """Finds, takes and deletes one snapshot of one instance."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired = client, desired
        self._scope = Scope(client, desired)
        self._jobs = Jobs(client, wait)
        self._machine: Mapping[str, Any] = {}

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return the snapshot of that name; two requests. Its instance must exist."""
        if not self._machine:
            self._machine = self._instance()
        name = self._desired["name"]
        rows = self._client.rows(
            "listVMSnapshot", virtualmachineid=self._machine["id"], name=name, listall=True
        )
        named = [row for row in rows if name in {row.get("displayname"), row.get("id")}]
        if not named and self._desired.get("state") != "absent":
            self._refuse_memory()
        return [self._actual(row) for row in named]

    def _instance(self) -> Mapping[str, Any]:
        machines.must_say_which(self._desired, "instance_id", "instance_name")
        wanted = {
            "id": self._desired.get("instance_id"),
            "name": self._desired.get("instance_name"),
        }
        found = machines.present(machines.found_rows(self._client, self._scope, wanted))
        said = wanted["id"] or wanted["name"]
        if not found:
            raise NotFound(
                f"No instance {said!r} can be seen with these keys. Nothing was changed."
            )
        if len(found) > 1:
            labels = ", ".join(machines.label(row) for row in found)
            raise Ambiguous(f"{len(found)} objects match {said!r}: {labels}. Give instance_id.")
        return found[0]

    def _actual(self, row: Mapping[str, Any]) -> dict[str, Any]:
        label = f"snapshot {row.get('displayname')} of {machines.label(self._machine)}"
        if row.get("state") == "Error" and self._desired.get("state") == "absent":
            return {"name": self._desired["name"], "_label": label, "_row": row}
        if row.get("state") != _READY:
            raise Locked(
                f"{label} is {row.get('state')}, not {_READY}. Wait for its job, then run this "
                "again; one in the state Error can only be deleted (state: absent)."
            )
        return {"name": self._desired["name"], "_label": label, "_row": row}

    def _refuse_memory(self) -> None:
        if self._desired.get("memory") and machines.state_of(self._machine) != "running":
            raise ValidationFailed(
                f"{machines.label(self._machine)} does not run, so it has no memory to keep. "
                "Nothing was changed.",
                fields={"memory": "needs an instance that runs"},
            )

    def create(self, plan: Plan) -> None:
        """Take the snapshot."""
        self._jobs.run(
            "createVMSnapshot",
            virtualmachineid=self._machine["id"],
            name=plan.after["name"],
            description=plan.after.get("description"),
            snapshotmemory=plan.after.get("memory"),
            quiescevm=plan.after.get("quiesce"),
        )

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Do nothing: no field of a snapshot can change."""
        del actual, plan

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it."""
        self._jobs.run("deleteVMSnapshot", vmsnapshotid=actual["_row"]["id"])

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Do nothing: a snapshot has no power."""
        del actual, state

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the job that a lost call may have started."""
        del actual
        return self._jobs.settle()

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        row = actual["_row"]
        return {
            "id": row.get("id"),
            "instance_id": self._machine.get("id"),
            "instance_name": self._machine.get("name"),
            "name": row.get("displayname"),
            "description": row.get("description"),
            "memory": row.get("type") == _DISK_AND_MEMORY,
            "created": row.get("created"),
            "parent": row.get("parentName"),
        }


INSTANCE_SNAPSHOT = Resource(
    name="cloudstack_instance_snapshot",
    summary="Take and delete snapshots of CloudStack instances",
    description=(
        "Takes a snapshot of an instance with all its volumes, or deletes it.",
        "A snapshot of that name that exists is left as it is; it is not taken again.",
    ),
    platform=PLATFORM,
    operations=InstanceSnapshot,
    identity=("name",),
    risk=Risk("write", (Raise("state", "destructive", ("absent",)),)),
    returns=(
        Field("id", doc="Id of the snapshot."),
        Field("instance_id", doc="Id of the instance."),
        Field("instance_name", doc="Its host name."),
        Field("name", doc="Name of the snapshot."),
        Field("description", doc="Its description."),
        Field("memory", bool, doc="Whether it holds the memory."),
        Field("created", doc="When it was taken, in ISO 8601."),
        Field("parent", doc="The snapshot before it."),
    ),
    fields=(
        Field("name", doc="Name of the snapshot, unique for its instance."),
        Field("instance_id", role="option", doc="Id of the instance."),
        Field("instance_name", role="option", doc="Host name of the instance, where it is unique."),
        *SCOPE,
        Field("description", role="create_only", doc="What it is for."),
        Field("memory", bool, role="create_only", doc="Keep the memory of a running instance too."),
        Field(
            "quiesce",
            bool,
            role="create_only",
            doc="Ask the guest to bring its file systems to rest first.",
        ),
    ),
)
