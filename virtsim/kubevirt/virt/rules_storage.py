# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on disks, volumes and access credentials of a template. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from ..store import Object
from .rules import Cause, Scope, cause, label_fault

BUSES = ("virtio", "scsi", "sata", "usb")
_TARGETS = ("disk", "lun", "cdrom")
_LONGEST = 2048
_LONGEST_SERIAL = 256


def boot_orders(scope: Scope) -> Iterator[Cause]:
    """Check that each place in the boot order is taken once."""
    seen: set[int] = set()
    for kind in ("disks", "interfaces"):
        for row, device in enumerate(scope.rows(kind)):
            order = device.get("bootOrder")
            if order is None:
                continue
            if kind == "interfaces" and order < 1:
                path = scope.at(f"domain.devices.{kind}[{row}]")
                yield cause(f"{path}.bootOrder", f"{path} must have a boot order > 0, if supplied")
            elif order in seen:
                path = scope.at(f"domain.devices.{kind}[{row}].bootOrder")
                yield cause(path, f"Boot order for {path} already set for a different device.")
            seen.add(order)


def disks(scope: Scope) -> Iterator[Cause]:
    """Check disks, those included that are attached for volumes without one."""
    path = scope.at("domain.devices.disks")
    rows = attached(scope)
    known = {each.get("name", "") for each in scope.volumes}
    seen: dict[str, int] = {}
    for row, disk in enumerate(rows):
        here, name = f"{path}[{row}]", disk.get("name", "")
        if name in seen:
            yield cause(
                f"{here}.name", f"{here} and {path}[{seen[name]}] must not have the same Name."
            )
        seen.setdefault(name, row)
        yield from _volume_of(scope, disk, here, known)
        yield from _disk(disk, here)
    # The path of these repeats itself in the real answers too.
    odd = f"{path}.domain.devices.disks"
    for row, disk in enumerate(rows):
        yield from _device(scope, disk, f"{odd}[{row}]", path)


def attached(scope: Scope) -> list[Object]:
    """Return the disks, with one for each volume that no device uses."""
    rows = list(scope.rows("disks"))
    used = {each.get("name", "") for kind in ("disks", "filesystems") for each in scope.rows(kind)}
    free = [each for each in scope.volumes if each.get("name", "") not in used]
    return rows + [{"name": each.get("name", ""), "disk": {}} for each in free]


def _volume_of(scope: Scope, disk: Object, here: str, known: set[str]) -> Iterator[Cause]:
    name = disk.get("name", "")
    if name in known:
        return
    if disk.get("cdrom") is None:
        yield cause(f"{here}.name", f"{here}.Name '{name}' not found.")
    elif not scope.gates.on("DeclarativeHotplugVolumes"):
        text = "DeclarativeHotplugVolumes feature gate not enabled, cannot define an empty CD-ROM"
        yield cause(f"{here}.name", f"{text} disk")


def _disk(disk: Object, here: str) -> Iterator[Cause]:
    targets = [kind for kind in _TARGETS if disk.get(kind) is not None]
    if len(targets) > 1:
        yield cause(here, f"{here} can only have a single target type defined")
    for kind in targets:
        yield from _bus(disk[kind].get("bus"), kind, here)
    if disk.get("bootOrder") is not None and disk["bootOrder"] < 1:
        yield cause(f"{here}.bootOrder", f"{here} must have a boot order > 0, if supplied")
    if len(str(disk.get("serial") or "")) > _LONGEST_SERIAL:
        text = f"{here} must be less than or equal to {_LONGEST_SERIAL} in length, if specified"
        yield cause(f"{here}.serial", text)
    size = disk.get("blockSize") or {}
    if size.get("custom") is not None and size.get("matchVolume") is not None:
        text = "Block size matching can't be enabled together with a custom value"
        yield cause(f"{here}.blockSize", text)


def _bus(bus: str | None, kind: str, here: str) -> Iterator[Cause]:
    if bus == "ide":
        yield cause(f"{here}.{kind}.bus", "IDE bus is not supported")
    elif bus and bus not in BUSES:
        text = f"{here} is set with an unrecognized bus {bus}, must be one of: [{' '.join(BUSES)}]"
        yield cause(f"{here}.{kind}.bus", text)
    elif kind == "cdrom" and bus == "virtio":
        yield cause(f"{here}.{kind}.bus", "Bus type virtio is invalid for CD-ROM device")


