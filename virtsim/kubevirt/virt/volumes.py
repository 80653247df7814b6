# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CDI: data volumes that are filled, the claims behind them, and what a machine misses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..store import Object, copied
from . import conditions, names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_STEPS = (("ImportScheduled", 0.5), ("ImportInProgress", 1.0), ("Succeeded", 4.0))


class Volumes:
    """Fills data volumes and judges the volumes of machines."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator."""
        self._sim = sim

    def templates(self, vm: Object) -> None:
        """Make the data volumes that a machine has templates for."""
        place, owner = vm["metadata"]["namespace"], vm["metadata"]
        for template in vm["spec"].get("dataVolumeTemplates") or ():
            name = template["metadata"]["name"]
            if self._sim.store.get(names.DATA_VOLUME, place, name) is not None:
                continue
            reference = {
                "apiVersion": "kubevirt.io/v1",
                "kind": "VirtualMachine",
                "name": owner["name"],
                "uid": owner["uid"],
                "controller": True,
            }
            obj: Object = {
                "apiVersion": "cdi.kubevirt.io/v1beta1",
                "kind": "DataVolume",
                "metadata": {
                    **copied(template["metadata"]),
                    "namespace": place,
                    "ownerReferences": [reference],
                },
                "spec": copied(template["spec"]),
            }
            made = self._sim.store.create(names.DATA_VOLUME, obj)
            self._sim.controllers.changed(names.DATA_VOLUME, made)

    def reconcile(self, place: str, name: str) -> None:
        """Begin to fill a new data volume."""
        volume = self._sim.store.get(names.DATA_VOLUME, place, name)
        if volume is None or (volume.get("status") or {}).get("phase"):
            return
        self._sim.store.change(
            names.DATA_VOLUME,
            place,
            name,
            lambda obj: obj.__setitem__("status", {"phase": "Pending"}),
        )
        self._claim(volume)
        fails = self._sim.faults.take("fail_import", "GET", f"/{place}/{name}")
        for phase, after in _STEPS[: 2 if fails else 3]:
            self._sim.clock.schedule(
                after,
                partial(self._enter, place, name, phase),
                name=f"dv {place}/{name}",
            )
        if fails:
            self._sim.clock.schedule(
                2.0, lambda: self._fail(place, name), name=f"dv {place}/{name}"
            )

    def _claim(self, volume: Object) -> None:
        place, name = volume["metadata"]["namespace"], volume["metadata"]["name"]
        wanted = volume["spec"].get("storage") or volume["spec"].get("pvc") or {}
        reference = {
            "apiVersion": "cdi.kubevirt.io/v1beta1",
            "kind": "DataVolume",
            "name": name,
            "uid": volume["metadata"]["uid"],
            "controller": True,
        }
        self._sim.store.create(
            names.CLAIM,
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": place, "ownerReferences": [reference]},
                "spec": {
                    "accessModes": wanted.get("accessModes") or ["ReadWriteMany"],
                    "resources": wanted.get("resources") or {},
                    "storageClassName": wanted.get("storageClassName") or "fast",
                },
                "status": {"phase": "Bound"},
            },
        )

    def _enter(self, place: str, name: str, phase: str) -> None:
        def edit(obj: Object) -> None:
            obj["status"]["phase"] = phase
            if phase == "Succeeded":
                obj["status"]["progress"] = "100.0%"
                conditions.put(obj, "Ready", "True", self._sim.store.stamp())

        if self._sim.store.change(names.DATA_VOLUME, place, name, edit):
            self._users(place, name)

    def _fail(self, place: str, name: str) -> None:
        stamp = self._sim.store.stamp()
        text = "Unable to process data: virtsim: import failed on request"
        self._sim.store.change(
            names.DATA_VOLUME,
            place,
            name,
            lambda obj: conditions.put(obj, "Running", "False", stamp, "Error", text),
        )
        self._users(place, name)

    def _users(self, place: str, name: str) -> None:
        for vm in list(self._sim.store.list(names.VM, place)):
            if name in _volumes_of(vm):
                self._sim.controllers.machines.reconcile(place, vm["metadata"]["name"])

    def trouble(self, vm: Object) -> str | None:
        """Return why a machine cannot start because of its volumes, as printableStatus says it."""
        place = vm["metadata"]["namespace"]
        for volume in vm["spec"]["template"]["spec"].get("volumes") or ():
            source = volume.get("dataVolume")
            if source:
                found = self._sim.store.get(names.DATA_VOLUME, place, source["name"])
                claim = self._sim.store.get(names.CLAIM, place, source["name"])
                state = self._data_volume(found, claim)
                if state:
                    return state
            source = volume.get("persistentVolumeClaim")
            if source and self._sim.store.get(names.CLAIM, place, source["claimName"]) is None:
                return "ErrorPvcNotFound"
        return None

    @staticmethod
    def _data_volume(volume: Object | None, claim: Object | None) -> str | None:
        if volume is None:
            return None if claim is not None else "Provisioning"
        rows = (volume.get("status") or {}).get("conditions") or ()
        if any(each["type"] == "Running" and each.get("reason") == "Error" for each in rows):
            return "DataVolumeError"
        return None if (volume.get("status") or {}).get("phase") == "Succeeded" else "Provisioning"

    @staticmethod
    def snapshotable(vm: Object) -> list[Object]:
        """Return for each volume whether a snapshot can include it."""
        rows = []
        for volume in vm["spec"]["template"]["spec"].get("volumes") or ():
            can = "dataVolume" in volume or "persistentVolumeClaim" in volume
            row: Object = {"name": volume["name"], "enabled": can}
            if not can:
                row["reason"] = (
                    f"Snapshot is not supported for this volumeSource type [{volume['name']}]"
                )
            rows.append(row)
        return rows


def _volumes_of(vm: Object) -> set[str]:
    volumes = vm["spec"]["template"]["spec"].get("volumes") or ()
    return {each["dataVolume"]["name"] for each in volumes if "dataVolume" in each}
