# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on the configuration of a guest."""

from __future__ import annotations

import re
from typing import Any

from . import pending
from .api import Call, operation
from .config_text import digest
from .disks import format_size, is_drive, parse_size
from .errors import BAD_PARAMETERS, ApiError, missing
from .guest_config import (
    CHANGED,
    check_lock,
    prepare,
    shown,
    typed,
    update,
    waiting,
)
from .model import Guest, Task

QEMU = "/nodes/{node}/qemu/{vmid}"
OPTION_PRIVILEGES = {
    "cores": "CPU",
    "sockets": "CPU",
    "cpu": "CPU",
    "cpulimit": "CPU",
    "cpuunits": "CPU",
    "numa": "CPU",
    "vcpus": "CPU",
    "affinity": "CPU",
    "memory": "Memory",
    "balloon": "Memory",
    "shares": "Memory",
    "net": "Network",
    "ipconfig": "Network",
    "nameserver": "Network",
    "searchdomain": "Network",
    "ide": "Disk",
    "sata": "Disk",
    "scsi": "Disk",
    "virtio": "Disk",
    "efidisk": "Disk",
    "tpmstate": "Disk",
    "unused": "Disk",
    "vmstatestorage": "Disk",
    "acpi": "HWType",
    "bios": "HWType",
    "machine": "HWType",
    "scsihw": "HWType",
    "vga": "HWType",
    "serial": "HWType",
    "usb": "HWType",
    "rng": "HWType",
    "watchdog": "HWType",
    "tablet": "HWType",
    "hotplug": "Options",
}
CLOUDINIT = frozenset(["cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "sshkeys"])


def check_options(call: Call, keys: list[str]) -> None:
    """Refuse options the caller holds no privilege for."""
    for key in sorted(keys):
        family = re.sub(r"\d+$", "", key)
        if key in {"args", "lock"} or family in {"hostpci", "parallel"}:
            call.root_only(f"only root can set '{key}' config")
        name = "Cloudinit" if key in CLOUDINIT else OPTION_PRIVILEGES.get(family, "Options")
        wanted = [f"VM.Config.{name}"]
        if family in {"ipconfig", "nameserver", "searchdomain"}:
            wanted.append("VM.Config.Cloudinit")
        if not call.may(f"/vms/{call.vmid}", *wanted):
            raise ApiError(f"Permission check failed (/vms/{call.vmid}, {wanted[0]})\n", 403)


def _keys(call: Call) -> list[str]:
    control = {"node", "vmid", "digest", "delete", "revert", "force", "skiplock"}
    found = [k for k in call.params if k not in control | {"background_delay"}]
    for name in ("delete", "revert"):
        found += [w for w in re.split(r"[,;\s]+", call.text(name) or "") if w]
    return found


@operation(f"GET {QEMU}/config")
def config(call: Call) -> Any:
    """Show the configuration, of now or of a snapshot."""
    guest, name = call.guest(), call.text("snapshot")
    if name is None:
        return shown(call, guest, call.flag("current"))
    if call.flag("current"):
        text = "cannot use 'snapshot' parameter with 'current'"
        raise ApiError(BAD_PARAMETERS, 400, {"snapshot": text, "current": text})
    if name not in guest.snapshots:
        raise missing(f"snapshot '{name}' does not exist")
    found = {k: typed(call, k, v) for k, v in guest.snapshots[name].items()}
    return {**found, "digest": digest(guest)}


@operation(f"GET {QEMU}/pending")
def config_pending(call: Call) -> Any:
    """Show what waits for the next start."""
    return waiting(call, call.guest())


@operation(f"PUT {QEMU}/config")
def config_update(call: Call) -> None:
    """Change the configuration and answer when it is done."""
    guest = call.guest()
    check_options(call, _keys(call))
    prepare(call, guest)
    update(call, guest)


@operation(f"POST {QEMU}/config")
def config_update_task(call: Call) -> Any:
    """Change the configuration in a task, waited for up to `background_delay` seconds."""
    guest = call.guest()
    check_options(call, _keys(call))
    prepare(call, guest)
    given = " ".join(f"-{k} {call.params[k]}" for k in sorted(_keys(call)) if k in call.params)

    def effect(task: Task) -> None:
        task.log.append(f"update VM {guest.vmid}: {given}".rstrip())
        update(call, guest)

    delay = int(call.params.get("background_delay", 0))
    upid = call.sim.worker.start(call, "qmconfig", str(guest.vmid), effect, seconds=0.5)
    if not delay:
        return upid
    call.sim.clock.poll()  # the server waits; a clock that jumps gets there at once
    task = call.state.tasks[upid]
    if task.exitstatus is None:
        return upid
    if task.exitstatus != "OK" and not task.exitstatus.startswith("WARNINGS"):
        raise ApiError(f"{task.exitstatus}\n")
    return None


@operation(f"PUT {QEMU}/unlink")
def unlink(call: Call) -> None:
    """Detach drives or destroy their volumes."""
    call.params["delete"] = call.params.pop("idlist")
    config_update(call)


@operation(f"PUT {QEMU}/resize")
def resize(call: Call) -> Any:
    """Grow a drive, in a task."""
    guest, key = call.guest(), str(call.params["disk"])

    def effect(_task: Task) -> None:
        _resize(call, guest, key)

    return call.sim.worker.start(call, "resize", str(guest.vmid), effect)


def _resize(call: Call, guest: Guest, key: str) -> None:
    disks = call.sim.disks
    given = call.text("digest")
    if given and given != digest(guest):
        raise ApiError(CHANGED)
    check_lock(guest, call)
    if key not in guest.conf:
        raise ApiError(f"disk '{key}' does not exist\n")
    values = disks.parse(key, guest.conf[key])
    volume = values.get("file", "")
    if values.get("media") == "cdrom":
        raise ApiError("you can't resize a cdrom\n")
    text = str(call.params["size"])
    old, amount = disks.size_of(volume), parse_size(text.lstrip("+")) or 0
    size = old + amount if text.startswith("+") else amount
    if size < old:
        raise ApiError("shrinking disks is not supported\n")
    if size > old:
        call.state.volumes[volume]["size"] = size
        guest.conf[key] = disks.render(key, {**values, "size": format_size(size)})


@operation(f"POST {QEMU}/move_disk")
def move_disk(call: Call) -> Any:
    """Move a drive to another storage, in a task."""
    guest, key = call.guest(), str(call.params["disk"])
    check_lock(guest, call)
    given = call.text("digest")
    if given and given != digest(guest):
        raise ApiError(CHANGED)
    target = call.text("storage")
    if not target:
        raise ApiError("virtsim: moving a disk to another guest is not modelled by virtsim\n", 501)
    call.sim.disks.storage(target)
    if key not in guest.conf or not is_drive(key):
        raise ApiError(f"disk '{key}' does not exist\n")
    if guest.conf[key].startswith(f"{target}:"):
        raise ApiError("you can't move to the same storage with same format\n")

    def effect(_task: Task) -> None:
        _move(call, guest, key, target)

    return call.sim.worker.start(call, "qmmove", str(guest.vmid), effect)


def _move(call: Call, guest: Guest, key: str, target: str) -> None:
    disks = call.sim.disks
    values = disks.parse(key, guest.conf[key])
    old = values["file"]
    values["file"] = disks.allocate(
        target, guest.vmid, disks.size_of(old), form=call.text("format")
    )
    guest.conf[key] = disks.render(key, values)
    if call.flag("delete"):
        disks.free(old)
    else:
        disks.park(guest, old)


@operation(f"GET {QEMU}/cloudinit")
def cloudinit_pending(call: Call) -> Any:
    """Show cloud-init settings; the image is regenerated at once here."""
    guest = call.guest()
    names = CLOUDINIT | {"nameserver", "searchdomain"}
    return [
        {"key": k, "value": typed(call, k, v)}
        for k, v in sorted(guest.conf.items())
        if k in names or re.fullmatch(r"ipconfig\d+", k)
    ]


@operation(f"PUT {QEMU}/cloudinit")
def cloudinit_update(call: Call) -> None:
    """Regenerate the cloud-init image."""
    guest = call.guest()
    check_lock(guest, call)
    pending.apply(guest, call.sim.disks)
