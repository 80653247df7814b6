# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine and its snapshots on any target, in the fleet's words."""

from __future__ import annotations

from ..module_utils.engine.compare import as_set
from ..module_utils.engine.field import Field
from ..module_utils.engine.resource import Raise, Resource, Risk
from ..module_utils.machine import FLEET_MACHINE
from .fleet_platforms import FLEET, REF

_NAMESPACE = Field(
    "namespace",
    role="option",
    doc="Namespace on KubeVirt (V(default) unless given), project on CloudStack; Proxmox VE has "
    "neither.",
)

VM = Resource(
    name="vm",
    summary="Create, change and delete a virtual machine of any platform",
    description=(
        "Creates a virtual machine, changes what differs from what is given, or deletes it. Only "
        "what the task names is compared and written.",
        "It runs on the controller and calls the module of the target's platform. What only one "
        "platform has is an option of its own module.",
    ),
    platform=FLEET,
    returns=FLEET_MACHINE,
    operations=object,
    identity=("ref", "name"),
    states=("present", "absent", "started", "stopped"),
    risk=Risk("write", (Raise("force", "destructive", (True,)),)),
    fields=(
        REF,
        Field("name", role="option", doc="Name of the machine."),
        _NAMESPACE,
        Field(
            "place",
            role="create_only",
            doc="Where to create it: the node on Proxmox VE, the zone on CloudStack.",
        ),
        Field(
            "image",
            role="create_only",
            doc=(
                "What to make it of: a machine or template to clone on Proxmox VE (name or id), a "
                "template on CloudStack, on KubeVirt a DataSource (V(name) or V(namespace/name)), "
                "or a container image as V(docker://registry/image).",
            ),
        ),
        Field(
            "size",
            doc="Named size: the service offering on CloudStack, the instance type on KubeVirt; "
            "Proxmox VE has none.",
        ),
        Field("cpus", int, min=1, doc="Virtual processors."),
        Field("memory_mib", int, min=16, unit="MiB", doc="Memory."),
        Field("disk_gib", int, min=1, unit="GiB", doc="Size of the first disk; it only grows."),
        Field(
            "storage",
            role="create_only",
            doc="Where to put the first disk: the storage on Proxmox VE, the storage class on "
            "KubeVirt.",
        ),
        Field(
            "networks",
            list,
            elements=str,
            role="create_only",
            doc="Networks to connect it to: bridges on Proxmox VE, networks on CloudStack, V(pod) "
            "or network attachment definitions on KubeVirt.",
        ),
        Field(
            "tags",
            list,
            elements=str,
            compare=as_set,
            doc="Tags; written V(key=value) on CloudStack and KubeVirt.",
        ),
        Field(
            "user_data",
            secret=True,
            role="create_only",
            doc="Text for cloud-init, on CloudStack and KubeVirt.",
        ),
        Field(
            "restart",
            role="option",
            choices=("never", "if_needed"),
            default="never",
            doc="Whether to restart a running machine when a change takes effect, or can be made, "
            "only so.",
        ),
        Field(
            "force",
            bool,
            role="option",
            default=False,
            doc="Switch off instead of asking the guest to shut down, also to delete it while it "
            "runs. Unsaved work in it is lost.",
        ),
    ),
)

VM_SNAPSHOT = Resource(
    name="vm_snapshot",
    summary="Take and delete snapshots of a virtual machine of any platform",
    description=(
        "Takes a snapshot of a virtual machine, or deletes it. A snapshot of that name that exists "
        "is left as it is.",
        "It runs on the controller and calls the module of the target's platform.",
    ),
    platform=FLEET,
    operations=object,
    identity=("snapshot",),
    risk=Risk("write", (Raise("state", "destructive", ("absent",)),)),
    returns=(
        Field("snapshot", doc="Name of the snapshot."),
        Field("target", doc="Target it lives on."),
        Field("platform", doc="Platform it lives on."),
        Field("description", doc="What it is for, where the platform keeps that."),
        Field("created", "raw", doc="When it was taken, as the platform says it."),
    ),
    fields=(
        Field("snapshot", role="option", doc="Name of the snapshot."),
        REF,
        Field("name", role="option", doc="Name of the machine, where it is unique."),
        _NAMESPACE,
        Field("description", role="create_only", doc="What it is for; not on KubeVirt."),
        Field(
            "memory",
            bool,
            role="create_only",
            doc="Keep the memory of a running machine too; not on KubeVirt.",
        ),
    ),
)
