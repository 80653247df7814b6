# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the validating webhook refuses in the template of a machine (virt-api v1.9.0). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Cause = dict[str, str]
BUSES = ("virtio", "scsi", "sata", "usb")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_BINDINGS = (
    "masquerade",
    "bridge",
    "sriov",
    "slirp",
    "macvtap",
    "passt",
    "passtBinding",
    "binding",
)
_LONGEST_USERDATA = 2048
_RFC = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def cause(field: str, message: str, reason: str = "FieldValueInvalid") -> Cause:
    """Return one cause of a refusal."""
    return {"reason": reason, "message": message, "field": field}


def template(spec: dict[str, Any]) -> Iterator[Cause]:
    """Yield what is wrong in `spec.template.spec`."""
    path = "spec.template.spec"
    domain = spec.get("domain") or {}
    devices = domain.get("devices") or {}
    disks, volumes = devices.get("disks") or [], spec.get("volumes") or []
    yield from _hostname(spec, path)
    yield from _cpu(domain, path)
    yield from _volumes(volumes, path)
    yield from _disks(disks, volumes, f"{path}.domain.devices.disks")
    yield from _networks(spec.get("networks") or [], devices.get("interfaces") or [], path)
    yield from _boot_orders(disks, devices.get("interfaces") or [], f"{path}.domain.devices")


def _hostname(spec: dict[str, Any], path: str) -> Iterator[Cause]:
    name = spec.get("hostname")
    if name and not _LABEL.fullmatch(name):
        why = "must be no more than 63 characters" if len(name) > 63 else _RFC
        text = f"{path}.hostname does not conform to the kubernetes DNS_LABEL rules : {why}"
        yield cause(f"{path}.hostname", text)


def _cpu(domain: dict[str, Any], path: str) -> Iterator[Cause]:
    cpu = domain.get("cpu") or {}
    most = cpu.get("maxSockets")
    if most and (cpu.get("sockets") or 1) > most:
        text = "Number of sockets in CPU topology is greater than the maximum sockets allowed"
        yield cause(f"{path}.domain.cpu.sockets", text)


def _volumes(volumes: list[dict[str, Any]], path: str) -> Iterator[Cause]:
    seen: dict[str, int] = {}
    for number, volume in enumerate(volumes):
        here = f"{path}.volumes[{number}]"
        if volume.get("name") in seen:
            other = f"{path}.volumes[{seen[volume['name']]}]"
            yield cause(
                f"{here}.name",
                f"{here} and {other} must not have the same Name.",
                "FieldValueDuplicate",
            )
        seen.setdefault(volume.get("name", ""), number)
        sources = [name for name in volume if name != "name"]
        if len(sources) != 1:
            yield cause(here, f"{here} must have exactly one source type set")
        for kind in ("cloudInitNoCloud", "cloudInitConfigDrive"):
            if isinstance(volume.get(kind), dict):
                yield from _cloud_init(volume[kind], kind, here)


def _cloud_init(source: dict[str, Any], kind: str, path: str) -> Iterator[Cause]:
    here = f"{path}.{kind}"
    users = [name for name in ("userData", "userDataBase64", "secretRef") if source.get(name)]
    networks = [name for name in source if name.startswith("network")]
    if len(users) > 1:
        yield cause(here, f"{here} must have only one userdatasource set.")
    elif not users and not networks:
        text = f"{here} must have at least one userdatasource or one networkdatasource set."
        yield cause(here, text)
    if len(str(source.get("userData") or "")) > _LONGEST_USERDATA:
        text = (
            f"{here} userdata exceeds {_LONGEST_USERDATA} byte limit. Should use UserDataSecretRef"
        )
        yield cause(here, f"{text} for larger data.")


