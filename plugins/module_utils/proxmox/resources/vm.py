# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A Proxmox VE virtual machine: how it is found, created, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import AlreadyExists, Conflict, ValidationFailed, VirtbridgeError
from ...engine.plan import Plan
from ...engine.planning import make_plan
from ...engine.resource import Resource, Wait
from ...machine import MACHINE
from .. import guests
from ..api import Client, path
from ..guest_config import fields_of, parameters_of, with_pending
from ..platform import PLATFORM
from ..tasks_of import GuestTasks
from . import vm_fields
from .vm_power import VM_POWER, VmPower

_BACKGROUND_DELAY = 5
_ID_ATTEMPTS = 20


class Vm:
    """Finds, creates, changes and deletes one virtual machine."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._vmid: int | None = desired.get("vmid")
        self._tasks: GuestTasks | None = None

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what vmid or name identifies, with its configuration; two requests."""
        rows = guests.guest_rows(self._client)
        wanted = {"vmid": self._vmid} if self._vmid else {"name": self._desired.get("name")}
        found = guests.matching(rows, wanted)
        if not found and not self._vmid:
            found = self._nameless(rows, wanted["name"])
        if len(found) != 1:
            return [row | {"_label": guests.label(row)} for row in found]
        actual = self._read(found[0])
        self._refuse_running(actual)
        if self._desired.get("state") != "absent":
            # Here, so that check mode refuses what the real run would.
            vm_fields.growth(actual, self._desired)
        return [actual]

    def _nameless(self, rows: list[dict[str, Any]], name: Any) -> list[dict[str, Any]]:
        """Look into guests whose name the cluster has not broadcast yet (some ten seconds)."""
        found = []
        for row in rows:
            if row.get("name") or row.get("status") == "unknown":
                continue
            config = self._client.get(guests.guest_path(row, "/config"))
            if config.get("name") == name:
                found.append(row)
        return found

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if row.get("status") == "running":
            rows = self._client.get(guests.guest_path(row, "/pending"))
            config, waiting = with_pending(rows)
        else:
            config, waiting = self._client.get(guests.guest_path(row, "/config")), {}
        fields = fields_of(config)
        changed = fields_of({**config, **{key: value for key, value in waiting.items() if value}})
        names = {
            name: changed[name]
            for name in fields
            if any(_speaks_of(name, key) for key in waiting) and name in changed
        }
        return {
            **row,
            **fields,
            "name": config.get("name", row.get("name")),
            "state": guests.state_of(row),
            "_label": guests.label({**row, "name": config.get("name", row.get("name"))}),
            "_config": {key: value for key, value in config.items() if key != "digest"},
            "_digest": config.get("digest"),
            "_pending": names,
        }

    def _refuse_running(self, actual: Mapping[str, Any]) -> None:
        absent = self._desired.get("state") == "absent"
        if absent and actual["state"] != "stopped" and not self._desired.get("force"):
            raise ValidationFailed(
                f"{actual['_label']} is {actual['state']}, and only a stopped machine can be "
                "deleted. Stop it first, or give force: true to switch it off and delete it.",
                fields={"force": "needed to delete a machine that is not stopped"},
            )

    def create(self, plan: Plan) -> None:
        """Create it under an id that nobody else has, from nothing or from another machine."""
        source = self._desired.get("clone")
        if source:
            self._allocated(lambda vmid: self._clone(source, vmid))
            actual = self._only()
            rest = make_plan(VM, {**self._desired, "state": "present"}, actual)
            if rest.action == "update":
                self.update(actual, rest)
            return
        values, _gone = parameters_of(plan.after, {})
        for option in ("pool", "ci_storage"):
            if self._desired.get(option):
                values |= vm_fields.CREATION[option](self._desired[option])
        self._allocated(lambda vmid: self._create(vmid, values))

    def _allocated(self, attempt: Any) -> None:
        """Run ``attempt`` with an id; the server's reservation of the id decides races."""
        if self._vmid:
            attempt(self._vmid)
            return
        candidate = int(self._client.get("/cluster/nextid"))
        for _attempt in range(_ID_ATTEMPTS):
            self._vmid = candidate
            try:
                attempt(candidate)
                return
            except AlreadyExists:
                self._vmid = None
                candidate += 1
        raise Conflict(
            f"{_ID_ATTEMPTS} ids up to {candidate - 1} were taken by others meanwhile. Run this "
            "again, or give vmid."
        )

    def _create(self, vmid: int, values: Mapping[str, Any]) -> None:
        node = self._node()
        self._tasks = GuestTasks(self._client, node, vmid)
        where = path("/nodes/{node}/qemu", node=node)
        self._client.task("POST", where, {"vmid": vmid, **values}, wait=self._wait)

    def _node(self) -> str:
        if self._desired.get("node"):
            return str(self._desired["node"])
        online = [row for row in self._client.get("/nodes") if row.get("status") == "online"]
        if not online:
            raise ValidationFailed("No node is online to create it on; give node.")
        return str(max(online, key=lambda row: row.get("maxmem", 0) - row.get("mem", 0))["node"])

    def _clone(self, source: Mapping[str, Any], vmid: int) -> None:
        rows = guests.guest_rows(self._client)
        found = guests.matching(rows, source)
        if not found:
            raise guests.not_found(self._client, rows, source)
        if len(found) > 1:
            labels = ", ".join(guests.label(row) for row in found)
            raise ValidationFailed(
                f"clone: {len(found)} machines are called {source.get('name')!r}: {labels}. "
                "Name one by vmid.",
                fields={"clone.name": "not unique"},
            )
        parameters = {
            "newid": vmid,
            "name": self._desired.get("name"),
            "full": source.get("full"),
            "storage": source.get("storage"),
            "snapname": source.get("snapshot"),
            "target": self._desired.get("node"),
            "pool": self._desired.get("pool"),
        }
        self._tasks = GuestTasks(self._client, found[0]["node"], vmid)
        where = guests.guest_path(found[0], "/clone")
        self._client.task("POST", where, parameters, wait=self._wait)

    def _only(self) -> Mapping[str, Any]:
        found = self.find()
        if len(found) != 1:
            raise Conflict(f"The new machine {self._vmid} is gone; somebody else removed it.")
        return found[0]

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Send one POST with everything, guarded by the digest, then grow the disks that grow."""
        growing = vm_fields.growth(actual, plan.after)
        values, gone = parameters_of(plan.after, actual["_config"])
        self._tasks = GuestTasks(self._client, actual["node"], actual["vmid"])
        if values or gone:
            self._configure(actual, values, gone)
        for slot, size in growing.items():
            self._client.task(
                "PUT",
                guests.guest_path(actual, "/resize"),
                {"disk": slot, "size": f"{size}G"},
                wait=self._wait,
            )

    def _configure(
        self, actual: Mapping[str, Any], values: Mapping[str, Any], gone: list[str]
    ) -> None:
        parameters = {**values, "background_delay": _BACKGROUND_DELAY}
        parameters["digest"] = actual["_digest"] or self._digest(actual)
        if gone:
            parameters["delete"] = ",".join(gone)
        where = guests.guest_path(actual, "/config")
        self._client.task("POST", where, parameters, wait=self._wait)

    def _digest(self, actual: Mapping[str, Any]) -> Any:
        """Return the digest of exactly what was compared; Conflict when it has changed since."""
        config = dict(self._client.get(guests.guest_path(actual, "/config")))
        digest = config.pop("digest", None)
        if {key: str(value) for key, value in config.items()} != {
            key: str(value) for key, value in actual["_config"].items()
        }:
            raise Conflict(
                f"{actual['_label']} was changed by somebody else while this run looked at it. "
                "Nothing was written; run this again."
            )
        return digest

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it with its disks; a running one is switched off first, when forced."""
        if actual["state"] != "stopped":
            self.power(actual, "stopped")
        self._tasks = GuestTasks(self._client, actual["node"], actual["vmid"])
        purge = {"purge": True} if self._desired.get("purge") else {}
        self._client.task("DELETE", guests.guest_path(actual), purge, wait=self._wait)

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Start it, or shut it down (switch it off with force)."""
        name = "started" if state == "running" else "stopped"
        power = VmPower(self._client, {"force": self._desired.get("force")}, self._wait)
        self._tasks = GuestTasks(self._client, actual["node"], actual["vmid"])
        power.perform(actual, VM_POWER.transition(name))

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the task that a lost call may have started."""
        del actual
        try:
            return self._tasks.settle(self._wait.timeout) if self._tasks else None
        except VirtbridgeError:
            # The task failed: reading back shows what is left to do, and the retry says why.
            return None

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return guests.normalised(actual, actual["_config"])


def _speaks_of(name: str, key: str) -> bool:
    stem = key.rstrip("0123456789")
    return vm_fields.KEYS.get(stem, key) == name


VM = Resource(
    name="proxmox_vm",
    summary="Create, change and delete Proxmox VE virtual machines",
    description=(
        "Creates a virtual machine, changes what differs from what is given, or deletes it. Only "
        "what the task names is compared and written.",
        "What a running machine takes over only after a restart is reported under C(pending) "
        "and C(restart_required), and is not reported as changed again.",
    ),
    platform=PLATFORM,
    operations=Vm,
    identity=("vmid", "name"),
    states=("present", "absent", "started", "stopped"),
    risk=vm_fields.RISK,
    fields=vm_fields.FIELDS,
    returns=(vm_fields.RETURNED_VMID, *MACHINE),
)
