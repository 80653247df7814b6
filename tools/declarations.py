# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of all declarations: what is not in it has no module, documentation, tool or test."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from plugins.module_utils.engine.resource import Declaration

PLACES = (
    "module_utils.cloudstack.resources.api:API",
    "module_utils.cloudstack.resources.instance:INSTANCE",
    "module_utils.cloudstack.resources.instance_info:INSTANCE_INFO",
    "module_utils.cloudstack.resources.instance_power:INSTANCE_POWER",
    "module_utils.cloudstack.resources.instance_snapshot:INSTANCE_SNAPSHOT",
    "module_utils.kubevirt.resources.api:API",
    "module_utils.kubevirt.resources.vm:VM_RESOURCE",
    "module_utils.kubevirt.resources.vm_info:VM_INFO",
    "module_utils.kubevirt.resources.vm_power:VM_POWER",
    "module_utils.kubevirt.resources.vm_snapshot:VM_SNAPSHOT",
    "module_utils.proxmox.resources.api:API",
    "module_utils.proxmox.resources.vm:VM",
    "module_utils.proxmox.resources.vm_info:VM_INFO",
    "module_utils.proxmox.resources.vm_power:VM_POWER",
    "module_utils.proxmox.resources.vm_snapshot:VM_SNAPSHOT",
    "plugin_utils.fleet_vm:VM",
    "plugin_utils.fleet_vm:VM_SNAPSHOT",
    "plugin_utils.fleet_vm_info:VM_INFO",
    "plugin_utils.fleet_vm_power:VM_POWER",
)
"""``module below plugins:variable`` of each declaration."""

FLEET = "fleet"
"""The platform of the facade modules, which only have an action plugin."""


@dataclass(frozen=True)
class Declared:
    """A declaration and where it stands."""

    declaration: Declaration
    module: str
    variable: str

    @property
    def name(self) -> str:
        """Return the name of the module."""
        return self.declaration.name

    @property
    def platform(self) -> str:
        """Return the name of the platform."""
        return self.declaration.platform.name

    @property
    def is_facade(self) -> bool:
        """Whether only an action plugin stands behind the module."""
        return self.platform == FLEET


def load(places: tuple[str, ...] = PLACES) -> tuple[Declared, ...]:
    """Return all declarations, sorted by module name."""
    found = []
    for place in places:
        module, variable = place.split(":")
        declaration = getattr(importlib.import_module(f"plugins.{module}"), variable)
        found.append(Declared(declaration, module, variable))
    return tuple(sorted(found, key=lambda each: each.name))
