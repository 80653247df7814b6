# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance types and preferences: found, inferred, merged into a machine, and held against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..store import Object, Store, copied
from . import names
from .quantities import quantity
from .rules import Cause, cause

_KINDS = {"instancetype": names.INSTANCETYPES, "preference": names.PREFERENCES}
_DEFAULT = {
    "instancetype": "virtualmachineclusterinstancetype",
    "preference": "virtualmachineclusterpreference",
}
_MATCHER = {"instancetype": "InstancetypeMatcher", "preference": "PreferenceMatcher"}
_CPU = "spec.template.spec.domain.cpu"
_MEMORY = "spec.template.spec.domain.memory.guest"


class NotFoundError(Exception):
    """An instance type, a preference or its revision is not there."""


def find(store: Store, vm: Object, which: str) -> Object | None:
    """Return what a machine matches, None without a matcher; NotFoundError when it is not there."""
    matcher = (vm.get("spec") or {}).get(which) or {}
    if not matcher.get("name"):
        return None
    kind = str(matcher.get("kind") or _DEFAULT[which]).lower()
    # A matcher may name the resource in the plural, too.
    table = _KINDS[which].get(kind) or _KINDS[which].get(kind.removesuffix("s"))
    if table is None:
        raise NotFoundError(f"got unexpected kind in {_MATCHER[which]}: {matcher['kind']}")
    place = vm["metadata"].get("namespace", "")
    revision = matcher.get("revisionName")
    if revision:
        kept = store.get(names.REVISION, place, revision)
        if kept is None:
            raise NotFoundError(f'controllerrevisions.apps "{revision}" not found')
        return dict(kept["data"])
    found = store.get(table, "" if "cluster" in kind else place, matcher["name"])
    if found is None:
        raise NotFoundError(f'{table} "{matcher["name"]}" not found')
    return found


def missing(store: Store, vm: Object) -> tuple[str, str] | None:
    """Return why a machine cannot be started: the reason and the message of its condition."""
    for which in ("instancetype", "preference"):
        try:
            find(store, vm, which)
        except NotFoundError as error:
            return f"FailedFind{which.capitalize()}", str(error)
    return None


def sized(store: Store, vm: Object) -> Object:
    """Return the spec of the instance of a machine, for which nothing is missing."""
    kind, preference = (find(store, vm, which) for which in ("instancetype", "preference"))
    return expanded(vm["spec"]["template"]["spec"], kind, preference)


def conflicts(vm: Object, kind: Object | None) -> Iterator[str]:
    """Yield the fields of a machine that its instance type decides."""
    spec = (kind or {}).get("spec") or {}
    template = vm["spec"]["template"].get("spec") or {}
    domain = template.get("domain") or {}
    resources = domain.get("resources") or {}
    if spec.get("cpu"):
        for name in ("cores", "sockets", "threads"):
            if (domain.get("cpu") or {}).get(name):
                yield f"{_CPU}.{name}"
        yield from _amounts(resources, "cpu")
    if spec.get("memory"):
        if (domain.get("memory") or {}).get("guest"):
            yield _MEMORY
        yield from _amounts(resources, "memory")
    for name in ("gpus", "hostDevices"):
        if spec.get(name) and (domain.get("devices") or {}).get(name):
            yield f"spec.template.spec.domain.devices.{name}"
    for name in ("nodeSelector", "schedulerName"):
        if spec.get(name) and template.get(name):
            yield f"spec.template.spec.{name}"
    for name in ("ioThreadsPolicy", "launchSecurity"):
        if spec.get(name) and domain.get(name):
            yield f"spec.template.spec.domain.{name}"


def _amounts(resources: Object, name: str) -> Iterator[str]:
    for kind in ("requests", "limits"):
        if name in (resources.get(kind) or {}):
            yield f"spec.template.spec.domain.resources.{kind}.{name}"


def expanded(template: Object, kind: Object | None, preference: Object | None) -> Object:
    """Return the spec of a template with an instance type and a preference merged in."""
    spec: Object = copied(template)
    domain = spec.setdefault("domain", {})
    wanted = (preference or {}).get("spec") or {}
    given = (kind or {}).get("spec") or {}
    if given.get("cpu"):
        domain["cpu"] = _topology(given["cpu"], wanted) | _kept(domain.get("cpu"))
    if given.get("memory"):
        domain["memory"] = {**(domain.get("memory") or {}), **_memory(given["memory"])}
    for name in ("ioThreadsPolicy", "launchSecurity"):
        if given.get(name):
            domain[name] = copied(given[name])
    for name in ("gpus", "hostDevices"):
        if given.get(name):
            domain.setdefault("devices", {})[name] = copied(given[name])
    for name in ("nodeSelector", "schedulerName"):
        if given.get(name):
            spec[name] = copied(given[name])
    if wanted:
        _prefer(domain, wanted)
    return spec


