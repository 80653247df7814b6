# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What virt-api answers to calls on running instances (v1.9.0): pause, reboot, freeze, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.http import Request, Response
from ..routes import VirtTarget
from ..status import ApiError, conflict, not_found
from ..store import Object
from . import conditions, names
from .calls import is_dry, phase_of, read

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

FACTS = ("guestosinfo", "userlist", "filesystemlist")
ACTIONS = ("pause", "unpause", "softreboot", "reset", "freeze", "unfreeze")
CANCEL = "evacuate/cancel"
# These pass their body on unread.
_UNREAD = ("freeze", "unfreeze", "reset")
_REJECTED = "the server rejected our request due to an error in our request"


class Instances:
    """Answers calls on instances."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator whose guests are told what to do."""
        self._sim = sim

    def answer(self, request: Request, target: VirtTarget) -> Response:
        """Answer one call; ApiError where the real server refuses it."""
        vmi = self._sim.store.get(names.VMI, target.namespace, target.name)
        if target.sub in FACTS:
            return _facts(target, vmi)
        body = {} if target.sub in _UNREAD else read(request)
        if vmi is None:
            raise not_found("virtualmachineinstance", "kubevirt.io", target.name)
        if target.sub == CANCEL:
            return self.cancel(vmi, body)
        _check(target, vmi)
        if target.sub == "unpause":
            self._no_snapshot(target)
        if not is_dry(body):
            self._sim.controllers.guest(vmi, target.sub)
        return Response(200)

    def cancel(self, vmi: Object, body: Object) -> Response:
        """Call off an evacuation; the body must name the node that is evacuated."""
        node = vmi["status"].get("evacuationNodeName")
        if node and body.get("evacuationNodeName") != node:
            details = {"causes": [{"message": _REJECTED}]}
            raise ApiError(500, f"Internal error occurred: {_REJECTED}", details=details)
        if node and not is_dry(body):
            place, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
            self._sim.store.change(
                names.VMI, place, name, lambda obj: obj["status"].pop("evacuationNodeName")
            )
        return Response(200)

    def _no_snapshot(self, target: VirtTarget) -> None:
        vm = self._sim.store.get(names.VM, target.namespace, target.name) or {}
        if (vm.get("status") or {}).get("snapshotInProgress"):
            why = "VM snapshot is in progress"
            raise conflict("virtualmachine", "kubevirt.io", target.name, why)


def _check(target: VirtTarget, vmi: Object) -> None:
    phase, paused = phase_of(vmi), conditions.is_true(vmi, "Paused")
    if target.sub == "reset":
        if phase not in ("Running", "Scheduled"):
            text = f"Failed to reset non-running VMI with phase {phase}: Unable to connect to"
            text += f" VirtualMachineInstance because phase is {phase} instead of Running or"
            raise ApiError(400, f"{text} Scheduled")
        return
    machine = target.sub in ("pause", "freeze", "softreboot")
    acpi = ((vmi["spec"].get("domain") or {}).get("features") or {}).get("acpi") or {}
    deaf = not acpi.get("enabled", True) and not conditions.is_true(vmi, "AgentConnected")
    text = "VMI neither have the agent connected nor the ACPI feature enabled"
    for refused, why in (
        (phase != "Running", "VM is not running" if machine else "VMI is not running"),
        (target.sub == "pause" and paused, "VMI is already paused"),
        (target.sub == "unpause" and not paused, "VMI is not paused"),
        (target.sub == "softreboot" and paused, "VMI is paused"),
        (target.sub == "softreboot" and deaf, text),
    ):
        if refused:
            raise conflict("virtualmachineinstance", "kubevirt.io", target.name, why)


def _facts(target: VirtTarget, vmi: Object | None) -> Response:
    """Answer guest facts; every failure is a 500 in plain text."""
    full = f'virtualmachineinstance.kubevirt.io "{target.name}"'
    if vmi is None:
        raise ApiError(500, f"{full} not found", plain=True)
    text = f"Operation cannot be fulfilled on {full}: "
    if phase_of(vmi) != "Running":
        raise ApiError(500, f"{text}VMI is not running", plain=True)
    if not conditions.is_true(vmi, "AgentConnected"):
        raise ApiError(500, f"{text}VMI does not have guest agent connected", plain=True)
    if target.sub == "guestosinfo":
        os_info = vmi["status"].get("guestOSInfo") or {}
        return Response.json({"hostname": target.name, "os": os_info})
    return Response.json({"items": [], "metadata": {}})
