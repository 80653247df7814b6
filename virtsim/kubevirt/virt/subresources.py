# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-api answers below subresources.kubevirt.io (v1.9.0): power, pause, guest facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...core.http import Request, Response
from ..routes import VirtTarget
from ..status import ApiError, conflict, not_found
from ..store import Object
from . import names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

MODELLED = frozenset(
    {
        *(
            ("virtualmachines", sub)
            for sub in ("start", "stop", "restart", "migrate", "expand-spec")
        ),
        *(
            ("virtualmachineinstances", sub)
            for sub in (
                "pause",
                "unpause",
                "softreboot",
                "reset",
                "freeze",
                "unfreeze",
                "guestosinfo",
                "userlist",
                "filesystemlist",
            )
        ),
    }
)
_DONE = ("Failed", "Succeeded")
_BUSY = "unable to complete request: stop/start already underway"


class Subresources:
    """Answers calls on machines and their running instances."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator whose objects are changed."""
        self._sim = sim

    def answer(self, request: Request, target: VirtTarget) -> Response:
        """Answer one call; ApiError where the real server refuses it."""
        if (target.resource, target.sub) not in MODELLED:
            raise ApiError(404, f"virtsim: {target.resource}/{target.sub} is not modelled")
        reads = target.sub in ("expand-spec", "guestosinfo", "userlist", "filesystemlist")
        if (request.method == "GET") != reads:
            raise ApiError(405, "405: Method Not Allowed", plain=True)
        body = _body(request)
        if target.resource == "virtualmachines":
            return self._machine(target, body)
        return self._instance(target, body)

    def _machine(self, target: VirtTarget, body: Object) -> Response:
        vm = self._sim.store.get(names.VM, target.namespace, target.name)
        if vm is None:
            raise not_found("virtualmachine", "kubevirt.io", target.name)
        vmi = self._sim.store.get(names.VMI, target.namespace, target.name)
        if target.sub == "expand-spec":
            return Response.json(vm)
        if target.sub == "migrate":
            return self._migrate(target, vmi, body)
        call = {"start": self._start, "stop": self._stop, "restart": self._restart}[target.sub]
        call(target, vm, vmi, body)
        return Response(202)

    def _start(self, target: VirtTarget, vm: Object, vmi: Object | None, body: Object) -> None:
        phase = _phase(vmi)
        strategy = names.strategy_of(vm)
        if vmi is not None and phase not in (*_DONE, "Unknown"):
            raise _refused(target, "VM is already running")
        if strategy in ("Always", "Once"):
            raise _refused(target, f"{strategy} does not support manual start requests")
        if strategy == "RerunOnFailure" and phase == "Failed":
            raise _refused(target, "RerunOnFailure does not support starting VM from failed state")
        data = {"data": {"paused": "true"}} if body.get("paused") else {}
        if strategy == "Halted" and not data:
            self._set_strategy(vm, body, "Always")
            return
        stop = [{"action": "Stop", "uid": vmi["metadata"]["uid"]}] if vmi is not None else []
        self._request(vm, body, [*stop, {"action": "Start", **data}])

    def _stop(self, target: VirtTarget, vm: Object, vmi: Object | None, body: Object) -> None:
        strategy, grace = names.strategy_of(vm), body.get("gracePeriod")
        if grace is not None and grace < 0:
            raise ApiError(400, "gracePeriod has to be greater or equal to 0")
        absent = vmi is None or _phase(vmi) in _DONE
        if strategy in ("Always", "Once"):
            self._shorten(vmi, body, grace)
            self._set_strategy(vm, body, "Halted")
            return
        if absent:
            raise _refused(target, "VM is not running")
        if strategy == "Halted" and grace is None:
            text = "Halted only supports manual stop requests with a shorter graceperiod"
            raise _refused(target, text)
        self._shorten(vmi, body, grace)
        uid = vmi["metadata"]["uid"] if vmi else ""
        self._request(vm, body, [{"action": "Stop", "uid": uid}])

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
        if _phase(vmi) != "Running":
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
            self._sim.admission.admit("CREATE", kind, obj, None)
        except ApiError as error:
            raise ApiError(500, f"Internal error occurred: {error.message}") from None
        if not _dry(body):
            made = self._sim.store.create(names.MIGRATION, obj)
            self._sim.controllers.changed(names.MIGRATION, made)
        return Response(202)

    def _shorten(self, vmi: Object | None, body: Object, grace: int | None) -> None:
        if vmi is None or grace is None or _phase(vmi) in _DONE or _dry(body):
            return
        place, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
        self._sim.store.change(
            names.VMI,
            place,
            name,
            lambda obj: obj["spec"].__setitem__("terminationGracePeriodSeconds", grace),
        )

    def _set_strategy(self, vm: Object, body: Object, wanted: str) -> None:
        if _dry(body):
            return

        def edit(obj: Object) -> None:
            if "running" in obj["spec"]:
                obj["spec"]["running"] = wanted == "Always"
            else:
                obj["spec"]["runStrategy"] = wanted

        self._edit(vm, edit)

    def _request(self, vm: Object, body: Object, requests: list[Object]) -> None:
        pending = (vm.get("status") or {}).get("stateChangeRequests")
        if pending and requests[0]["action"] != "Stop":
            raise ApiError(500, f"Internal error occurred: {_BUSY}")
        if pending and len(requests) > 1:
            raise ApiError(500, f"Internal error occurred: {_BUSY}")
        if not _dry(body):
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

    def _instance(self, target: VirtTarget, body: Object) -> Response:
        vmi = self._sim.store.get(names.VMI, target.namespace, target.name)
        if target.sub in ("guestosinfo", "userlist", "filesystemlist"):
            return self._guest(target, vmi)
        if vmi is None:
            raise not_found("virtualmachineinstance", "kubevirt.io", target.name)
        paused = _is_paused(vmi)
        running = _phase(vmi) == "Running"
        if not running:
            raise self._not_running(target, vmi)
        if target.sub == "pause" and paused:
            raise _refused_instance(target, "VMI is already paused")
        if target.sub == "unpause" and not paused:
            raise _refused_instance(target, "VMI is not paused")
        if target.sub == "softreboot" and paused:
            raise _refused_instance(target, "VMI is paused")
        if not _dry(body):
            self._sim.controllers.guest(vmi, target.sub)
        return Response(200)

    def _not_running(self, target: VirtTarget, vmi: Object) -> ApiError:
        if target.sub == "reset":
            phase = _phase(vmi)
            text = f"Failed to reset non-running VMI with phase {phase}: Unable to connect to"
            return ApiError(
                400, f"{text} VirtualMachineInstance because phase is {phase} instead of Running"
            )
        return _refused_instance(
            target, "VM is not running" if target.sub == "pause" else "VMI is not running"
        )

    def _guest(self, target: VirtTarget, vmi: Object | None) -> Response:
        """Answer guest facts; every failure is a 500 in plain text."""
        name = target.name
        full = f'virtualmachineinstance.kubevirt.io "{name}"'
        if vmi is None:
            raise ApiError(500, f"{full} not found", plain=True)
        text = f"Operation cannot be fulfilled on {full}: "
        if _phase(vmi) != "Running":
            raise ApiError(500, f"{text}VMI is not running", plain=True)
        if not _has(vmi, "AgentConnected"):
            raise ApiError(500, f"{text}VMI does not have guest agent connected", plain=True)
        if target.sub == "guestosinfo":
            os_info = vmi["status"].get("guestOSInfo") or {}
            return Response.json({"hostname": name, "os": os_info})
        return Response.json({"items": [], "metadata": {}})


def _body(request: Request) -> Object:
    if not request.body.strip():
        return {}
    try:
        found = json.loads(request.body)
    except ValueError as error:
        text = f"Can not unmarshal Request body to struct, error: json: {error}"
        raise ApiError(400, text) from None
    return found if isinstance(found, dict) else {}


def _dry(body: Object) -> bool:
    return bool(body.get("dryRun"))


def _phase(vmi: Object | None) -> str:
    return str(((vmi or {}).get("status") or {}).get("phase", ""))


def _has(vmi: Object, kind: str) -> bool:
    conditions = (vmi.get("status") or {}).get("conditions") or ()
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _is_paused(vmi: Object) -> bool:
    return _has(vmi, "Paused")


def _refused(target: VirtTarget, why: str) -> ApiError:
    return conflict("virtualmachine", "kubevirt.io", target.name, why)


def _refused_instance(target: VirtTarget, why: str) -> ApiError:
    return conflict("virtualmachineinstance", "kubevirt.io", target.name, why)
