# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live migrations of running instances."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..store import Object
from . import names

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_PHASES = (
    ("Pending", 0.2), ("Scheduling", 0.5), ("Scheduled", 1.0), ("PreparingTarget", 1.5),
    ("TargetReady", 2.0), ("Running", 2.5), ("Succeeded", 6.0),
)  # fmt: skip


class Migrations:
    """Moves guests from node to node."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Remember the simulator."""
        self._sim = sim

    def migrate(self, place: str, name: str) -> None:
        """Begin a new migration."""
        migration = self._sim.store.get(names.MIGRATION, place, name)
        if migration is None or (migration.get("status") or {}).get("phase"):
            return
        for phase, after in _PHASES:
            self._sim.clock.schedule(
                after, partial(self._enter, place, name, phase), name=f"migration {name}"
            )

    def _enter(self, place: str, name: str, phase: str) -> None:
        migration = self._sim.store.change(
            names.MIGRATION,
            place,
            name,
            lambda obj: obj.setdefault("status", {}).__setitem__("phase", phase),
        )
        if migration is None or phase not in ("Running", "Succeeded"):
            return
        guest = migration["spec"]["vmiName"]
        nodes = [each["metadata"]["name"] for each in self._sim.store.list("nodes")]

        def edit(obj: Object) -> None:
            source = obj["status"].get("nodeName")
            target = next((each for each in nodes if each != source), source)
            state = obj["status"].setdefault("migrationState", {})
            state |= {
                "migrationUid": migration["metadata"]["uid"],
                "completed": phase == "Succeeded",
            }
            if phase == "Running":
                state |= {"sourceNode": source, "targetNode": target}
            else:
                obj["status"]["nodeName"] = state.get("targetNode", target)

        self._sim.store.change(names.VMI, place, guest, edit)
        self._sim.controllers.machines.reconcile(place, guest)
