# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and restores of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store import Object, copied
from . import conditions, names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

SECONDS = 3.0


class Snapshots:
    """Takes snapshots, keeps their content, restores machines from it."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator."""
        self._sim = sim

    def take(self, place: str, name: str) -> None:
        """Begin a new snapshot."""
        snapshot = self._sim.store.get(names.SNAPSHOT, place, name)
        if snapshot is None or (snapshot.get("status") or {}).get("phase"):
            return
        machine = snapshot["spec"]["source"]["name"]
        stamp = self._sim.store.stamp()

        def begin(obj: Object) -> None:
            obj["status"] = {"phase": "InProgress", "readyToUse": False}
            conditions.put(
                obj, "Progressing", "True", stamp, "", "Source locked and operation in progress"
            )
            conditions.put(obj, "Ready", "False", stamp, "", "Not ready")

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
            self._sim.store.change(names.SNAPSHOT, place, name, lambda obj: _fail(obj, stamp))
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

    def forget(self, snapshot: Object) -> None:
        """Remove the content of a snapshot that was deleted, unless it is to be retained."""
        content = (snapshot.get("status") or {}).get("virtualMachineSnapshotContentName")
        if content and (snapshot.get("spec") or {}).get("deletionPolicy") != "Retain":
            self._sim.store.remove(names.CONTENT, snapshot["metadata"]["namespace"], content)
        machine = snapshot["spec"]["source"]["name"]
        self._mark(snapshot["metadata"]["namespace"], machine, "snapshotInProgress", None)

    def restore(self, place: str, name: str) -> None:
        """Begin a restore; the machine must be off."""
        restore = self._sim.store.get(names.RESTORE, place, name)
        if restore is None or (restore.get("status") or {}).get("complete") is not None:
            return
        stamp = self._sim.store.stamp()
        self._sim.store.change(
            names.RESTORE, place, name, lambda obj: obj.__setitem__("status", {"complete": False})
        )
        machine = restore["spec"]["target"]["name"]
        if self._sim.store.get(names.VMI, place, machine) is not None:
            text = "Restore target failed to be ready"
            self._sim.store.change(
                names.RESTORE,
                place,
                name,
                lambda obj: conditions.put(obj, "Failure", "True", stamp, "", text),
            )
            return
        self._mark(place, machine, "restoreInProgress", name)
        self._sim.clock.schedule(
            SECONDS, lambda: self._restored(place, name), name=f"restore {name}"
        )

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

        def end(obj: Object) -> None:
            obj["status"] |= {"complete": content is not None, "restoreTime": stamp}
            conditions.put(obj, "Ready", "True", stamp, "", "Operation complete")

        self._sim.store.change(names.RESTORE, place, name, end)

    def _mark(self, place: str, machine: str, field: str, name: str | None) -> None:
        def edit(obj: Object) -> None:
            if name is None:
                obj.setdefault("status", {}).pop(field, None)
            else:
                obj.setdefault("status", {})[field] = name

        self._sim.store.change(names.VM, place, machine, edit)


def _fail(obj: Object, stamp: str) -> None:
    text = "virtsim: snapshot failed on request"
    obj["status"] |= {"phase": "Failed", "readyToUse": False}
    obj["status"]["error"] = {"message": text, "time": stamp}
    conditions.put(obj, "Failure", "True", stamp, "", text)
    conditions.put(obj, "Progressing", "False", stamp, "", "Operation failed")


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
    conditions.put(obj, "Progressing", "False", stamp, "", "Operation complete")
    conditions.put(obj, "Ready", "True", stamp, "", "Operation complete")
