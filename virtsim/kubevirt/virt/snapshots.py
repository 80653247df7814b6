# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and restores of machines."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..store import Object, copied
from . import conditions, names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

SECONDS = 3.0
_RETRY = 10.0
_TOO_LATE = "snapshot deadline exceeded"
_INITIALIZING = "Initializing VirtualMachineRestore"


class Snapshots:
    """Takes snapshots, keeps their content, restores machines from it."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator."""
        self._sim = sim

    def take(self, place: str, name: str, waited: float = 0) -> None:
        """Begin a new snapshot, or wait for its machine until the deadline."""
        snapshot = self._sim.store.get(names.SNAPSHOT, place, name)
        if snapshot is None or _has_begun(snapshot, "phase", ("Succeeded", "Failed")):
            return
        machine = snapshot["spec"]["source"]["name"]
        stamp = self._sim.store.stamp()
        if self._sim.store.get(names.VM, place, machine) is None:
            deadline = _seconds(snapshot["spec"].get("failureDeadline", "5m"))
            late = bool(deadline) and waited >= deadline
            edit = partial(_fail, text=_TOO_LATE) if late else _without_source
            self._sim.store.change(names.SNAPSHOT, place, name, lambda obj: edit(obj, stamp))
            if not late:
                again = partial(self.take, place, name, waited + _RETRY)
                self._sim.clock.schedule(_RETRY, again, name=f"snapshot {name} waits")
            return

        def begin(obj: Object) -> None:
            obj["status"] = {"phase": "InProgress", "readyToUse": False}
            conditions.put(
                obj, "Progressing", "True", stamp, "Source locked and operation in progress"
            )
            conditions.put(obj, "Ready", "False", stamp, "Not ready")

        self._sim.store.change(names.SNAPSHOT, place, name, begin)
        self._mark(place, machine, "snapshotInProgress", name)
        fails = self._sim.faults.take("fail_snapshot", "GET", f"/{place}/{name}")
        self._sim.clock.schedule(
            SECONDS, lambda: self._taken(place, name, failed=bool(fails)), name=f"snapshot {name}"
        )

    def _taken(self, place: str, name: str, *, failed: bool) -> None:
        snapshot = self._sim.store.get(names.SNAPSHOT, place, name)
        if snapshot is None:
            return
        machine = snapshot["spec"]["source"]["name"]
        vm = self._sim.store.get(names.VM, place, machine)
        stamp = self._sim.store.stamp()
        self._mark(place, machine, "snapshotInProgress", None)
        if failed or vm is None:
            text = "virtsim: snapshot failed on request" if failed else "Source does not exist"
            self._sim.store.change(names.SNAPSHOT, place, name, lambda obj: _fail(obj, stamp, text))
            return
        content = f"vmsnapshot-content-{snapshot['metadata']['uid']}"
        self._sim.store.create(
            names.CONTENT,
            {
                "apiVersion": "snapshot.kubevirt.io/v1beta1",
                "kind": "VirtualMachineSnapshotContent",
                "metadata": {"name": content, "namespace": place},
                "spec": {
                    "virtualMachineSnapshotName": name,
                    "source": {
                        "virtualMachine": {
                            "metadata": copied(vm["metadata"]),
                            "spec": copied(vm["spec"]),
                        }
                    },
                },
                "status": {"readyToUse": True},
            },
        )
        online = self._sim.store.get(names.VMI, place, machine) is not None
        self._sim.store.change(
            names.SNAPSHOT,
            place,
            name,
            lambda obj: _succeed(obj, vm, content, stamp, online=online),
        )
        self._resume(place, name)

    def forget(self, snapshot: Object) -> None:
        """Remove the content of a snapshot that was deleted, unless it is to be retained."""
        content = (snapshot.get("status") or {}).get("virtualMachineSnapshotContentName")
        if content and (snapshot.get("spec") or {}).get("deletionPolicy") != "Retain":
            self._sim.store.remove(names.CONTENT, snapshot["metadata"]["namespace"], content)
        machine = snapshot["spec"]["source"]["name"]
        self._mark(snapshot["metadata"]["namespace"], machine, "snapshotInProgress", None)

    def restore(self, place: str, name: str) -> None:
        """Begin a restore; its snapshot must be ready, and the machine off."""
        restore = self._sim.store.get(names.RESTORE, place, name)
        if restore is None or _has_begun(restore, "complete", (True,)):
            return
        stamp = self._sim.store.stamp()
        machine = restore["spec"]["target"]["name"]
        unusable = self._unusable(place, restore["spec"]["virtualMachineSnapshotName"])
        if unusable:
            self._change(place, name, lambda obj: _wait(obj, stamp, unusable))
            return
        if self._sim.store.get(names.VMI, place, machine) is not None:
            text = "Restore target failed to be ready"
            self._change(place, name, lambda obj: _stuck(obj, stamp, text))
            return
        self._change(place, name, lambda obj: _begin(obj, stamp))
        self._mark(place, machine, "restoreInProgress", name)
        self._sim.clock.schedule(
            SECONDS, lambda: self._restored(place, name), name=f"restore {name}"
        )

    def _change(self, place: str, name: str, edit: Callable[[Object], None]) -> None:
        self._sim.store.change(names.RESTORE, place, name, edit)

    def _unusable(self, place: str, name: str) -> str:
        """Return why nothing can be restored from a snapshot; empty when it can."""
        snapshot = self._sim.store.get(names.SNAPSHOT, place, name)
        if snapshot is None:
            return f"VMSnapshot {place}/{name} does not exist"
        status = snapshot.get("status") or {}
        if status.get("phase") == "Failed":
            return f"VMSnapshot {place}/{name} failed and is invalid to use"
        return "" if status.get("readyToUse") else f"VMSnapshot {place}/{name} not ready"

    def _resume(self, place: str, snapshot: str) -> None:
        """Go on with the restores that waited for a snapshot."""
        for each in list(self._sim.store.list(names.RESTORE, place)):
            if each["spec"]["virtualMachineSnapshotName"] == snapshot:
                self.restore(place, each["metadata"]["name"])

    def _restored(self, place: str, name: str) -> None:
        restore = self._sim.store.get(names.RESTORE, place, name)
        if restore is None:
            return
        spec = restore["spec"]
        snapshot = self._sim.store.get(names.SNAPSHOT, place, spec["virtualMachineSnapshotName"])
        source = (snapshot or {}).get("status", {}).get("virtualMachineSnapshotContentName", "")
        content = self._sim.store.get(names.CONTENT, place, source)
        machine = spec["target"]["name"]
        if content is not None:
            saved = content["spec"]["source"]["virtualMachine"]["spec"]["template"]
            self._sim.store.change(
                names.VM,
                place,
                machine,
                lambda obj: obj["spec"].__setitem__("template", copied(saved)),
            )
        self._mark(place, machine, "restoreInProgress", None)
        stamp = self._sim.store.stamp()
        if content is None:
            why = self._unusable(place, spec["virtualMachineSnapshotName"])
            self._change(place, name, lambda obj: _wait(obj, stamp, why))
        else:
            self._change(place, name, lambda obj: _complete(obj, stamp))

    def _mark(self, place: str, machine: str, field: str, name: str | None) -> None:
        def edit(obj: Object) -> None:
            if name is None:
                obj.setdefault("status", {}).pop(field, None)
            else:
                obj.setdefault("status", {})[field] = name

        self._sim.store.change(names.VM, place, machine, edit)


