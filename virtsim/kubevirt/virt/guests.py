# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running instances: they start in phases, run, pause, fail and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store import Object, copied
from . import conditions, instancetypes, names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

STARTING = (("Pending", 0.3), ("Scheduling", 0.5), ("Scheduled", 1.5), ("Running", 3.0))
SHUTDOWN = 4.0
AGENT = "virtsim.virtbridge/guest-agent"
_DONE = ("Failed", "Succeeded")


class Guests:
    """Starts and stops instances, and does what is asked of running ones."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator whose clock counts."""
        self._sim = sim

    def start(self, vm: Object, *, paused: bool = False) -> None:
        """Make the instance of a machine."""
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        template = copied(vm["spec"]["template"])
        owner = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "name": name,
            "uid": vm["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        vmi: Object = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": {
                "name": name,
                "namespace": place,
                "labels": {
                    **(template.get("metadata") or {}).get("labels", {}),
                    "vm.kubevirt.io/name": name,
                },
                "annotations": (template.get("metadata") or {}).get("annotations", {}),
                "ownerReferences": [owner],
                "finalizers": ["kubevirt.io/foregroundDeleteVirtualMachine"],
            },
            "spec": instancetypes.sized(self._sim.store, vm),
            "status": {"phase": "Pending"},
        }
        if paused:
            vmi["spec"]["startStrategy"] = "Paused"
        made = self._sim.store.create(names.VMI, vmi)
        self._sim.controllers.machines.reconcile(place, name)
        for phase, after in STARTING[1:]:
            self._later(after, place, name, made["metadata"]["uid"], phase)

    def _later(self, seconds: float, place: str, name: str, uid: str, phase: str) -> None:
        self._sim.clock.schedule(
            seconds,
            lambda: self._enter(place, name, uid, phase),
            name=f"vmi {place}/{name} {phase}",
        )

    def _enter(self, place: str, name: str, uid: str, phase: str) -> None:
        vmi = self._sim.store.get(names.VMI, place, name)
        if vmi is None or vmi["metadata"]["uid"] != uid or vmi["metadata"].get("deletionTimestamp"):
            return
        if vmi["status"].get("phase") in _DONE:
            return
        path = f"/{place}/{name}"
        if phase == "Scheduled" and self._sim.faults.take("fail_start", "GET", path):
            self._unschedulable(vmi)
            return
        if is_unschedulable(vmi):
            return
        crash = phase == "Running" and self._sim.faults.take("crash_loop", "GET", path)
        stamp = self._sim.store.stamp()
        self._sim.store.change(
            names.VMI,
            place,
            name,
            lambda obj: self._phase(obj, "Failed" if crash else phase, stamp),
        )
        self._sim.controllers.machines.reconcile(place, name)

    def _unschedulable(self, vmi: Object) -> None:
        place, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
        stamp = self._sim.store.stamp()
        self._sim.store.change(
            names.VMI,
            place,
            name,
            lambda obj: conditions.put(
                obj,
                "PodScheduled",
                "False",
                stamp,
                "Unschedulable",
                "0/3 nodes are available: 3 Insufficient memory (virtsim: failed on request).",
            ),
        )
        self._sim.controllers.machines.reconcile(place, name)

    def _phase(self, vmi: Object, phase: str, stamp: str) -> None:
        vmi["status"]["phase"] = phase
        if phase in ("Scheduled", "Running"):
            vmi["status"].setdefault("nodeName", self._node())
        if phase == "Running":
            self._running(vmi, stamp)
        elif phase == "Failed":
            conditions.put(
                vmi, "Ready", "False", stamp, "GuestNotRunning", "Guest VM is not running"
            )
        else:
            conditions.put(
                vmi, "Ready", "False", stamp, "GuestNotRunning", "Guest VM is not running"
            )

    def _running(self, vmi: Object, stamp: str) -> None:
        conditions.put(vmi, "Ready", "True", stamp)
        conditions.put(vmi, "LiveMigratable", "True", stamp)
        if vmi["spec"].get("startStrategy") == "Paused":
            conditions.put(vmi, "Paused", "True", stamp, "PausedByUser", "VMI was paused by user")
        self._sim.state.serial += 1
        number = self._sim.state.serial % 60000
        found = []
        for index, interface in enumerate(vmi["spec"]["domain"]["devices"].get("interfaces") or ()):
            mac = (
                interface.get("macAddress")
                or f"02:00:00:{number >> 8:02x}:{number & 255:02x}:{index:02x}"
            )
            address = f"10.244.{number >> 8}.{number & 255}"
            row: Object = {"name": interface["name"], "mac": mac, "queueCount": 1}
            if index == 0:
                row |= {"ipAddress": address, "ipAddresses": [address]}
            found.append(row)
        vmi["status"]["interfaces"] = found
        agent = (vmi["metadata"].get("annotations") or {}).get(AGENT)
        if agent:
            conditions.put(vmi, "AgentConnected", "True", stamp)
            vmi["status"]["guestOSInfo"] = {"name": agent, "prettyName": agent}

    def _node(self) -> str:
        nodes = [each["metadata"]["name"] for each in self._sim.store.list("nodes")]
        self._sim.state.nodes_used += 1
        return nodes[self._sim.state.nodes_used % len(nodes)] if nodes else "node1"

    def stop(self, place: str, name: str, grace: int | None) -> None:
        """Ask a guest to shut down; it is gone after a while, at once without grace."""
        vmi = self._sim.store.get(names.VMI, place, name)
        if vmi is None:
            return
        uid, stamp = vmi["metadata"]["uid"], self._sim.store.stamp()
        period = vmi["spec"].get("terminationGracePeriodSeconds") if grace is None else grace
        stuck = self._sim.faults.take("stuck_stop", "GET", f"/{place}/{name}")
        if not vmi["metadata"].get("deletionTimestamp"):
            self._sim.store.change(
                names.VMI,
                place,
                name,
                lambda obj: obj["metadata"].__setitem__("deletionTimestamp", stamp),
            )
            self._sim.controllers.machines.reconcile(place, name)
        if stuck and period != 0:
            return
        self._sim.clock.schedule(
            0.2 if period is not None and period <= 1 else SHUTDOWN,
            lambda: self._end(place, name, uid),
            name=f"vmi {place}/{name} ends",
        )

    def _end(self, place: str, name: str, uid: str) -> None:
        vmi = self._sim.store.get(names.VMI, place, name)
        if vmi is not None and vmi["metadata"]["uid"] == uid:
            self._sim.store.remove(names.VMI, place, name)
            self._sim.controllers.machines.reconcile(place, name)

    def act(self, vmi: Object, action: str) -> None:
        """Pause, go on, reboot or reset a guest."""
        place, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
        stamp = self._sim.store.stamp()

        def edit(obj: Object) -> None:
            if action == "pause":
                conditions.put(
                    obj, "Paused", "True", stamp, "PausedByUser", "VMI was paused by user"
                )
            elif action == "unpause":
                conditions.drop(obj, "Paused")

        self._sim.store.change(names.VMI, place, name, edit)
        self._sim.controllers.machines.reconcile(place, name)


def is_unschedulable(vmi: Object) -> bool:
    """Whether no node has room for the guest."""
    rows = vmi["status"].get("conditions") or ()
    return any(each["type"] == "PodScheduled" and each["status"] == "False" for each in rows)
