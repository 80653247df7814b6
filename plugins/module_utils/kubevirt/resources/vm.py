# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A KubeVirt virtual machine: how it is found, created, changed and deleted."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import ValidationFailed
from ...engine.plan import Plan
from ...engine.resource import Resource, Wait
from .. import machines, template
from ..client import Client
from ..kinds import VM, VMI
from ..platform import PLATFORM
from ..waiting import until
from . import vm_fields
from .vm_power import STRATEGY, VmPower

_METADATA = ("labels", "annotations")


class Vm:
    """Finds, creates, changes and deletes one virtual machine."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._place = (str(desired["namespace"]), str(desired["name"]))
        self._power = VmPower(client, desired, wait)

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return the machine of that name; two requests."""
        vm = self._client.get(VM, *self._place)
        if vm is None:
            return []
        actual = self._actual(vm, self._client.get(VMI, *self._place))
        if self._desired.get("state") == "absent":
            self._refuse_running(actual)
        return [actual]

    def _actual(self, vm: Mapping[str, Any], vmi: Mapping[str, Any] | None) -> dict[str, Any]:
        fields = template.fields_of(vm, vm["spec"]["template"]["spec"])
        pending = {}
        if vmi is not None and machines.has(vm, "RestartRequired"):
            booted = template.fields_of(vm, vmi["spec"])
            pending = {name: fields[name] for name in fields if fields[name] != booted[name]}
            # The condition alone, where the options do not show what differs.
            pending.pop("user_data", None)
            pending = pending or {"template": "changed"}
        return {
            **fields,
            "name": vm["metadata"]["name"],
            "state": machines.state_of(vm),
            "_label": machines.label(vm),
            "_uid": vm["metadata"].get("uid"),
            "_pending": pending,
            "_vm": vm,
            "_vmi": vmi,
        }

    def _refuse_running(self, actual: Mapping[str, Any]) -> None:
        if actual["_vmi"] is not None and not self._desired.get("force"):
            raise ValidationFailed(
                f"{actual['_label']} is {actual['state']}, and only a stopped machine is deleted. "
                "Stop it first, or give force: true to switch it off and delete it.",
                fields={"force": "needed to delete a machine that is not stopped"},
            )

    def create(self, plan: Plan) -> None:
        """Create it; stopped, unless it is to be started."""
        after = {**plan.after, "types_scope": self._desired.get("types_scope")}
        if not after.get("disks") and not after.get("instancetype") and "memory_mib" not in after:
            raise ValidationFailed(
                "Give memory_mib or instancetype, and disks: a machine needs them. Nothing was "
                "changed.",
                fields={"memory_mib": "this or instancetype is needed to create a machine"},
            )
        strategy = after.get("run_strategy") or "Always"
        starts = plan.power == "running"
        metadata: dict[str, Any] = {
            "name": self._place[1],
            "namespace": self._place[0],
            "labels": dict(after.get("labels") or {}),
            "annotations": dict(after.get("annotations") or {}),
        }
        # What start would not bring back is remembered, as when it is stopped.
        if not starts and strategy in ("Once", "RerunOnFailure"):
            metadata["annotations"][STRATEGY] = strategy
        halted = strategy if starts or strategy == "Manual" else "Halted"
        spec = template.new(self._place[1], after, halted)
        self._client.create(VM, self._place[0], {"metadata": metadata, "spec": spec})

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Send one patch of exactly the version that was compared."""
        vm = actual["_vm"]
        metadata: dict[str, Any] = {"resourceVersion": vm["metadata"]["resourceVersion"]}
        for part in _METADATA:
            if part in plan.after:
                metadata[part] = _mapping_patch(actual[part], plan.after[part])
        spec = copy.deepcopy(vm["spec"])
        after = {**plan.after, "types_scope": self._desired.get("types_scope")}
        template.change(self._place[1], spec, after)
        patch: dict[str, Any] = {"metadata": metadata}
        changed = _difference(vm["spec"], spec)
        if "node_selector" in plan.after:
            inner = changed.setdefault("template", {}).setdefault("spec", {})
            inner["nodeSelector"] = _mapping_patch(
                actual["node_selector"], plan.after["node_selector"]
            )
        if changed:
            patch["spec"] = changed
        self._client.patch(VM, *self._place, patch)

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete it with the claims that were made for it; a running one is switched off first."""
        if actual["_vmi"] is not None:
            self._power.bring(actual, "stopped")
        self._client.delete(VM, *self._place, uid=actual["_vm"]["metadata"]["uid"])
        if self._wait.enabled:
            timeout = self._wait.timeout
            until(
                self._client, VM, self._place, lambda vm: vm is None, timeout=timeout, what="delete"
            )

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Start it, or shut it down (switch it off with force)."""
        self._power.bring(actual, state)

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait out what a lost power call began; any other write the object itself shows."""
        return self._power.settle(actual)

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return machines.normalised(actual["_vm"], actual["_vmi"], {})


def _mapping_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a merge patch that makes one mapping the other: None takes a key away."""
    gone = dict.fromkeys(name for name in old if name not in new)
    return {**gone, **{name: value for name, value in new.items() if old.get(name) != value}}


def _difference(old: Any, new: Any) -> dict[str, Any]:
    """Return the merge patch between two specs: what is new in mappings, lists whole."""
    patch: dict[str, Any] = {}
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(name), dict):
            below = _difference(old[name], value)
            gone = dict.fromkeys(key for key in old[name] if key not in value)
            if below or gone:
                patch[name] = {**gone, **below}
        elif old.get(name) != value:
            patch[name] = value
    return patch


VM_RESOURCE = Resource(
    name="kubevirt_vm",
    summary="Create, change and delete KubeVirt virtual machines",
    description=(
        "Creates a virtual machine, changes what differs from what is given, or deletes it. Only "
        "what the task names is compared and written; disks and cards that it does not name stay.",
        "What a running machine takes over only after a restart is reported under C(pending) "
        "and C(restart_required), and is not reported as changed again.",
    ),
    platform=PLATFORM,
    operations=Vm,
    identity=("name",),
    states=("present", "absent", "started", "stopped"),
    risk=vm_fields.RISK,
    fields=vm_fields.FIELDS,
    returns=vm_fields.RETURNED,
)
