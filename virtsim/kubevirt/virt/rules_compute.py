# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on CPU and memory of a template. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..store import Object
from .quantities import quantity
from .rules import Cause, Scope, cause, number

_LEAST = 10**6
_ALIGNED = 2 << 20
_LEAST_FOR_HOTPLUG = 1 << 30
_POLICIES = ("", "force", "require", "optional", "disable", "forbid")
_TOO_MANY = "Number of sockets in CPU topology is greater than the maximum sockets allowed"


def resources(scope: Scope) -> Iterator[Cause]:
    """Check requests, limits and topology."""
    wanted = scope.domain.get("resources") or {}
    requests, limits = dict(wanted.get("requests") or {}), wanted.get("limits") or {}
    # The webhook judges requests that were filled in from the limits.
    if "cpu" in limits:
        requests.setdefault("cpu", limits["cpu"])
    path = scope.at("domain.resources")
    yield from _memory(requests, limits, path)
    yield from _pages(scope, requests, path)
    yield from _machine(scope)
    for kind, given in (("requests", requests), ("limits", limits)):
        if quantity(given.get("cpu")) < 0:
            yield _negative(f"{path}.{kind}.cpu", given["cpu"])
    if limits.get("cpu") and quantity(requests.get("cpu")) > quantity(limits["cpu"]) >= 0:
        here = f"{path}.requests.cpu"
        text = f"{here} '{requests['cpu']}' is greater than {path}.limits.cpu '{limits['cpu']}'"
        yield cause(here, text)
    yield from _pinned(scope, requests, limits, path)
    yield from _features(scope)
    yield from sockets(scope)
    yield from _realtime(scope)


def _negative(path: str, given: object) -> Cause:
    return cause(path, f"{path} '{given}': must be greater than or equal to 0.")


def _memory(requests: Object, limits: Object, path: str) -> Iterator[Cause]:
    asked = requests.get("memory")
    if asked is not None:
        here = f"{path}.requests.memory"
        if quantity(asked) < 0:
            yield _negative(here, asked)
        elif 0 < quantity(asked) < _LEAST:
            yield cause(here, f"{here} '{asked}': must be greater than or equal to 1M.")
    if quantity(limits.get("memory")) < 0:
        yield _negative(f"{path}.limits.memory", limits["memory"])
    elif limits.get("memory") and quantity(asked) > quantity(limits["memory"]):
        here = f"{path}.requests.memory"
        text = f"{here} '{asked}' is greater than {path}.limits.memory '{limits['memory']}'"
        yield cause(here, text)


def _pages(scope: Scope, requests: Object, path: str) -> Iterator[Cause]:
    memory = scope.domain.get("memory") or {}
    size = (memory.get("hugepages") or {}).get("pageSize")
    if not size:
        return
    asked = requests.get("memory", "0")
    most = quantity(memory.get("guest") or asked)
    here = f"{path}.requests.memory"
    page = f"page size {scope.at('domain.memory.hugepages.pageSize')} '{size}'"
    if most < quantity(size):
        yield cause(here, f"{here} '{asked}' must be equal to or larger than {page}")
    elif most % quantity(size):
        yield cause(here, f"{here} '{asked}' is not a multiple of the {page}")


def _machine(scope: Scope) -> Iterator[Cause]:
    kind = (scope.domain.get("machine") or {}).get("type") or ""
    arch = scope.spec.get("architecture") or "amd64"
    default = {"arm64": ["virt*"], "s390x": ["s390-ccw-virtio*"]}.get(arch, ["q35*", "pc-q35*"])
    known = scope.gates.setting(
        "architectureConfiguration", arch, "emulatedMachines", default=default
    )
    if kind and not any(kind.startswith(each.rstrip("*")) for each in known):
        path = scope.at("domain.machine.type")
        text = f"{path} is not supported: {kind} (allowed values: [{' '.join(known)}])"
        yield cause(path, text)


def _pinned(scope: Scope, requests: Object, limits: Object, path: str) -> Iterator[Cause]:
    cpu = scope.domain.get("cpu") or {}
    if not cpu.get("dedicatedCpuPlacement"):
        return
    for kind, given in (("requests", requests), ("limits", limits)):
        if quantity(given.get("cpu")) % 1:
            text = f"provided resources CPU {kind} must be an interger"  # codespell:ignore
            yield cause(f"{path}.{kind}.cpu", text)
    if limits.get("cpu") and quantity(requests.get("cpu")) != quantity(limits["cpu"]):
        text = f"{path}.requests.cpu or {path}.limits.cpu must be equal when DedicatedCPUPlacement"
        yield cause(scope.at("domain.cpu.dedicatedCpuPlacement"), f"{text} is true ")


def _features(scope: Scope) -> Iterator[Cause]:
    for row, each in enumerate((scope.domain.get("cpu") or {}).get("features") or ()):
        policy = each.get("policy") or ""
        if policy not in _POLICIES:
            path = scope.at(f"domain.cpu.features[{row}].policy")
            text = f"CPU feature {each.get('name')} uses policy {policy} that is not supported."
            yield cause(path, text, "FieldValueNotSupported")


def sockets(scope: Scope) -> Iterator[Cause]:
    """Check that there are no more sockets than the maximum."""
    cpu = scope.domain.get("cpu") or {}
    if cpu.get("maxSockets") and number(cpu.get("sockets")) > cpu["maxSockets"]:
        yield cause(scope.at("domain.cpu.sockets"), _TOO_MANY)


def _realtime(scope: Scope) -> Iterator[Cause]:
    cpu, path = scope.domain.get("cpu") or {}, scope.at("domain.cpu")
    if cpu.get("realtime") is None:
        return
    if not cpu.get("dedicatedCpuPlacement"):
        here = f"{path}.dedicatedCpuPlacement"
        text = f"{here} must be set to true when {path}.realtime is used"
        yield cause(here, text, "FieldValueRequired")
    if (cpu.get("numa") or {}).get("guestMappingPassthrough") is None:
        here = f"{path}.numa.guestMappingPassthrough"
        text = f"{here} must be defined when {path}.realtime is used"
        yield cause(here, text, "FieldValueRequired")


def growth(scope: Scope) -> Iterator[Cause]:
    """Check what a machine may later be given without a restart."""
    yield from sockets(scope)
    memory, path = scope.domain.get("memory") or {}, scope.at("domain.memory.guest")
    most, guest = memory.get("maxGuest"), memory.get("guest")
    if not most or not guest:
        return
    if quantity(guest) > quantity(most):
        yield cause(path, "Guest memory is greater than the configured maxGuest memory")
    elif quantity(guest) < _LEAST_FOR_HOTPLUG:
        text = "Memory hotplug is only available for VMs with at least 1Gi of guest memory"
        yield cause(path, text)
    elif quantity(most) % _ALIGNED:
        yield cause(path, "MaxGuest must be 2Mi aligned")
    elif quantity(guest) % _ALIGNED:
        yield cause(path, "Guest memory must be 2Mi aligned")
