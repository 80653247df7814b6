# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A Proxmox VE virtual machine: how it is found, created, changed and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ...engine.errors import (
    AlreadyExists,
    CapacityExceeded,
    Conflict,
    Locked,
    OperationFailed,
    PermissionDenied,
    UncertainOutcome,
    ValidationFailed,
)
from ...engine.plan import Plan
from ...engine.planning import make_plan
from ...engine.resource import Resource, Wait
from ...machine import MACHINE
from .. import guests
from ..api import path
from ..guest_config import parameters_of
from ..platform import PLATFORM
from ..tasks_of import GuestTasks
from . import vm_checks, vm_fields
from .vm_power import VM_POWER, VmPower
from .vm_reading import VmReading

_BACKGROUND_DELAY = 5
_ID_ATTEMPTS = 20
_PLANNED_ANEW = 3
_CLOUD_INIT_SLOTS = ("ide2", "ide0", "ide1", "ide3")
_TASK_FAILED = (OperationFailed, Locked, Conflict, CapacityExceeded, PermissionDenied)


class Vm(VmReading):
    """Finds, creates, changes and deletes one virtual machine."""

    _settled: Callable[[], bool | None] | None = None

    def create(self, plan: Plan) -> None:
        """Create it under an id that nobody else has, from nothing or from another machine."""
        self._exact_state = True
        source = self._desired.get("clone")
        imports = any(disk.get("import_from") for disk in plan.after.get("disks") or ())
        if source:
            self._allocated(lambda vmid: self._clone(source, vmid))
        else:
            values, _gone = parameters_of(plan.after, {})
            if self._desired.get("pool"):
                values["pool"] = self._desired["pool"]
            values |= self._cloud_init_drive({**values})
            wait = self._patiently() if imports else self._wait
            self._allocated(lambda vmid: self._create(vmid, values, wait))
        if source or imports:
            self._finish(secrets=bool(source))

    def _finish(self, *, secrets: bool) -> None:
        """Bring a machine that was just made to what was asked; a clone's secrets too.

        A lost answer is settled here: the engine, which sees a machine that is there, would
        leave out the secrets.
        """
        desired = {**self._desired, "state": "present"}
        desired["update_secrets"] = "always" if secrets else "on_create"
        first = True
        while True:
            actual = self._only()
            try:
                self._update(actual, make_plan(VM, desired, actual).after, desired, new=True)
                return
            except UncertainOutcome as lost:
                if self.settle(actual):
                    desired["update_secrets"] = "on_create"
                elif not first:
                    raise OperationFailed(
                        f"{actual['_label']} was made, and is not finished: {lost.message} "
                        "Run this again with update_secrets: always."
                    ) from lost
                first = False

    def _cloud_init_drive(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return the drive that ``ci_storage`` asks for, unless there is one."""
        storage = self._desired.get("ci_storage")
        if not storage or any("cloudinit" in str(value) for value in config.values()):
            return {}
        slot = next((slot for slot in _CLOUD_INIT_SLOTS if slot not in config), None)
        if slot is None:
            raise ValidationFailed("ci_storage: no IDE slot is free for the cloud-init drive.")
        return {slot: f"{storage}:cloudinit"}

    def _allocated(self, attempt: Any) -> None:
        """Run ``attempt`` with an id; the server's reservation of the id decides races."""
        if self._desired.get("vmid"):
            attempt(self._desired["vmid"])
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

    def _patiently(self) -> Wait:
        """Return how to wait where more is to be written afterwards, whatever was asked."""
        return Wait(True, self._wait.timeout)

    def _create(self, vmid: int, values: Mapping[str, Any], wait: Wait) -> None:
        node = self._node()
        self._watch({"node": node, "vmid": vmid}, "qmcreate")
        where = path("/nodes/{node}/qemu", node=node)
        self._client.task("POST", where, {"vmid": vmid, **values}, wait=wait)

    def _node(self) -> str:
        if self._desired.get("node"):
            return str(self._desired["node"])
        online = [row for row in self._client.get("/nodes") if row.get("status") == "online"]
        if not online:
            raise ValidationFailed("No node is online to create it on; give node.")
        return str(max(online, key=lambda row: row.get("maxmem", 0) - row.get("mem", 0))["node"])

    def _clone(self, source: Mapping[str, Any], vmid: int) -> None:
        row = guests.clone_source(self._client, guests.guest_rows(self._client), source)
        parameters = {
            "newid": vmid,
            "name": self._desired.get("name"),
            "full": source.get("full"),
            "storage": source.get("storage"),
            "snapname": source.get("snapshot"),
            "target": self._desired.get("node"),
            "pool": self._desired.get("pool"),
        }
        # The task of a clone bears the id of its source (pve: API2/Qemu.pm, clone_vm).
        self._watch(row, "qmclone")
        try:
            where = guests.guest_path(row, "/clone")
            self._client.task("POST", where, parameters, wait=self._patiently())
        except UncertainOutcome:
            self.settle(None)
            if not self._vmid or not self._is_ours():
                raise

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Send one POST with everything, guarded by the digest, then grow the disks that grow.

        When somebody else wrote meanwhile, what is left to do is found out anew.
        """
        secrets = "always" if "ci_password" in plan.after else "on_create"
        self._update(actual, plan.after, {**self._desired, "update_secrets": secrets})

    def _update(
        self,
        actual: Mapping[str, Any],
        after: Mapping[str, Any],
        desired: Mapping[str, Any],
        *,
        new: bool = False,
    ) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                self._write(actual, after, new=new)
                break
            except Conflict:
                if attempt == _PLANNED_ANEW:
                    raise
                self._vmid = actual["vmid"]
                actual = self._only()
                after = make_plan(VM, desired, actual).after
        if any(disk.get("import_from") for disk in desired.get("disks") or ()):
            # An imported disk has the size of its image, which is known only now.
            actual = self._only()
            self._grow(actual, vm_checks.growth(actual, desired))

    def _write(self, actual: Mapping[str, Any], after: Mapping[str, Any], *, new: bool) -> None:
        values, gone = parameters_of(after, actual["_config"])
        if new:
            values |= self._cloud_init_drive({**actual["_config"], **values})
        if values or gone:
            self._configure(actual, values, gone)
        self._grow(actual, vm_checks.growth(actual, after))

    def _grow(self, actual: Mapping[str, Any], sizes: Mapping[str, Any]) -> None:
        for slot, size in sizes.items():
            self._watch(actual, "resize")
            parameters = {"disk": slot, "size": f"{size}G"}
            where = guests.guest_path(actual, "/resize")
            self._client.task("PUT", where, parameters, wait=self._wait)

    def _watch(self, actual: Mapping[str, Any], kind: str) -> None:
        """Remember what runs now, so that a lost answer can be told from a lost call."""
        tasks = GuestTasks(self._client, actual["node"], actual["vmid"], (kind,))
        self._settled = partial(tasks.settle, self._wait.timeout)

    def _configure(
        self, actual: Mapping[str, Any], values: Mapping[str, Any], gone: list[str]
    ) -> None:
        self._watch(actual, "qmconfig")
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
        now = {key: str(value) for key, value in config.items()}
        if now != {key: str(value) for key, value in actual["_config"].items()}:
            raise Conflict(
                f"{actual['_label']} was changed by somebody else while this run looked at it. "
                "Nothing was written; run this again."
            )
        return digest

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it with its disks; a running one is switched off first, when forced."""
        if actual["state"] != "stopped":
            self.power(actual, "stopped")
        self._watch(actual, "qmdestroy")
        purge = {"purge": True} if self._desired.get("purge") else {}
        self._client.task("DELETE", guests.guest_path(actual), purge, wait=self._wait)

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Start it, or shut it down (switch it off with force)."""
        self._exact_state = True
        name = "started" if state == "running" else "stopped"
        power = VmPower(self._client, {"force": self._desired.get("force")}, self._wait)
        self._settled = partial(power.settle, actual)
        power.perform(actual, VM_POWER.transition(name))

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the task that a lost call may have started."""
        del actual
        applied = None
        with suppress(*_TASK_FAILED):
            # Of one that failed, reading back shows what is left to do, and the retry says why.
            applied = self._settled() if self._settled else None
        if self._vmid and self._vmid != self._desired.get("vmid") and not self._is_ours():
            # Somebody else took the id first, and that answer was the one that was lost.
            self._vmid = None
        return applied


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
    request_budget=3,
    returns=(vm_fields.RETURNED_VMID, *MACHINE),
)
