# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that wait: what a running guest takes at once and what at its next start."""

from __future__ import annotations

import re

from .disks import Disks, is_drive
from .model import Guest

FAST = frozenset(
    [
        "cicustom",
        "cipassword",
        "citype",
        "ciupgrade",
        "ciuser",
        "description",
        "hookscript",
        "lock",
        "migrate_downtime",
        "migrate_speed",
        "name",
        "nameserver",
        "onboot",
        "protection",
        "searchdomain",
        "shares",
        "sshkeys",
        "startup",
        "tags",
        "vmstatestorage",
    ]
)
ALWAYS = frozenset({"hotplug", "cpuunits", "cpulimit"})
DEFAULT_HOTPLUG = "network,disk,usb"


def deletions(guest: Guest) -> dict[str, bool]:
    """Give the keys to delete, with whether their volume goes, too."""
    found = {}
    for word in guest.pending.get("delete", "").split(","):
        if word:
            found[word.lstrip("!")] = word.startswith("!")
    return found


def _write_deletions(guest: Guest, keys: dict[str, bool]) -> None:
    if keys:
        words = (f"!{k}" if force else k for k, force in sorted(keys.items()))
        guest.pending["delete"] = ",".join(words)
    else:
        guest.pending.pop("delete", None)


def want(guest: Guest, key: str, value: str) -> None:
    """Note a new value."""
    guest.pending[key] = value
    _write_deletions(guest, {k: f for k, f in deletions(guest).items() if k != key})


def want_gone(guest: Guest, key: str, force: bool) -> None:
    """Note a deletion."""
    guest.pending.pop(key, None)
    _write_deletions(guest, {**deletions(guest), key: force})


def forget(guest: Guest, key: str) -> None:
    """Drop what waits for a key."""
    guest.pending.pop(key, None)
    _write_deletions(guest, {k: f for k, f in deletions(guest).items() if k != key})


def tidy(guest: Guest) -> None:
    """Drop what would change nothing."""
    for key in [k for k, v in guest.pending.items() if guest.conf.get(k) == v]:
        guest.pending.pop(key)
    keys = deletions(guest)
    _write_deletions(guest, {k: f for k, f in keys.items() if k in guest.conf})


def features(guest: Guest) -> set[str]:
    """Give what the guest can take while it runs."""
    text = guest.conf.get("hotplug", "1")
    if text == "0":
        return set()
    return set((DEFAULT_HOTPLUG if text == "1" else text).replace(";", ",").split(","))


def _hot(guest: Guest, key: str, value: str | None) -> bool:
    """Tell whether a running guest takes this change at once."""
    family = re.sub(r"\d+$", "", key)
    able = features(guest)
    if key in FAST or family == "ipconfig" or key in ALWAYS:
        return True
    if key == "agent":
        old, new = guest.conf.get("agent", "0"), value or "0"
        return value is not None and _agent_on(old) == _agent_on(new)
    if key == "balloon":
        return value not in {None, "0"}
    needs = {"net": "network", "scsi": "disk", "virtio": "disk", "usb": "usb", "vcpus": "cpu"}
    if family in {"ide", "sata"}:
        return value is not None and key in guest.conf and "media=cdrom" in value
    if key == "memory":
        return "memory" in able and guest.conf.get("numa") == "1"
    return needs.get(family) in able


def _agent_on(text: str) -> bool:
    return re.match(r"(enabled=)?(1|yes|on|true)\b", text) is not None


def apply(guest: Guest, disks: Disks) -> None:
    """Apply what can be applied now: all when stopped, the hot part when running."""
    for key in sorted(guest.pending, key=lambda k: k != "hotplug"):
        if key == "delete":
            continue
        value = guest.pending[key]
        if not guest.running or _hot(guest, key, value):
            _set(guest, disks, key, value)
            guest.pending.pop(key)
    for key, force in deletions(guest).items():
        if not guest.running or _hot(guest, key, None):
            drop(guest, disks, key, force)
            forget(guest, key)
    _forget_used(guest, disks)


def _forget_used(guest: Guest, disks: Disks) -> None:
    """Take volumes that a drive holds (again) off the list of unused ones."""
    held = {
        volume
        for conf in (guest.conf, guest.pending)
        for key, volume in disks.volumes(conf)
        if is_drive(key)
    }
    for key in [k for k in guest.conf if k.startswith("unused") and guest.conf[k] in held]:
        guest.conf.pop(key)


def _set(guest: Guest, disks: Disks, key: str, value: str) -> None:
    old = guest.conf.get(key)
    guest.conf[key] = value
    if old and is_drive(key):
        before, after = disks.volume_of(key, old), disks.volume_of(key, value)
        if before and before != after:
            if before.endswith("cloudinit") or "-cloudinit." in before:
                disks.free(before)
            else:
                disks.park(guest, before)
    if key == "description" and not value:
        guest.conf.pop(key)


def drop(guest: Guest, disks: Disks, key: str, force: bool) -> None:
    """Take a key out of the configuration; its volume is parked or destroyed."""
    old = guest.conf.pop(key, None)
    if old is None or not (is_drive(key) or key.startswith("unused")):
        return
    volume = disks.volume_of(key, old)
    if not volume:
        return
    if force or key.startswith("unused") or "-cloudinit" in volume:
        disks.free(volume)
    else:
        disks.park(guest, volume)
