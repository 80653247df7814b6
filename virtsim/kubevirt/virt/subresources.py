# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-api answers below subresources.kubevirt.io (v1.9.0): power, pause, guest facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.http import Request, Response
from ..routes import VirtTarget
from ..status import ApiError, conflict, not_found
from ..store import Object, copied
from . import conditions, expanding, names
from .calls import is_dry, phase_of, read
from .instance_calls import ACTIONS, CANCEL, FACTS, Instances

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_POWER = ("start", "stop", "restart", "migrate", "expand-spec", CANCEL)
MODELLED = frozenset(
    {
        ("expand-vm-spec", ""),
        *(("virtualmachines", sub) for sub in _POWER),
        *(("virtualmachineinstances", sub) for sub in (*ACTIONS, *FACTS, CANCEL)),
    }
)
_READS = ("expand-spec", *FACTS)
_DONE = ("Failed", "Succeeded")
_BUSY = "unable to complete request: stop/start already underway"
_RECOVERY = (
    "VM recovery required: Volume migration failed, leaving some volumes pointing to "
    "non-consistent targets; manual intervention is needed to reassign them to their original "
    "volumes."
)


class Subresources:
    """Answers calls on machines and their running instances."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator whose objects are changed."""
        self._sim = sim
        self._instances = Instances(sim)

    def answer(self, request: Request, target: VirtTarget) -> Response:
        """Answer one call; ApiError where the real server refuses it."""
        if (target.resource, target.sub) not in MODELLED:
            raise ApiError(404, f"virtsim: {target.resource}/{target.sub} is not modelled")
        if request.method != ("GET" if target.sub in _READS else "PUT"):
            raise ApiError(405, "405: Method Not Allowed", plain=True)
        accepted = request.headers.get("accept", "*/*")
        if not any(form in accepted for form in ("*/*", "application/*", "application/json")):
            raise ApiError(406, "406: Not Acceptable\n\nAvailable representations: ", plain=True)
        if target.resource == "expand-vm-spec":
            return expanding.sent(self._sim.store, self._sim.catalog, request, target)
        if target.resource == "virtualmachines":
            return self._machine(target, read(request))
        return self._instances.answer(request, target)

    def _machine(self, target: VirtTarget, body: Object) -> Response:
        vm = self._sim.store.get(names.VM, target.namespace, target.name)
        if vm is None:
            raise not_found("virtualmachine", "kubevirt.io", target.name)
        vmi = self._sim.store.get(names.VMI, target.namespace, target.name)
        if target.sub == "expand-spec":
            return expanding.stored(self._sim.store, vm)
        if target.sub == CANCEL:
            if vmi is None:
                raise _refused(target, "VMI is not started")
            return self._instances.cancel(vmi, body)
        if target.sub == "migrate":
            return self._migrate(target, vmi, body)
        call = {"start": self._start, "stop": self._stop, "restart": self._restart}[target.sub]
        call(target, vm, vmi, body)
        return Response(202)

    def _start(self, target: VirtTarget, vm: Object, vmi: Object | None, body: Object) -> None:
        phase = phase_of(vmi)
        strategy = names.strategy_of(vm)
        if vmi is not None and phase not in (*_DONE, "Unknown"):
            raise _refused(target, "VM is already running")
        if strategy in ("Always", "Once"):
            raise _refused(target, f"{strategy} does not support manual start requests")
        if strategy == "RerunOnFailure" and phase == "Failed":
            raise _refused(target, "RerunOnFailure does not support starting VM from failed state")
        if conditions.is_true(vm, "ManualRecoveryRequired"):
            raise _refused(target, _RECOVERY)
        data = {"data": {"paused": "true"}} if body.get("paused") else {}
        if strategy == "Halted" and not data:
            self._set_strategy(vm, body, "Always")
            return
        ended = vmi is not None and strategy != "Halted"
        stop = [{"action": "Stop", "uid": vmi["metadata"]["uid"]}] if vmi and ended else []
        self._request(vm, body, [*stop, {"action": "Start", **data}])

    def _stop(self, target: VirtTarget, vm: Object, vmi: Object | None, body: Object) -> None:
        strategy, grace = names.strategy_of(vm), body.get("gracePeriod")
        if strategy in ("Always", "Once"):
            self._shorten(vmi, body, grace)
            self._set_strategy(vm, body, "Halted")
            return
        if strategy == "WaitAsReceiver":
            return
        if vmi is None or phase_of(vmi) in _DONE:
            raise _refused(target, "VM is not running")
        self._shorten(vmi, body, grace)
        if strategy == "Halted":
            now = vmi["spec"].get("terminationGracePeriodSeconds")
            if grace is None or (now is not None and grace >= now):
                text = "Halted only supports manual stop requests with a shorter graceperiod"
                raise _refused(target, text)
        self._request(vm, body, [{"action": "Stop", "uid": vmi["metadata"]["uid"]}])

    def _restart(self, target: VirtTarget, vm: Object, vmi: Object | None, body: Object) -> None:
        grace = body.get("gracePeriodSeconds")
        if grace is not None and grace < 0:
            raise ApiError(400, "gracePeriod has to be greater or equal to 0")
        if grace:
            raise ApiError(400, "For force restart, only gracePeriod=0 is supported for now")
        strategy = names.strategy_of(vm)
        if strategy in ("Halted", "Once"):
            text = f"RunStategy {strategy} does not support manual restart requests"
            raise _refused(target, text)
        if vmi is None:
            raise _refused(target, "VM is not running: Halted")
        if grace == 0:
            self._shorten(vmi, body, 1)
        uid = vmi["metadata"]["uid"]
        self._request(vm, body, [{"action": "Stop", "uid": uid}, {"action": "Start"}])

    def _migrate(self, target: VirtTarget, vmi: Object | None, body: Object) -> Response:
        if vmi is None:
            raise not_found("virtualmachineinstance", "kubevirt.io", target.name)
        if phase_of(vmi) != "Running":
            raise _refused(target, "VM is not running")
        self._sim.store.cluster.serial += 1
        name = f"kubevirt-migrate-vm-{self._sim.store.cluster.serial:05x}"
        obj: Object = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstanceMigration",
            "metadata": {"name": name, "namespace": target.namespace},
            "spec": {"vmiName": target.name},
        }
        kind = self._sim.catalog.of(names.MIGRATION)
        try:
            self._sim.admission.validate(kind, obj, None)
        except ApiError as error:
            raise ApiError(500, f"Internal error occurred: {error.message}") from None
        if not is_dry(body):
            made = self._sim.store.create(names.MIGRATION, obj)
            self._sim.controllers.changed(names.MIGRATION, made)
        return Response(202)

    def _shorten(self, vmi: Object | None, body: Object, grace: int | None) -> None:
        if vmi is None or grace is None or phase_of(vmi) in _DONE or is_dry(body):
            return
        place, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
        self._sim.store.change(
            names.VMI,
            place,
            name,
            lambda obj: obj["spec"].__setitem__("terminationGracePeriodSeconds", grace),
        )

    def _set_strategy(self, vm: Object, body: Object, wanted: str) -> None:
        def edit(obj: Object) -> None:
            if "running" in obj["spec"]:
                obj["spec"]["running"] = wanted == "Always"
            else:
                obj["spec"]["runStrategy"] = wanted

        changed: Object = copied(vm)
        edit(changed)
        try:
            self._sim.admission.validate(self._sim.catalog.of(names.VM), changed, vm)
        except ApiError as error:
            raise ApiError(500, f"Internal error occurred: {error.message}") from None
        if not is_dry(body):
            self._edit(vm, edit)

    def _request(self, vm: Object, body: Object, requests: list[Object]) -> None:
        pending = (vm.get("status") or {}).get("stateChangeRequests")
        if pending and requests[0]["action"] != "Stop":
            raise ApiError(500, f"Internal error occurred: {_BUSY}")
        if pending and len(requests) > 1:
            raise ApiError(500, f"Internal error occurred: {_BUSY}")
        if not is_dry(body):
            self._edit(
                vm,
                lambda obj: obj.setdefault("status", {}).__setitem__(
                    "stateChangeRequests", requests
                ),
            )

    def _edit(self, vm: Object, edit: Any) -> None:
        place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        changed = self._sim.store.change(names.VM, place, name, edit)
        if changed:
            self._sim.controllers.changed(names.VM, changed)


def _refused(target: VirtTarget, why: str) -> ApiError:
    return conflict("virtualmachine", "kubevirt.io", target.name, why)