def _fail(obj: Object, stamp: str, text: str) -> None:
    obj.setdefault("status", {}).update({"phase": "Failed", "readyToUse": False})
    obj["status"]["error"] = {"message": text, "time": stamp}
    conditions.put(obj, "Failure", "True", stamp, text)
    conditions.put(obj, "Progressing", "False", stamp, "Operation failed")


def _has_begun(obj: Object, field: str, ends: tuple[object, ...]) -> bool:
    """Whether a snapshot or a restore is under way, has ended or cannot go on."""
    over = (obj.get("status") or {}).get(field) in ends
    return over or any(conditions.is_true(obj, kind) for kind in ("Progressing", "Failure"))


def _without_source(snapshot: Object, stamp: str) -> None:
    snapshot.setdefault("status", {}).update({"phase": "InProgress", "readyToUse": False})
    conditions.put(snapshot, "Progressing", "False", stamp, "Source does not exist")
    conditions.put(snapshot, "Ready", "False", stamp, "Not ready")


def _begin(restore: Object, stamp: str) -> None:
    restore.setdefault("status", {})["complete"] = False
    conditions.put(restore, "Progressing", "True", stamp, _INITIALIZING)
    conditions.put(restore, "Ready", "False", stamp, _INITIALIZING)


def _wait(restore: Object, stamp: str, why: str) -> None:
    restore.setdefault("status", {})["complete"] = False
    for kind in ("Progressing", "Ready"):
        conditions.put(restore, kind, "False", stamp, why)


def _stuck(restore: Object, stamp: str, why: str) -> None:
    _wait(restore, stamp, why)
    conditions.put(restore, "Failure", "True", stamp, why)


def _complete(restore: Object, stamp: str) -> None:
    restore["status"] |= {"complete": True, "restoreTime": stamp}
    conditions.put(restore, "Progressing", "False", stamp, "Operation complete")
    conditions.put(restore, "Ready", "True", stamp, "Operation complete")


def _seconds(duration: str) -> int:
    """Return a duration as Go writes it, in whole seconds."""
    parts = re.findall(r"(\d+)([hms])", duration)
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)


def _succeed(obj: Object, vm: Object, content: str, stamp: str, *, online: bool) -> None:
    volumes = vm["spec"]["template"]["spec"].get("volumes") or ()
    included = [
        each["name"] for each in volumes if "dataVolume" in each or "persistentVolumeClaim" in each
    ]
    others = [each["name"] for each in volumes if each["name"] not in included]
    obj["status"] |= {
        "phase": "Succeeded",
        "readyToUse": True,
        "creationTime": stamp,
        "virtualMachineSnapshotContentName": content,
        "sourceUID": vm["metadata"]["uid"],
        "snapshotVolumes": {"includedVolumes": included, "excludedVolumes": others},
    }
    if online:
        obj["status"]["indications"] = ["Online", "NoGuestAgent"]
    conditions.put(obj, "Progressing", "False", stamp, "Operation complete")
    conditions.put(obj, "Ready", "True", stamp, "Operation complete")
