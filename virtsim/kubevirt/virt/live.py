# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running guest takes over from its machine, and what waits for a restart (v1.9.0).

Sockets and memory grow in place, placement is handed on; everything else in the template waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import Object, copied
from . import conditions, instancetypes, names
from .quantities import quantity

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_MESSAGE = "a non-live-updatable field was changed in the template spec"
_RATIO = 4
_PLACEMENT = ("nodeSelector", "affinity", "tolerations")


def update(sim: KubeVirtSimulator, vm: Object, vmi: Object) -> None:
    """Hand live changes to the guest, or say that a restart is needed."""
    wanted = instancetypes.sized(sim.store, vm)
    place, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
    running = _comparable(vmi["spec"])
    target = _comparable(wanted)
    stamp = sim.store.stamp()
    if running == target:
        if conditions.is_true(vm, "RestartRequired"):
            sim.store.change(
                names.VM, place, name, lambda obj: conditions.drop(obj, "RestartRequired")
            )
        return
    rest = _without_live(target, running)
    if rest != _without_live(running, running) or not _grows(target, running):
        sim.store.change(
            names.VM,
            place,
            name,
            lambda obj: conditions.put(obj, "RestartRequired", "True", stamp, "", _MESSAGE),
        )
        return
    if conditions.is_true(vm, "RestartRequired"):
        return

    def edit(obj: Object) -> None:
        for part in _PLACEMENT:
            if part in wanted:
                obj["spec"][part] = wanted[part]
            else:
                obj["spec"].pop(part, None)
        for part in ("cpu", "memory"):
            if part in wanted["domain"]:
                obj["spec"]["domain"][part] = wanted["domain"][part]

    sim.store.change(names.VMI, place, name, edit)


def _comparable(spec: Any) -> Any:
    """Return what can differ: without what only the start or the stop decides."""
    kept = copied(spec)
    for name in ("startStrategy", "terminationGracePeriodSeconds"):
        kept.pop(name, None)
    return kept


def _without_live(spec: Any, running: Any) -> Any:
    kept = copied(spec)
    for name in _PLACEMENT:
        kept.pop(name, None)
    domain = kept["domain"]
    cpu = dict(domain.get("cpu") or {})
    cpu.pop("sockets", None)
    domain["cpu"] = cpu
    memory = dict(domain.get("memory") or {})
    memory.pop("guest", None)
    domain["memory"] = memory
    del running
    return kept


def _grows(target: Any, running: Any) -> bool:
    """Whether sockets and memory only grow, within their limits."""
    cpus = [(each["domain"].get("cpu") or {}) for each in (target, running)]
    new, old = int(cpus[0].get("sockets") or 1), int(cpus[1].get("sockets") or 1)
    if new < old or new > int(cpus[0].get("maxSockets") or old * _RATIO):
        return False
    memories = [
        (each["domain"].get("memory") or {}).get("guest", "0") for each in (target, running)
    ]
    bytes_new, bytes_old = (quantity(each) for each in memories)
    most = (target["domain"].get("memory") or {}).get("maxGuest")
    limit = quantity(most) if most else bytes_old * _RATIO
    return bytes_old <= bytes_new <= limit
