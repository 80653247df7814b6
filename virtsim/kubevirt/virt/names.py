# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the kinds that the controllers know."""

from __future__ import annotations

VM = "virtualmachines.kubevirt.io"
VMI = "virtualmachineinstances.kubevirt.io"
MIGRATION = "virtualmachineinstancemigrations.kubevirt.io"
SNAPSHOT = "virtualmachinesnapshots.snapshot.kubevirt.io"
CONTENT = "virtualmachinesnapshotcontents.snapshot.kubevirt.io"
RESTORE = "virtualmachinerestores.snapshot.kubevirt.io"
CLONE = "virtualmachineclones.clone.kubevirt.io"
DATA_VOLUME = "datavolumes.cdi.kubevirt.io"
DATA_SOURCE = "datasources.cdi.kubevirt.io"
CLAIM = "persistentvolumeclaims"
REVISION = "controllerrevisions.apps"
_TYPES = "instancetype.kubevirt.io"
INSTANCETYPES = {
    "virtualmachineclusterinstancetype": f"virtualmachineclusterinstancetypes.{_TYPES}",
    "virtualmachineinstancetype": f"virtualmachineinstancetypes.{_TYPES}",
}
PREFERENCES = {
    "virtualmachineclusterpreference": f"virtualmachineclusterpreferences.{_TYPES}",
    "virtualmachinepreference": f"virtualmachinepreferences.{_TYPES}",
}
FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"


def strategy_of(vm: dict[str, object]) -> str:
    """Return the run strategy; the deprecated field means one of two."""
    spec = vm.get("spec")
    if not isinstance(spec, dict):
        return "Halted"
    if spec.get("runStrategy"):
        return str(spec["runStrategy"])
    return "Always" if spec.get("running") else "Halted"
