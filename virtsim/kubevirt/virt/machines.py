# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller of machines: run strategies, requests, live updates, printable status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store import Object
from . import conditions, instancetypes, live, names, printable
from .guests import is_unschedulable

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_DONE = ("Failed", "Succeeded")
_BACKOFF, _LONGEST_BACKOFF = 10, 300


class Machines:
    """Brings machines to what their spec and their requests say."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator."""
        self._sim = sim

    def reconcile(self, place: str, name: str) -> None:
        """Look at one machine, do the next step, and write its status."""
        vm = self._sim.store.get(names.VM, place, name)
        if vm is None:
            return
        vmi = self._sim.store.get(names.VMI, place, name)
        if vm["metadata"].get("deletionTimestamp"):
            if vmi is None:
                self._finish(vm)
            return
        lost = instancetypes.missing(self._sim.store, vm)
        self._fail(vm, lost)
        if lost:
            self._status(place, name)
            return
        self._sim.controllers.volumes.templates(vm)
        if vmi is not None and not vmi["metadata"].get("deletionTimestamp"):
            live.update(self._sim, vm, vmi)
        self._step(vm, vmi)
        self._status(place, name)

    def _fail(self, vm: Object, lost: tuple[str, str] | None) -> None:
        """Say that an instance type or a preference is not there, until it is."""
        place, name, stamp = (
            vm["metadata"]["namespace"],
            vm["metadata"]["name"],
            self._sim.store.stamp(),
        )
        had = conditions.is_true(vm, "Failure")
        if lost and not had:
            self._sim.store.change(
                names.VM,
                place,
                name,
                lambda obj: conditions.put(obj, "Failure", "True", stamp, *lost),
            )
        elif had and not lost:
            self._sim.store.change(
                names.VM, place, name, lambda obj: conditions.drop(obj, "Failure")
            )

    def delete(self, place: str, name: str, *, orphan: bool) -> None:
        """Delete a machine: its guest is shut down first."""
        vmi = self._sim.store.get(names.VMI, place, name)
        stamp = self._sim.store.stamp()
        marked = self._sim.store.change(
            names.VM,
            place,
            name,
            lambda obj: obj["metadata"].setdefault("deletionTimestamp", stamp),
        )
        if vmi is not None and not orphan:
            self._sim.controllers.guests.stop(place, name, None)
            self._status(place, name)
        elif marked is not None:
            self._finish(marked)

    def _finish(self, vm: Object) -> None:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        others = [
            each for each in vm["metadata"].get("finalizers") or () if each != names.FINALIZER
        ]
        if others:
            self._sim.store.change(
                names.VM, place, name, lambda obj: obj["metadata"].__setitem__("finalizers", others)
            )
            return
        self._sim.store.remove(names.VM, place, name)
        self._sim.controllers.collect(vm["metadata"]["uid"])

    def _step(self, vm: Object, vmi: Object | None) -> None:
        """Stop or start the guest when strategy or requests ask for it."""
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        guests = self._sim.controllers.guests
        requests = list((vm.get("status") or {}).get("stateChangeRequests") or ())
        strategy = names.strategy_of(vm)
        phase = (vmi or {}).get("status", {}).get("phase") if vmi else None
        ending = bool(vmi and vmi["metadata"].get("deletionTimestamp"))
        if requests and requests[0]["action"] == "Stop":
            if vmi is not None and vmi["metadata"]["uid"] == requests[0].get("uid"):
                guests.stop(place, name, None)
                return
            requests = self._took(vm, requests)
        if requests and requests[0]["action"] == "Start" and vmi is None:
            if not self._blocked(vm):
                paused = (requests[0].get("data") or {}).get("paused") == "true"
                if strategy == "Halted":
                    self._set_always(vm)
                self._took(vm, requests)
                self._launch(vm, paused=paused)
            return
        if vmi is None:
            if self._wants_one(vm, strategy) and not self._blocked(vm):
                self._launch(vm)
        elif not ending and (strategy == "Halted" or self._ended_and_wanted(strategy, phase)):
            if phase == "Failed":
                self._back_off(vm)
            guests.stop(place, name, 0 if phase in _DONE else None)

    def _launch(self, vm: Object, *, paused: bool = False) -> None:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        self._sim.store.change(names.VM, place, name, _started)
        self._sim.controllers.guests.start(vm, paused=paused)

    def _took(self, vm: Object, requests: list[Object]) -> list[Object]:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        rest = requests[1:]

        def edit(obj: Object) -> None:
            if rest:
                obj["status"]["stateChangeRequests"] = rest
            else:
                obj["status"].pop("stateChangeRequests", None)

        self._sim.store.change(names.VM, place, name, edit)
        return rest

    def _set_always(self, vm: Object) -> None:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        self._sim.store.change(
            names.VM, place, name, lambda obj: obj["spec"].__setitem__("runStrategy", "Always")
        )

    @staticmethod
    def _wants_one(vm: Object, strategy: str) -> bool:
        status = vm.get("status") or {}
        if strategy == "Always":
            return True
        # Once, and on failure, a guest is started when the machine gets that strategy.
        return strategy in ("Once", "RerunOnFailure") and status.get("runStrategy") != strategy

    @staticmethod
    def _ended_and_wanted(strategy: str, phase: str | None) -> bool:
        if strategy == "Always":
            return phase in _DONE
        return strategy == "RerunOnFailure" and phase == "Failed"

    def _blocked(self, vm: Object) -> bool:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        found = self._sim.store.get(names.VM, place, name) or vm
        waits = printable.backs_off(found, self._sim.store.stamp())
        return waits or self._sim.controllers.volumes.trouble(vm) is not None

    def _back_off(self, vm: Object) -> None:
        """Let a guest that failed wait before it is started again, longer each time."""
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        failure = (vm.get("status") or {}).get("startFailure") or {}
        count = int(failure.get("consecutiveFailCount", 0)) + 1
        seconds = min(_BACKOFF * count * count, _LONGEST_BACKOFF)
        retry = {
            "consecutiveFailCount": count,
            "retryAfterTimestamp": self._sim.store.stamp(seconds),
        }
        self._sim.store.change(
            names.VM, place, name, lambda obj: obj["status"].__setitem__("startFailure", retry)
        )
        self._sim.clock.schedule(
            seconds + 1, lambda: self.reconcile(place, name), name=f"vm {place}/{name} again"
        )

    def _status(self, place: str, name: str) -> None:
        vmi = self._sim.store.get(names.VMI, place, name)
        stamp = self._sim.store.stamp()
        vm = self._sim.store.get(names.VM, place, name)
        trouble = self._sim.controllers.volumes.trouble(vm) if vm else None

        def edit(obj: Object) -> None:
            status = obj.setdefault("status", {})
            status["created"] = vmi is not None
            ready = vmi is not None and conditions.is_true(vmi, "Ready")
            status["ready"] = ready
            _conditions(obj, vmi, stamp, ready=ready)
            if vmi is not None and vmi["status"].get("phase") == "Running":
                status.pop("startFailure", None)
            waits = vmi is None and printable.backs_off(obj, stamp)
            status["printableStatus"] = (
                "CrashLoopBackOff"
                if waits
                else printable.status(obj, vmi, trouble, vmi and is_unschedulable(vmi))
            )
            status["runStrategy"] = names.strategy_of(obj)
            status["volumeSnapshotStatuses"] = self._sim.controllers.volumes.snapshotable(obj)
            obj["metadata"].setdefault("finalizers", [names.FINALIZER])

        self._sim.store.change(names.VM, place, name, edit)


