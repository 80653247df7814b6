# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhooks of KubeVirt: what a write gets added, and why it is refused (virt-api v1.9.0)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..kinds import Kind
from ..status import ApiError, denied
from ..store import Object, copied
from . import names, rules

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

STRATEGIES = ("Halted", "Manual", "Always", "RerunOnFailure", "Once", "WaitAsReceiver")
_DEPRECATED = "spec.running is deprecated, please use spec.runStrategy instead."


class Admission:
    """Mutates and validates writes of KubeVirt's own kinds."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator whose store is looked into."""
        self._sim = sim

    def admit(self, operation: str, kind: Kind, obj: Object, live: Object | None) -> list[str]:
        """Change `obj` as the mutator does, and return warnings; ApiError when it is denied."""
        if kind.key == names.VM:
            return self._machine(operation, obj, live)
        if kind.key == names.VMI:
            self._instance(operation, obj, live)
        elif kind.key == names.SNAPSHOT:
            self._snapshot(obj, live)
        elif kind.key == names.RESTORE:
            self._restore(obj, live)
        elif kind.key == names.MIGRATION and operation == "CREATE":
            self._migration(obj)
        return []

    def _machine(self, operation: str, obj: Object, live: Object | None) -> list[str]:
        if operation == "CREATE":
            _defaults(obj)
        causes = list(_machine_causes(obj))
        if causes:
            raise denied("virtual-machine-validator.kubevirt.io", causes)
        if live is not None:
            self._busy(obj, live)
        return [_DEPRECATED] if "running" in obj["spec"] else []

    def _busy(self, obj: Object, live: Object) -> None:
        """Refuse edits while a snapshot or a restore works on the machine."""
        status = live.get("status") or {}
        running = [
            (each.get("spec") or {}).get(name)
            for each in (obj, live)
            for name in ("runStrategy", "running")
        ]
        power = running[:2] != running[2:]
        devices = [_volumes(each) for each in (obj, live)]
        if status.get("snapshotInProgress") and (power or devices[0] != devices[1]):
            text = (
                f'Cannot update VM spec until snapshot "{status["snapshotInProgress"]}" completes'
            )
            raise denied("virtual-machine-validator.kubevirt.io", [rules.cause("spec", text)])
        if status.get("restoreInProgress") and power:
            text = f'Cannot update VM spec until restore "{status["restoreInProgress"]}" completes'
            raise denied("virtual-machine-validator.kubevirt.io", [rules.cause("spec", text)])

    def _instance(self, operation: str, obj: Object, live: Object | None) -> None:
        if operation == "UPDATE" and live is not None and obj.get("spec") != live.get("spec"):
            text = "update of VMI object is restricted"
            raise denied(
                "virtual-machine-instance-update-validator.kubevirt.io",
                [rules.cause("", text, "FieldValueNotSupported")],
            )

    def _snapshot(self, obj: Object, live: Object | None) -> None:
        hook = "virtualmachinesnapshot-validator.snapshot.kubevirt.io"
        if live is not None:
            if obj.get("spec") != live.get("spec"):
                raise denied(hook, [rules.cause("spec", "spec in immutable after creation")])
            return
        source = (obj.get("spec") or {}).get("source") or {}
        field = "spec.source"
        if source.get("apiGroup") != "kubevirt.io":
            text = "missing apiGroup" if not source.get("apiGroup") else "invalid apiGroup"
            reason = "FieldValueNotFound" if not source.get("apiGroup") else "FieldValueInvalid"
            raise denied(hook, [rules.cause(f"{field}.apiGroup", text, reason)])
        if source.get("kind") != "VirtualMachine":
            raise denied(hook, [rules.cause(f"{field}.kind", "invalid kind")])
        place = obj["metadata"]["namespace"]
        if self._sim.store.get(names.VM, place, source.get("name", "")) is None:
            text = f'VirtualMachine "{source.get("name")}" does not exist'
            raise denied(hook, [rules.cause(f"{field}.name", text)])

    def _restore(self, obj: Object, live: Object | None) -> None:
        hook = "virtualmachinerestore-validator.snapshot.kubevirt.io"
        if live is not None:
            if obj.get("spec") != live.get("spec"):
                raise denied(hook, [rules.cause("spec", "spec in immutable after creation")])
            return
        name = (obj.get("spec") or {}).get("virtualMachineSnapshotName", "")
        place = obj["metadata"]["namespace"]
        snapshot = self._sim.store.get(names.SNAPSHOT, place, name)
        field = "spec.virtualMachineSnapshotName"
        if snapshot is None:
            text = f'VirtualMachineSnapshot "{name}" does not exist'
            raise denied(hook, [rules.cause(field, text)])
        if not (snapshot.get("status") or {}).get("readyToUse"):
            text = f'VirtualMachineSnapshot "{name}" is not ready to use'
            raise denied(hook, [rules.cause(field, text)])

    def _migration(self, obj: Object) -> None:
        place, name = obj["metadata"]["namespace"], (obj.get("spec") or {}).get("vmiName", "")
        instance = self._sim.store.get(names.VMI, place, name)
        text = ""
        if instance is None:
            text = f'the VMI "{place}/{name}" does not exist'
        elif instance["status"].get("phase") != "Running":
            text = "Cannot migrate VMI in finalized state."
        for each in self._sim.store.list(names.MIGRATION, place):
            same = each["spec"].get("vmiName") == name
            if same and (each.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                active = each["metadata"]["name"]
                text = f"in-flight migration detected. Active migration job ({active})"
        if text:
            raise ApiError(
                400,
                'admission webhook "migration-create-validator.kubevirt.io" denied the '
                f"request: {text}",
                reason="",
            )


def _defaults(obj: Object) -> None:
    spec = obj.get("spec") or {}
    template = spec.get("template")
    if not isinstance(template, dict):
        return
    metadata = template.setdefault("metadata", {})
    metadata.setdefault("annotations", {}).setdefault("kubevirt.io/pci-topology-version", "v3")
    inner = template.setdefault("spec", {})
    inner.setdefault("architecture", "amd64")
    domain = inner.setdefault("domain", {})
    domain.setdefault("machine", {"type": "q35"})
    domain.setdefault("resources", {})
    firmware = domain.setdefault("firmware", {})
    firmware.setdefault("uuid", str(uuid.uuid4()))
    firmware.setdefault("serial", str(uuid.uuid4()))
    # The namespace of what the apiserver stores is filled in before the webhook is asked.
    for each in (domain.get("devices") or {}).get("disks") or ():
        if not any(kind in each for kind in ("disk", "lun", "cdrom")):
            each["disk"] = {"bus": "sata"}


def _machine_causes(obj: Object) -> Iterator[rules.Cause]:
    spec = obj.get("spec") or {}
    if not isinstance(spec.get("template"), dict):
        text = "missing virtual machine template."
        yield rules.cause("spec.template", text, "FieldValueRequired")
        return
    running, strategy = spec.get("running"), spec.get("runStrategy")
    if running is not None and strategy is not None:
        text = "Running and RunStrategy are mutually exclusive. Note that Running is deprecated,"
        yield rules.cause("spec.running", f"{text} please use RunStrategy instead")
    elif running is None and strategy is None:
        yield rules.cause("spec.running", "RunStrategy must be specified")
    elif strategy == "WaitAsReceiver":
        text = (
            "Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate is not"
        )
        yield rules.cause("spec.runStrategy", f"{text} enabled in kubevirt resource")
    elif strategy is not None and strategy not in STRATEGIES:
        yield rules.cause("spec.runStrategy", f"Invalid RunStrategy ({strategy})")
    yield from rules.template(copied(spec["template"].get("spec") or {}))


def _volumes(obj: Object) -> Any:
    inner = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [sorted(str(each.get("name")) for each in inner.get("volumes") or ())]