def _disks(
    disks: list[dict[str, Any]], volumes: list[dict[str, Any]], path: str
) -> Iterator[Cause]:
    known = {each.get("name") for each in volumes}
    seen: dict[str, int] = {}
    for number, disk in enumerate(disks):
        here, name = f"{path}[{number}]", disk.get("name", "")
        if name in seen:
            text = f"{here} and {path}[{seen[name]}] must not have the same Name."
            yield cause(f"{here}.name", text, "FieldValueDuplicate")
        seen.setdefault(name, number)
        if name not in known and "cdrom" not in disk:
            yield cause(f"{here}.name", f"{here}.Name '{name}' not found.")
        targets = [kind for kind in ("disk", "lun", "cdrom") if disk.get(kind) is not None]
        if len(targets) > 1:
            yield cause(here, f"{here} can only have a single target type defined")
        for kind in targets:
            yield from _bus(disk[kind], kind, here)
        if disk.get("bootOrder") is not None and disk["bootOrder"] < 1:
            yield cause(f"{here}.bootOrder", f"{here} must have a boot order > 0, if supplied")
        if len(str(disk.get("serial") or "")) > 256:
            text = f"{here} must be less than or equal to 256 in length, if specified"
            yield cause(f"{here}.serial", text)


def _bus(target: dict[str, Any], kind: str, path: str) -> Iterator[Cause]:
    bus = target.get("bus")
    if bus == "ide":
        yield cause(f"{path}.{kind}.bus", "IDE bus is not supported")
    elif bus and bus not in BUSES:
        text = f"{path} is set with an unrecognized bus {bus}, must be one of: [{' '.join(BUSES)}]"
        yield cause(f"{path}.{kind}.bus", text)
    elif kind == "cdrom" and bus == "virtio":
        yield cause(f"{path}.{kind}.bus", "Bus type virtio is invalid for CD-ROM device")


def _networks(
    networks: list[dict[str, Any]], interfaces: list[dict[str, Any]], path: str
) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, network in enumerate(networks):
        here = f"{path}.networks[{number}]"
        kinds = [name for name in ("pod", "multus", "resourceClaim") if name in network]
        if len(kinds) != 1:
            text = "should have only one network type" if kinds else "should have a network type"
            yield cause(here, text, "FieldValueRequired")
        if network.get("name") in seen:
            text = f'Network with name "{network["name"]}" already exists, every network must have'
            yield cause(f"{here}.name", f"{text} a unique name", "FieldValueDuplicate")
        seen.add(network.get("name", ""))
        if network.get("name") not in {each.get("name") for each in interfaces}:
            yield cause(
                f"{here}.name",
                f"{here}.name '{network.get('name', '')}' not found.",
                "FieldValueRequired",
            )
    pods = {each.get("name") for each in networks if "pod" in each}
    if len(pods) > 1:
        text = f"more than one interface is connected to a pod network in {path}.interfaces"
        yield cause(f"{path}.interfaces", text, "FieldValueDuplicate")
    yield from _interfaces(interfaces, seen, pods, f"{path}.domain.devices.interfaces")


def _interfaces(
    interfaces: list[dict[str, Any]], networks: set[str], pods: set[Any], path: str
) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, interface in enumerate(interfaces):
        here, name = f"{path}[{number}]", interface.get("name", "")
        if name not in networks:
            yield cause(f"{here}.name", f"{here}.name '{name}' not found.")
        elif name in seen:
            text = "Only one interface can be connected to one specific network"
            yield cause(f"{here}.name", text, "FieldValueDuplicate")
        elif "masquerade" in interface and name not in pods:
            text = "Masquerade interface only implemented with pod network"
            yield cause(f"{here}.name", text)
        seen.add(name)
        bindings = [kind for kind in _BINDINGS if interface.get(kind) is not None]
        if len(bindings) != 1:
            text = (
                f"logical {name} interface must have exactly one binding method or binding plugin"
            )
            yield cause(here, text)


def _boot_orders(
    disks: list[dict[str, Any]], interfaces: list[dict[str, Any]], path: str
) -> Iterator[Cause]:
    seen: set[int] = set()
    for kind, devices in (("disks", disks), ("interfaces", interfaces)):
        for number, device in enumerate(devices):
            order = device.get("bootOrder")
            if order is None:
                continue
            if order in seen:
                here = f"{path}.{kind}[{number}].bootOrder"
                yield cause(here, f"Boot order for {here} already set for a different device.")
            seen.add(order)
