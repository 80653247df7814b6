# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of guests, and how guests come and go."""

from __future__ import annotations

from typing import Any

from .api import Call, operation
from .config_api import check_options
from .disks import is_drive
from .errors import ApiError
from .guest_config import (
    check_hook,
    check_keys,
    check_lock,
    check_memory,
    mac,
    pin_machine,
    spell,
    uuid_of,
    wanted,
)
from .guest_view import status_row
from .model import Guest, Task
from .power_api import boot

QEMU = "/nodes/{node}/qemu"
ONE = f"{QEMU}/{{vmid}}"


@operation(f"GET {QEMU}")
def guests(call: Call) -> Any:
    """List the guests of a node the caller may see."""
    full = call.flag("full")
    return [
        status_row(call, guest, full)
        for guest in call.state.guests.values()
        if guest.node == call.node and call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


@operation(f"GET {ONE}")
def guest_index(_call: Call) -> Any:
    """List what a guest offers."""
    names = "config cloudinit pending status unlink vncproxy termproxy migrate resize move rrd "
    names += "rrddata monitor agent snapshot spiceproxy sendkey firewall mtunnel remote_migrate"
    return [{"subdir": name} for name in names.split()]


def _boot_default(call: Call, guest: Guest) -> str:
    """Choose the first disk, the first CD-ROM and the first network card."""
    drives = [k for k in sorted(guest.conf) if is_drive(k) and k[:3] not in {"efi", "tpm"}]
    discs = [k for k in drives if "media=cdrom" in guest.conf[k]]
    disks = [k for k in drives if k not in discs]
    cards = [k for k in sorted(guest.conf) if k.startswith("net")]
    order = [*disks[:1], *discs[:1], *cards[:1]]
    return "order=" + ";".join(order) if order else " "


def _reserve(call: Call, vmid: int, node: str, lock: str, prefix: str) -> Guest:
    """Take the id before the task starts, as the real server does."""
    taken = call.state.guests.get(vmid)
    if taken is not None:
        raise ApiError(f"{prefix}VM {vmid} already exists on node '{taken.node}'\n")
    guest = Guest(vmid, node, {"lock": lock})
    call.state.guests[vmid] = guest
    return guest


def _check_pool(call: Call) -> None:
    pool = call.text("pool")
    if pool is not None and pool not in call.state.access.pools:
        raise ApiError(f"pool '{pool}' does not exist\n")


def _check_resources(call: Call, values: dict[str, Any]) -> None:
    """Refuse storages and bridges the caller may not use."""
    for key, value in values.items():
        if is_drive(key):
            storage = call.sim.disks.parse(key, str(value)).get("file", "none").partition(":")[0]
            if storage not in {"none", "cdrom"}:
                call.sim.disks.storage(storage)
                call.need(f"/storage/{storage}", ["Datastore.AllocateSpace"])
        elif key.startswith("net") and "bridge=" in str(value):
            bridge = str(value).partition("bridge=")[2].partition(",")[0]
            call.need(f"/sdn/zones/localnetwork/{bridge}", ["SDN.Use"])


@operation(f"POST {QEMU}")
def guest_create(call: Call) -> Any:
    """Create a guest: the id is taken at once, the disks come in a task."""
    for name in ("archive", "ha-managed", "live-restore"):
        if call.params.get(name) not in {None, 0, "0"}:
            raise ApiError(f"virtsim: '{name}' on create is not modelled by virtsim\n", 501)
    values = wanted(call)
    _check_pool(call)
    check_options(call, [k for k in values if k != "cdrom"])
    _check_resources(call, values)
    if "sshkeys" in values:
        check_keys(str(values["sshkeys"]))
    if "hookscript" in values:
        check_hook(call, str(values["hookscript"]))
    check_memory(values, {})
    vmid = call.vmid
    guest = _reserve(call, vmid, call.node, "create", f"unable to create VM {vmid} - ")

    def effect(task: Task) -> None:
        _fill(call, guest, values)
        guest.conf.pop("lock")
        if call.text("pool"):
            call.state.access.pools[call.params["pool"]]["vms"].append(vmid)
        if call.flag("start"):
            if call.sim.faults.take("fail_start", "POST", call.path):
                task.log.append("WARN: start failed: virtsim: asked to fail")
            else:
                boot(call, guest)

    return call.sim.worker.start(
        call, "qmcreate", str(vmid), effect, undo=lambda _task: _forget(call, vmid)
    )


def _fill(call: Call, guest: Guest, values: dict[str, Any]) -> None:
    for key in sorted(values):
        guest.conf[key] = spell(call, guest, key, values[key])
    conf = guest.conf
    if "boot" not in conf:
        conf["boot"] = _boot_default(call, guest)
    conf.setdefault("meta", f"creation-qemu=9.2.0,ctime={int(call.now)}")
    conf.setdefault("smbios1", f"uuid={uuid_of(call.state)}")
    conf.setdefault("vmgenid", uuid_of(call.state))
    pin_machine(values, conf, conf)
    if not conf.get("description", "x"):
        conf.pop("description")


def _forget(call: Call, vmid: int) -> None:
    for volume in [v for v, row in call.state.volumes.items() if row.get("vmid") == vmid]:
        call.sim.disks.free(volume)
    call.state.guests.pop(vmid, None)


@operation(f"DELETE {ONE}")
def guest_delete(call: Call) -> Any:
    """Destroy a stopped guest with all its disks."""
    guest = call.guest()
    if call.flag("skiplock"):
        call.root_only("user != root@pam")
    if guest.conf.get("protection") == "1":
        raise ApiError(f"can't remove VM {guest.vmid} - protection mode enabled\n")
    if guest.running:
        raise ApiError(f"VM {guest.vmid} is running - destroy failed\n")

    def effect(_task: Task) -> None:
        found = call.guest()
        check_lock(found, call)
        if found.running:
            raise ApiError(f"VM {found.vmid} is running - destroy failed\n")
        _check_clones(call, found)
        _forget(call, found.vmid)
        access = call.state.access
        for pool in access.pools.values():
            if found.vmid in pool["vms"]:
                pool["vms"].remove(found.vmid)
        for row in [r for r in access.acl if r["path"] == f"/vms/{found.vmid}"]:
            access.acl.remove(row)

    return call.sim.worker.start(call, "qmdestroy", str(guest.vmid), effect)


def _check_clones(call: Call, guest: Guest) -> None:
    mine = {v for _, v in call.sim.disks.volumes(guest.conf)}
    for volume, row in call.state.volumes.items():
        if row.get("base") in mine:
            text = f"base volume '{row['base']}' is still in use by linked cloned '{volume}'\n"
            raise ApiError(text)


@operation(f"POST {ONE}/template")
def guest_template(call: Call) -> Any:
    """Turn a stopped guest into a template."""
    guest = call.guest()
    check_lock(guest, call)
    if guest.snapshots:
        raise ApiError("unable to create template, because VM contains snapshots\n")
    if guest.template and not call.text("disk"):
        raise ApiError("you can't convert a template to a template\n")
    if guest.running:
        raise ApiError("you can't convert a VM to template if VM is running\n")

    def effect(_task: Task) -> None:
        disks = call.sim.disks
        for key, volume in list(disks.volumes(guest.conf)):
            if not is_drive(key) or "-cloudinit" in volume:
                continue
            row = call.state.volumes.pop(volume, {"size": disks.size_of(volume)})
            renamed = volume.replace(f"vm-{guest.vmid}-", f"base-{guest.vmid}-")
            call.state.volumes[renamed] = {
                "content": "images",
                "format": "raw",
                **row,
                "vmid": guest.vmid,
            }
            guest.conf[key] = guest.conf[key].replace(volume, renamed)
        guest.conf["template"] = "1"

    return call.sim.worker.start(call, "qmtemplate", str(guest.vmid), effect)


@operation(f"POST {ONE}/clone")
def guest_clone(call: Call) -> Any:
    """Copy a guest, or link to the disks of a template."""
    source = call.state.guests.get(call.vmid)
    if source is None or source.node != call.node:
        text = f"unable to find configuration file for VM {call.vmid} on node '{call.node}'\n"
        raise ApiError(text)
    _check_pool(call)
    check_lock(source, call)
    full = call.flag("full", default=not source.template)
    if call.text("storage") and not full:
        raise ApiError("parameter 'storage' not allowed for linked clones\n")
    snapname = call.text("snapname")
    if snapname is not None and snapname not in source.snapshots:
        raise ApiError(f"snapshot '{snapname}' does not exist\n")
    conf = dict(source.snapshots[snapname] if snapname else source.conf)
    node = call.text("target") or call.node
    _check_copy(call, conf, full, node)
    vmid = int(call.params["newid"])
    guest = _reserve(call, vmid, node, "clone", f"unable to create VM {vmid} - ")

    def effect(_task: Task) -> None:
        _copy(call, conf, guest, full)
        if call.text("pool"):
            call.state.access.pools[call.params["pool"]]["vms"].append(vmid)

    return call.sim.worker.start(
        call, "qmclone", str(source.vmid), effect, undo=lambda _task: _forget(call, vmid)
    )


def _check_copy(call: Call, conf: dict[str, str], full: bool, node: str) -> None:
    disks = call.sim.disks
    if node not in call.state.nodes:
        raise ApiError(f"no such cluster node '{node}'\n")
    for key, volume in disks.volumes(conf):
        storage = call.text("storage") or volume.partition(":")[0]
        row = disks.storage(storage)
        if is_drive(key) and not full and "base-" not in volume and "-cloudinit" not in volume:
            raise ApiError(f"Linked clone feature is not supported for drive '{key}'\n")
        if node != call.node and not row.get("shared"):
            raise ApiError(f"can't clone to non-shared storage '{storage}'\n")
        call.need(f"/storage/{storage}", ["Datastore.AllocateSpace"])


DROPPED = frozenset({"lock", "parent", "snaptime", "vmstate", "template", "protection"})


def _copy(call: Call, conf: dict[str, str], guest: Guest, full: bool) -> None:
    disks, props = call.sim.disks, guest.conf
    props.clear()
    for key, text in conf.items():
        if key in DROPPED or key.startswith("unused"):
            continue
        if key.startswith("net"):
            model, _, rest = text.partition("=")
            props[key] = ",".join([f"{model}={mac(call.state)}", *rest.split(",")[1:]])
        elif is_drive(key) and disks.volume_of(key, text):
            props[key] = _copy_drive(call, guest, key, text, full)
        else:
            props[key] = text
    props["name"] = call.text("name") or f"Copy-of-VM-{conf.get('name', call.vmid)}"
    props["smbios1"] = f"uuid={uuid_of(call.state)}"
    props["vmgenid"] = uuid_of(call.state)
    if call.text("description"):
        props["description"] = str(call.params["description"])


def _copy_drive(call: Call, guest: Guest, key: str, text: str, full: bool) -> str:
    disks = call.sim.disks
    values = disks.parse(key, text)
    old = values["file"]
    storage = call.text("storage") or old.partition(":")[0]
    kind = "cloudinit" if "-cloudinit" in old else "disk"
    size = disks.size_of(old)
    new = disks.allocate(storage, guest.vmid, size, kind=kind, form=call.text("format"))
    if not full and kind == "disk":
        call.state.volumes[new]["base"] = old
    return disks.render(key, {**values, "file": new})
