# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The options of a KubeVirt virtual machine."""

from __future__ import annotations

from ...engine.compare import as_text, subset
from ...engine.field import Field
from ...engine.resource import Raise, Risk
from ...machine import MACHINE

NAME = Field(
    "name",
    role="option",
    pattern=r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
    doc="Name of the machine: lower-case letters, digits, hyphens and dots.",
)
NAMESPACE = Field(
    "namespace",
    role="option",
    default="default",
    pattern=r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    doc="Namespace that it is in.",
)
FORCE = Field(
    "force",
    bool,
    role="option",
    default=False,
    doc="Switch off instead of asking the guest to shut down. Unsaved work in it is lost.",
)
RISK = Risk(
    "write",
    (
        Raise("state", "destructive", ("absent",)),
        Raise("state", "disruptive", ("stopped",)),
        Raise("restart", "disruptive", ("if_needed",)),
        Raise("exact", "destructive", (True,)),
        Raise("force", "destructive", (True,)),
    ),
)
RETURNED = (
    Field("namespace", doc="Namespace that it is in."),
    Field("uid", doc="What tells it from another of its name."),
    Field("run_strategy", doc="How KubeVirt keeps it running."),
    Field("instancetype", doc="Instance type that sizes it, if one does."),
    *MACHINE,
)
_DISK = (
    Field(
        "name", doc="Name of the disk in the machine.", pattern=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
    ),
    Field("bus", choices=("virtio", "sata", "scsi", "usb"), doc="Bus; V(virtio) for a new disk."),
    Field("boot_order", int, min=1, doc="Place in the order in which disks are tried."),
    Field("container_image", role="create_only", doc="Image with a disk that forgets its changes."),
    Field("claim", role="create_only", doc="Name of a claim that is there, to use as the disk."),
    Field(
        "size_gib",
        int,
        role="create_only",
        min=1,
        unit="GiB",
        doc="Size of a claim to make for the machine, which is deleted with it.",
    ),
    Field(
        "image_url",
        role="create_only",
        doc="Image to fill that claim from, with C(https://) or C(docker://); empty unless given.",
    ),
    Field(
        "data_source",
        role="create_only",
        doc="DataSource to fill it from, as V(name) or V(namespace/name).",
    ),
    Field("storage_class", role="create_only", doc="Storage class of that claim."),
)
_NIC = (
    Field("name", doc="Name of the card in the machine.", pattern=r"[A-Za-z0-9-_]+"),
    Field(
        "network",
        doc="V(pod), or the name of a network attachment definition, as V(namespace/name) in "
        "another namespace.",
    ),
    Field("model", choices=("virtio", "e1000", "e1000e", "rtl8139"), doc="Model of the card."),
    Field(
        "mac",
        pattern=r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
        doc="Hardware address in lower case; one is generated unless given.",
    ),
    Field(
        "binding",
        choices=("masquerade", "bridge", "sriov"),
        doc="How it is connected; V(masquerade) to the pod network, V(bridge) to others.",
    ),
)
FIELDS = (
    NAME,
    NAMESPACE,
    Field(
        "run_strategy",
        role="create_only",
        choices=("Always", "RerunOnFailure", "Manual", "Once"),
        doc="How KubeVirt keeps a new machine running once it is started; V(Always) unless given.",
    ),
    Field("labels", dict, compare=subset, doc="Labels.", samples=({"env": "lab"}, {"env": "test"})),
    Field(
        "annotations",
        dict,
        compare=subset,
        doc="Annotations.",
        samples=({"example.org/owner": "lab"}, {"example.org/owner": "ops"}),
    ),
    Field(
        "cpu_sockets",
        int,
        min=1,
        restart=True,
        doc="Sockets. More of them reach a running guest that can migrate.",
        samples=(1, 2),
    ),
    Field("cpu_cores", int, min=1, restart=True, doc="Cores of a socket.", samples=(1, 2)),
    Field("cpu_threads", int, min=1, restart=True, doc="Threads of a core."),
    Field(
        "memory_mib",
        int,
        min=1,
        unit="MiB",
        restart=True,
        doc="Memory. More of it reaches a running guest that can migrate.",
        samples=(512, 768),
    ),
    Field(
        "instancetype",
        restart=True,
        doc="Instance type that sizes the machine, instead of processors and memory of its own.",
    ),
    Field("preference", restart=True, doc="Preference, which says what suits the guest."),
    Field(
        "types_scope",
        role="option",
        choices=("cluster", "namespaced"),
        default="cluster",
        doc="Where O(instancetype) and O(preference) are looked for.",
    ),
    Field(
        "disks",
        list,
        elements=dict,
        key="name",
        fields=_DISK,
        restart=True,
        doc="Disks, in the order in which they are tried unless one has a boot order.",
    ),
    Field(
        "nics",
        list,
        elements=dict,
        key="name",
        fields=_NIC,
        restart=True,
        doc="Network cards; a new machine gets one on the pod network unless told.",
    ),
    Field(
        "user_data",
        secret=True,
        restart=True,
        compare=as_text,
        doc="Text for cloud-init, at most 2048 bytes. It may hold secrets, and is never shown.",
        samples=("#cloud-config\npackages: [htop]\n", "#cloud-config\npackages: [mc]\n"),
    ),
    Field(
        "hostname", restart=True, doc="Host name of the guest; that of the machine unless given."
    ),
    Field(
        "termination_grace_seconds",
        int,
        min=0,
        restart=True,
        unit="seconds",
        doc="How long the guest may take to shut down.",
        samples=(60, 90),
    ),
    Field(
        "node_selector",
        dict,
        compare=subset,
        doc="Labels that a node must have to run it.",
        samples=({"disk": "ssd"}, {"disk": "nvme"}),
    ),
    Field(
        "eviction_strategy",
        choices=("None", "LiveMigrate", "LiveMigrateIfPossible", "External"),
        restart=True,
        doc="What happens to it when its node is drained.",
    ),
    FORCE,
)