def _kept(cpu: Object | None) -> Object:
    return {
        name: value
        for name, value in (cpu or {}).items()
        if name not in ("cores", "sockets", "threads")
    }


def _topology(cpu: Object, wanted: Object) -> Object:
    shape = {"cores": 1, "sockets": 1, "threads": 1}
    asked = str((wanted.get("cpu") or {}).get("preferredCPUTopology") or "sockets")
    name = asked.removeprefix("preferred").lower()
    shape[name if name in shape else "sockets"] = cpu["guest"]
    others = ("model", "dedicatedCPUPlacement", "isolateEmulatorThread", "maxSockets")
    return {**shape, **{each: cpu[each] for each in others if each in cpu}}


def _memory(memory: Object) -> Object:
    return {each: memory[each] for each in ("guest", "maxGuest", "hugepages") if each in memory}


def _prefer(domain: Object, wanted: Object) -> None:
    """Fill in what a preference says and the machine leaves open."""
    devices, liked = domain.setdefault("devices", {}), wanted.get("devices") or {}
    for disk in devices.get("disks") or ():
        for kind in ("disk", "lun", "cdrom"):
            bus = liked.get("preferredCdromBus" if kind == "cdrom" else "preferredDiskBus")
            if bus and disk.get(kind) is not None:
                disk[kind].setdefault("bus", bus)
    if liked.get("preferredInterfaceModel"):
        for interface in devices.get("interfaces") or ():
            interface.setdefault("model", liked["preferredInterfaceModel"])
    if "preferredTPM" in liked:
        devices.setdefault("tpm", copied(liked["preferredTPM"]))
    efi = (wanted.get("firmware") or {}).get("preferredEfi")
    if efi is not None:
        domain.setdefault("firmware", {}).setdefault("bootloader", {"efi": copied(efi)})
    machine = (wanted.get("machine") or {}).get("preferredMachineType")
    if machine and not (domain.get("machine") or {}).get("type"):
        domain["machine"] = {"type": machine}
    timer = (wanted.get("clock") or {}).get("preferredTimer")
    if timer is not None:
        domain.setdefault("clock", {}).setdefault("timer", copied(timer))
    if wanted.get("features") or (wanted.get("features") == {}):
        for name, value in wanted["features"].items():
            plain = name.removeprefix("preferred")
            domain.setdefault("features", {}).setdefault(
                plain[:1].lower() + plain[1:], copied(value)
            )


def requirements(vm: Object, kind: Object | None, preference: Object | None) -> Iterator[Cause]:
    """Yield what a machine has too little of for its preference."""
    wanted = ((preference or {}).get("spec") or {}).get("requirements") or {}
    least_cpu = (wanted.get("cpu") or {}).get("guest")
    least_memory = (wanted.get("memory") or {}).get("guest")
    given = (kind or {}).get("spec") or {}
    if least_cpu:
        yield from _cpu_requirement(vm, given, least_cpu)
    if least_memory:
        domain = vm["spec"]["template"]["spec"].get("domain") or {}
        own = (domain.get("memory") or {}).get("guest") or "0"
        has = (given.get("memory") or {}).get("guest") or own
        if quantity(has) < quantity(least_memory):
            text = f"insufficient Memory resources of {has} provided by {_giver(kind)}, preference"
            where = "spec.instancetype" if kind else _MEMORY
            yield _unmet(where, f"{text} requires {least_memory}")


def _cpu_requirement(vm: Object, given: Object, least: int) -> Iterator[Cause]:
    if given.get("cpu"):
        has = given["cpu"]["guest"]
        if has < least:
            text = f"insufficient CPU resources of {has} vCPU provided by instance type, preference"
            yield _unmet("spec.instancetype", f"{text} requires {least} vCPU")
        return
    cpu = (vm["spec"]["template"]["spec"].get("domain") or {}).get("cpu") or {}
    has = int(cpu.get("sockets") or 1)
    if has < least:
        text = f"insufficient CPU resources of {has} vCPU provided by VirtualMachine, preference"
        yield _unmet(f"{_CPU}.sockets", f"{text} requires {least} vCPU provided as sockets")


def _giver(kind: Any) -> str:
    return "instance type" if kind else "VirtualMachine"


def _unmet(where: str, text: str) -> Cause:
    return cause(where, f"failure checking preference requirements: {text}", "FieldValueNotFound")