def _conditions(vm: Object, vmi: Object | None, stamp: str, *, ready: bool) -> None:
    if vmi is None:
        # The other copies stay as they were when the guest went (vm.go, syncConditions).
        conditions.put(vm, "Ready", "False", stamp, "VMINotExists", "VMI does not exist")
        conditions.drop(vm, "RestartRequired")
        conditions.drop(vm, "Paused")
        return
    if ready:
        conditions.put(vm, "Ready", "True", stamp)
    else:
        conditions.put(
            vm, "Ready", "False", stamp, "GuestNotRunning", "Guest VM is not reported as running"
        )
    for each in vmi["status"].get("conditions") or ():
        if each["type"] == "PodScheduled":
            why = (each.get("reason", ""), each.get("message", ""))
            conditions.put(vm, "PodScheduled", each["status"], stamp, *why)
    for kind in ("LiveMigratable", "AgentConnected", "Paused"):
        if conditions.is_true(vmi, kind):
            conditions.put(vm, kind, "True", stamp)
        elif kind == "Paused":
            conditions.drop(vm, kind)


def _started(vm: Object) -> None:
    status = vm.setdefault("status", {})
    status["observedGeneration"] = vm["metadata"].get("generation", 1)
    status["desiredGeneration"] = vm["metadata"].get("generation", 1)
