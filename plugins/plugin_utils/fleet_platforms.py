# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each platform takes part in the fleet: its modules, and how a ``ref`` names an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ..module_utils.engine.errors import InternalError, ValidationFailed
from ..module_utils.engine.field import Field
from ..module_utils.engine.resource import Access, Platform
from . import fleet_vm_options as vm_options


def _listed(tags: list[str]) -> dict[str, Any]:
    return {"tags": tags}


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class FleetPlatform:
    """One platform of the fleet.

    ``modules`` maps a facade module to the platform's own. ``identity`` turns the last two parts
    of a ref into options of those, ``ref`` an object into the two parts, ``example`` shows them.
    ``states`` are those of the fleet's states that its machines can be in, ``powers`` the states
    that power can bring them to. ``options`` turn a facade module's options into the platform's,
    where the words differ; ``tags`` does so with a list of tags. ``lacks`` are the options of a
    facade module that mean nothing there. ``pattern`` is what the last two parts of a ref match.
    """

    modules: Mapping[str, str]
    identity: Callable[[str, str], dict[str, Any]]
    ref: Callable[[Mapping[str, Any]], str]
    example: str
    states: frozenset[str]
    powers: frozenset[str]
    options: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
    title: str
    pattern: str
    lacks: Mapping[str, tuple[str, ...]]
    tags: Callable[[list[str]], dict[str, Any]] = _listed


def _vmid(namespace: str, name: str) -> dict[str, Any]:
    if namespace != "-" or not name.isdecimal():
        raise ValidationFailed(
            f"A Proxmox VE ref ends in -/<vmid>, not {namespace}/{name}.",
            fields={"ref": "expected TARGET/-/<vmid>"},
        )
    return {"vmid": int(name)}


def _uuid(namespace: str, name: str) -> dict[str, Any]:
    # The id alone names an instance; the project in a ref is for people.
    del namespace
    if not _UUID.fullmatch(name):
        raise ValidationFailed(
            f"A CloudStack ref ends in <project or ->/<id>, and {name} is no id.",
            fields={"ref": "expected TARGET/<project or ->/<id>"},
        )
    return {"id": name}


def _tags(tags: list[str]) -> dict[str, Any]:
    return {"tags": _pairs(tags)}


def _labels(tags: list[str]) -> dict[str, Any]:
    return {"labels": _pairs(tags)}


def _pairs(tags: list[str]) -> dict[str, str]:
    bare = [tag for tag in tags if "=" not in tag]
    if bare:
        raise ValidationFailed(
            f"A tag of this target's platform is written key=value, not {bare[0]!r}.",
            fields={"tags": "expected key=value"},
        )
    return dict(tag.split("=", 1) for tag in tags)


def _named(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name}


_POWERS = frozenset({"started", "stopped", "restarted", "reset"})
PLATFORMS: Mapping[str, FleetPlatform] = {
    "cloudstack": FleetPlatform(
        modules={
            "vm_info": "cloudstack_instance_info",
            "vm_power": "cloudstack_instance_power",
            "vm": "cloudstack_instance",
            "vm_snapshot": "cloudstack_instance_snapshot",
        },
        options={
            "vm": vm_options.cloudstack_instance,
            "vm_snapshot": vm_options.cloudstack_instance_snapshot,
        },
        identity=_uuid,
        ref=lambda found: f"{found.get('project') or '-'}/{found['id']}",
        example="-/6f3d1b9e-5c0a-4a8e-9b57-2f7c1d0e4a11",
        states=frozenset(
            {
                "running",
                "stopped",
                "starting",
                "stopping",
                "migrating",
                "provisioning",
                "error",
                "unknown",
            }
        ),
        powers=_POWERS,
        title="CloudStack",
        pattern=rf"[^/]+/{_UUID.pattern}",
        lacks={"vm": ("storage",)},
        tags=_tags,
    ),
    "kubevirt": FleetPlatform(
        modules={
            "vm_info": "kubevirt_vm_info",
            "vm_power": "kubevirt_vm_power",
            "vm": "kubevirt_vm",
            "vm_snapshot": "kubevirt_vm_snapshot",
        },
        options={
            "vm": vm_options.kubevirt_vm,
            "vm_snapshot": vm_options.kubevirt_vm_snapshot,
        },
        identity=_named,
        ref=lambda found: f"{found['namespace']}/{found['name']}",
        example="default/web1",
        states=frozenset(
            {
                "running",
                "stopped",
                "starting",
                "stopping",
                "paused",
                "migrating",
                "provisioning",
                "error",
                "unknown",
            }
        ),
        powers=_POWERS | {"paused", "resumed"},
        title="KubeVirt",
        pattern=r"[^/]+/[^/]+",
        lacks={"vm": ("place",), "vm_snapshot": ("description", "memory")},
        tags=_labels,
    ),
    "proxmox": FleetPlatform(
        modules={
            "vm_info": "proxmox_vm_info",
            "vm_power": "proxmox_vm_power",
            "vm": "proxmox_vm",
            "vm_snapshot": "proxmox_vm_snapshot",
        },
        options={
            "vm": vm_options.proxmox_vm,
            "vm_snapshot": vm_options.proxmox_vm_snapshot,
        },
        identity=_vmid,
        ref=lambda found: f"-/{found['vmid']}",
        example="-/100",
        states=frozenset(
            {"running", "stopped", "starting", "paused", "migrating", "provisioning", "unknown"}
        ),
        powers=_POWERS | {"paused", "resumed"},
        title="Proxmox VE",
        pattern=r"-/[0-9]+",
        lacks={"vm": ("namespace", "size", "user_data"), "vm_snapshot": ("namespace",)},
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
