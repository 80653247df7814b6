# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest as lists and status answers show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .disks import Disks, is_drive
from .guest_config import boot_order
from .model import Guest

if TYPE_CHECKING:
    from .api import Call

MIB = 1 << 20


def number(text: str, default: int) -> int:
    """Read the first number of a setting."""
    match = re.search(r"\d+", text)
    return int(match[0]) if match else default


def cpus(guest: Guest) -> int:
    """Count the virtual CPUs."""
    conf = guest.conf
    total = int(conf.get("cores", "1")) * int(conf.get("sockets", "1"))
    return int(conf.get("vcpus", total))


def memory(guest: Guest) -> int:
    """Give the memory in bytes."""
    return number(guest.conf.get("memory", "512"), 512) * MIB


def boot_disk_size(guest: Guest, disks: Disks) -> int:
    """Give the size of the disk the guest boots from."""
    order = boot_order(guest.conf) or sorted(k for k in guest.conf if is_drive(k))
    for key in order:
        text = guest.conf.get(key, "")
        if is_drive(key) and "media=cdrom" not in text:
            volume = disks.volume_of(key, text)
            return disks.size_of(volume) if volume else 0
    return 0


def status_row(call: Call, guest: Guest, full: bool = True) -> dict[str, Any]:
    """Show a guest with its load."""
    row: dict[str, Any] = {
        "vmid": guest.vmid,
        "name": guest.name,
        "status": guest.status,
        "cpus": cpus(guest),
        "maxmem": memory(guest),
        "maxdisk": boot_disk_size(guest, call.sim.disks),
        "disk": 0,
        "cpu": 0.02 if guest.running else 0,
        "mem": memory(guest) // 2 if guest.running else 0,
        "memhost": memory(guest) // 2 if guest.running else 0,
        "netin": 4096 if guest.running else 0,
        "netout": 2048 if guest.running else 0,
        "uptime": int(call.now - guest.started) if guest.running else 0,
    }
    for key in ("tags", "lock"):
        if guest.conf.get(key):
            row[key] = guest.conf[key]
    if guest.template:
        row["template"] = 1
    if guest.running:
        row |= {"diskread": 8192, "diskwrite": 4096}
        row["pid"] = guest.pid or 10_000 + guest.vmid
    if full:
        row["qmpstatus"] = "paused" if guest.paused else guest.status
        if re.match(r"(enabled=)?1", guest.conf.get("agent", "0")):
            row["agent"] = 1
    return row
