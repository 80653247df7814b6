# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each platform takes part in the fleet: its modules, and how a ``ref`` names an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ..module_utils.engine.errors import InternalError, ValidationFailed
from ..module_utils.engine.field import Field
from ..module_utils.engine.resource import Access, Platform


@dataclass(frozen=True)
class FleetPlatform:
    """One platform of the fleet.

    ``modules`` maps a facade module to the platform's own. ``identity`` turns the last two parts
    of a ref into options of those, ``ref`` an object into the two parts, ``example`` shows them.
    ``states`` are those of the fleet's states that its machines can be in.
    """

    modules: Mapping[str, str]
    identity: Callable[[str, str], dict[str, Any]]
    ref: Callable[[Mapping[str, Any]], str]
    example: str
    states: frozenset[str]


def _vmid(namespace: str, name: str) -> dict[str, Any]:
    if namespace != "-" or not name.isdecimal():
        raise ValidationFailed(
            f"A Proxmox VE ref ends in -/<vmid>, not {namespace}/{name}.",
            fields={"ref": "expected TARGET/-/<vmid>"},
        )
    return {"vmid": int(name)}


PLATFORMS: Mapping[str, FleetPlatform] = {
    "proxmox": FleetPlatform(
        modules={"vm_info": "proxmox_vm_info", "vm_power": "proxmox_vm_power"},
        identity=_vmid,
        ref=lambda found: f"-/{found['vmid']}",
        example="-/100",
        states=frozenset(
            {"running", "stopped", "starting", "paused", "migrating", "provisioning", "unknown"}
        ),
    ),
}


def nearest_ref(target: str, platform: FleetPlatform) -> str:
    """Return what a ref of this target looks like."""
    return f"{target}/{platform.example}"


def _connect(params: Mapping[str, Any], access: Access) -> AbstractContextManager[None]:
    raise InternalError("A facade module was run as a module; its action plugin did not load.")


FLEET = Platform(
    name="fleet",
    title="the fleet",
    connect=_connect,
    connection=(
        Field(
            "target",
            role="option",
            required=True,
            doc=(
                "Name of the endpoint in C(targets.yml), which holds its platform, address and "
                "credentials.",
                "The file is E(VIRTBRIDGE_TARGETS), else "
                "C($XDG_CONFIG_HOME/virtbridge/targets.yml), on the controller.",
            ),
        ),
    ),
)
REF = Field(
    "ref",
    role="option",
    doc="Names one machine for good, as V(TARGET/-/VMID) or as other platforms have it; take it "
    "from a list.",
)