def _device(scope: Scope, disk: Object, here: str, path: str) -> Iterator[Cause]:
    why = label_fault(disk.get("name") or "_")
    if why:
        yield cause(f"{here}.name", why)
    kind = next((each for each in _TARGETS if disk.get(each) is not None), "disk")
    bus = (disk.get(kind) or {}).get("bus")
    if disk.get("dedicatedIOThread") and bus and bus != "virtio":
        text = f"IOThreads are not supported for disks on a {bus} bus"
        yield cause(here, text, "FieldValueNotSupported")
    reserves = (disk.get("lun") or {}).get("reservation")
    if reserves and not scope.gates.on("PersistentReservation"):
        text = "persistent reservation is not enabled in kubevirt config"
        yield cause(f"{path}.luns.reservation", text)


def volumes(scope: Scope) -> Iterator[Cause]:
    """Check the volumes."""
    path, accounts = scope.at("volumes"), 0
    seen: dict[str, int] = {}
    for row, volume in enumerate(scope.volumes):
        here, name = f"{path}[{row}]", volume.get("name", "")
        if name in seen:
            yield cause(
                f"{here}.name", f"{here} and {path}[{seen[name]}] must not have the same Name."
            )
        seen.setdefault(name, row)
        if len([kind for kind in volume if kind != "name"]) != 1:
            yield cause(here, f"{here} must have exactly one source type set")
        yield from _source(scope, volume, here)
        accounts += "serviceAccount" in volume
    if accounts > 1:
        yield cause(path, f"{path} must have max one serviceAccount volume set")


def _source(scope: Scope, volume: Object, here: str) -> Iterator[Cause]:
    if "dataVolume" in volume and not volume["dataVolume"].get("name"):
        yield cause(f"{here}.name", "DataVolume 'name' must be set", "FieldValueRequired")
    if "hostDisk" in volume and not scope.gates.on("HostDisk"):
        yield cause(here, "HostDisk feature gate is not enabled")
    where = (volume.get("containerDisk") or {}).get("path")
    if where and (not where.startswith("/") or "/.." in where):
        text = "must be an absolute path to a file without relative components"
        yield cause(f"{here}.containerDisk", f"{here}.containerDisk {text}")
    for kind, key in (("configMap", "name"), ("secret", "secretName")):
        if kind in volume and not (volume[kind] or {}).get(key):
            yield cause(f"{here}.{kind}.{key}", f"{here}.{kind}.{key} is a required field")
    for kind in ("cloudInitNoCloud", "cloudInitConfigDrive"):
        if isinstance(volume.get(kind), dict):
            yield from _cloud_init(volume[kind], kind, f"{here}.{kind}")


def _cloud_init(source: Object, kind: str, here: str) -> Iterator[Cause]:
    users, networks = (
        [each for each in (f"{what}Data", f"{what}DataBase64", ref) if source.get(each)]
        for what, ref in (("user", "secretRef"), ("network", "networkDataSecretRef"))
    )
    if len(users) > 1:
        yield cause(here, f"{here} must have only one userdatasource set.")
    if len(networks) > 1:
        yield cause(here, f"{here} must have only one networkdatasource set.")
    if not users and not networks:
        text = f"{here} must have at least one userdatasource or one networkdatasource set."
        yield cause(here, text)
    for what, given in (("user", users), ("network", networks)):
        if len(given) == 1:
            yield from _cloud_text(source, kind, here, what)


def _cloud_text(source: Object, kind: str, here: str, what: str) -> Iterator[Cause]:
    text, coded = str(source.get(f"{what}Data") or ""), source.get(f"{what}DataBase64")
    if coded:
        try:
            text = base64.b64decode(coded, validate=True).decode("latin-1")
        except binascii.Error:
            field = f"{here}.{what}DataBase64"
            # The path of this text repeats itself in the real answer too.
            yield cause(field, f"{field}.{kind}.{what}DataBase64 is not a valid base64 value.")
            return
    if len(text.encode()) > _LONGEST:
        other = f"{what.capitalize()}DataSecretRef"
        words = f"{here} {what}data exceeds {_LONGEST} byte limit. Should use {other}"
        yield cause(here, f"{words} for larger data.")


def credentials(scope: Scope) -> Iterator[Cause]:
    """Check SSH keys and passwords that are handed to the guest."""
    for row, each in enumerate(scope.spec.get("accessCredentials") or ()):
        here, key = scope.at(f"accessCredentials[{row}]"), each.get("sshPublicKey")
        if not key:
            continue
        if not (key.get("source") or {}).get("secret"):
            text = f"{here} must have exactly one source set"
            yield cause(f"{here}.sshPublicKey.source", text)
        agent = (key.get("propagationMethod") or {}).get("qemuGuestAgent")
        if agent is not None and not agent.get("users"):
            text = f"{here} requires at least one user to be present in the users list"
            yield cause(f"{here}.sshPublicKey.propagationMethod.qemuGuestAgent.users", text)
