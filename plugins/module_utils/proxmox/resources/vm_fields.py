# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The options of a Proxmox VE virtual machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.compare import as_set, as_text
from ...engine.field import Field
from ...engine.resource import Raise, Risk
from ..guest_config import DISK_SLOT, NIC_SLOT
from ..guests import options_of

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
RETURNED_VMID = Field("vmid", int, doc="Id of the machine.")
KEYS: Mapping[str, str] = {
    "net": "nics",
    "ipconfig": "ci_addresses",
    "scsi": "disks",
    "virtio": "disks",
    "sata": "disks",
    "ide": "disks",
    "sshkeys": "ci_ssh_keys",
    "ciuser": "ci_user",
    "nameserver": "ci_nameservers",
    "searchdomain": "ci_search_domain",
    "boot": "boot_order",
}
"""Which field speaks of which key of the configuration, where the names differ."""


def same_machine(desired: Any, actual: Any) -> bool:
    """Compare machine types by their first part; a bare one may carry options."""
    return options_of(str(desired), "type") == options_of(str(actual), "type")


def same_cpu(desired: Any, actual: Any) -> bool:
    """Compare processor types as property strings."""
    return options_of(str(desired), "cputype") == options_of(str(actual), "cputype")


_DISK = (
    Field("slot", doc="Bus and number, such as V(scsi0).", pattern=DISK_SLOT),
    Field("storage", doc="Storage to allocate it on."),
    Field("size_gib", int, min=1, unit="GiB", doc="Size; an existing disk only grows."),
    Field(
        "import_from",
        role="create_only",
        doc="Volume or image to fill a new disk from, as V(storage:volume).",
    ),
    Field(
        "format",
        role="create_only",
        choices=("raw", "qcow2", "vmdk"),
        doc="Format of a new disk on a storage that has several.",
    ),
    Field("ssd", bool, doc="Whether the guest sees a solid-state disk."),
    Field("discard", bool, doc="Whether freed blocks are passed on to the storage."),
    Field("iothread", bool, doc="Whether it has an I/O thread of its own."),
    Field("backup", bool, doc="Whether backups include it."),
    Field(
        "cache",
        choices=("none", "writethrough", "writeback", "unsafe", "directsync"),
        doc="Cache mode.",
    ),
)
_NIC = (
    Field("slot", doc="Name of the card, such as V(net0).", pattern=NIC_SLOT),
    Field(
        "model",
        choices=("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"),
        doc="Model; V(virtio) unless set.",
    ),
    Field("bridge", doc="Bridge it is connected to."),
    Field(
        "mac",
        pattern=r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}",
        doc="Hardware address in upper case; one is generated unless given, and then kept.",
    ),
    Field("vlan", int, min=1, max=4094, doc="VLAN tag."),
    Field("firewall", bool, doc="Whether Proxmox VE's firewall filters it."),
    Field("link_down", bool, doc="Whether its cable is pulled."),
    Field("mtu", int, min=1, max=65520, doc="MTU; V(1) takes that of the bridge."),
)
_ADDRESS = (
    Field("nic", doc="Card it is for, such as V(net0).", pattern=NIC_SLOT),
    Field("address", doc="IPv4 address with prefix length, or V(dhcp)."),
    Field("gateway", doc="IPv4 gateway."),
    Field("address6", doc="IPv6 address with prefix length, V(auto) or V(dhcp)."),
    Field("gateway6", doc="IPv6 gateway."),
)
_CLONE = (
    Field("vmid", int, min=100, doc="Id of the machine or template to clone."),
    Field("name", doc="Its name, where it is unique."),
    Field("full", bool, doc="Copy the disks instead of linking to a template's."),
    Field("storage", doc="Storage for a full clone's disks."),
    Field("snapshot", doc="Snapshot to clone from."),
)
FIELDS: tuple[Field, ...] = (
    Field(
        "vmid",
        int,
        role="create_only",
        min=100,
        max=999999999,
        doc="Id of the machine. A new one gets a free id unless this is given.",
    ),
    Field(
        "name",
        pattern=r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?",
        doc="Name of the machine, as a DNS name. It finds the machine unless O(vmid) is given.",
    ),
    Field(
        "node",
        role="create_only",
        doc="Node to create it on; the one with most free memory unless given. An existing "
        "machine is found wherever it is, and stays there.",
    ),
    Field(
        "clone",
        dict,
        role="create_only",
        fields=_CLONE,
        doc="Create it as a clone of this machine or template.",
    ),
    Field("pool", role="create_only", doc="Resource pool to create it in."),
    Field(
        "description", compare=as_text, doc="Notes.", samples=("one line", "two\nlines: 50 %, ü")
    ),
    Field("tags", list, elements=str, compare=as_set, doc="Tags.", samples=(["a"], ["a", "b"])),
    Field("cores", int, min=1, restart=True, doc="Cores per socket.", samples=(1, 2)),
    Field("sockets", int, min=1, restart=True, doc="Sockets.", samples=(1, 2)),
    Field("cpu", restart=True, compare=same_cpu, doc="Processor type.", samples=("host", "kvm64")),
    Field("memory", int, min=16, unit="MiB", restart=True, doc="Memory.", samples=(512, 1024)),
    Field("balloon", int, min=0, unit="MiB", doc="Least memory when ballooning; V(0) is off."),
    Field("ostype", doc="Kind of operating system.", samples=("l26", "win11")),
    Field(
        "bios",
        choices=("seabios", "ovmf"),
        restart=True,
        doc="Firmware.",
        samples=("seabios", "ovmf"),
    ),
    Field(
        "machine", restart=True, compare=same_machine, doc="Machine type.", samples=("q35", "pc")
    ),
    Field(
        "scsihw",
        restart=True,
        choices=("virtio-scsi-single", "virtio-scsi-pci", "lsi", "lsi53c810", "megasas", "pvscsi"),
        doc="SCSI controller.",
        samples=("virtio-scsi-pci", "virtio-scsi-single"),
    ),
    Field("agent", bool, doc="Whether the QEMU guest agent is used.", samples=(False, True)),
    Field("onboot", bool, absent_as=False, doc="Start with the node.", samples=(False, True)),
    Field("protection", bool, absent_as=False, doc="Refuse to delete it or its disks."),
    Field("boot_order", list, elements=str, doc="Devices to boot from, first to last."),
    Field(
        "disks",
        list,
        elements=dict,
        key="slot",
        fields=_DISK,
        doc="Disks by slot. V(absent) detaches one; its volume is kept as unused.",
        samples=(
            [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 4}],
            [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 6, "discard": True}],
        ),
    ),
    Field(
        "nics",
        list,
        elements=dict,
        key="slot",
        fields=_NIC,
        doc="Network cards by slot.",
        samples=(
            [{"slot": "net0", "bridge": "vmbr0"}],
            [{"slot": "net0", "bridge": "vmbr0", "vlan": 7, "firewall": True}],
        ),
    ),
    Field(
        "ci_storage", role="create_only", doc="Storage for the cloud-init drive of a new machine."
    ),
    Field("ci_user", doc="Cloud-init's user.", samples=("debian", "admin")),
    Field("ci_password", secret=True, write_only=True, doc="Cloud-init's password."),
    Field("ci_ssh_keys", list, elements=str, compare=as_set, doc="Cloud-init's public keys."),
    Field(
        "ci_addresses",
        list,
        elements=dict,
        key="nic",
        fields=_ADDRESS,
        doc="Addresses that cloud-init sets.",
        samples=(
            [{"nic": "net0", "address": "dhcp"}],
            [{"nic": "net0", "address": "192.0.2.9/24", "gateway": "192.0.2.1"}],
        ),
    ),
    Field("ci_nameservers", list, elements=str, doc="Name servers that cloud-init sets."),
    Field(
        "ci_search_domain", doc="Search domain that cloud-init sets.", samples=("a.test", "b.test")
    ),
    Field(
        "force", bool, role="option", default=False, doc="Switch it off where it must be stopped."
    ),
    Field(
        "purge",
        bool,
        role="option",
        default=False,
        doc="On deletion also remove it from backup and replication jobs and from HA.",
    ),
)
