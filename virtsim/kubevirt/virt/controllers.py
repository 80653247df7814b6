# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens after a write: each controller looks at what changed, a moment later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store import Object
from . import conditions, names
from .guests import Guests
from .machines import Machines
from .migrations import Migrations
from .snapshots import Snapshots
from .volumes import Volumes

if TYPE_CHECKING:
    from ..simulator import KubeVirtSimulator

_TYPES = frozenset({*names.INSTANCETYPES.values(), *names.PREFERENCES.values()})
SOON = 0.1


class Controllers:
    """Routes changes to the controllers of KubeVirt and CDI."""

    def __init__(self, sim: KubeVirtSimulator) -> None:
        """Make one controller for each kind."""
        self._sim = sim
        self.guests = Guests(sim)
        self.machines = Machines(sim)
        self.volumes = Volumes(sim)
        self.snapshots = Snapshots(sim)
        self.migrations = Migrations(sim)

    def changed(self, key: str, obj: Object) -> None:
        """Let the controller of a kind look at an object soon."""
        place, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        work = {
            names.VM: self.machines.reconcile,
            names.DATA_VOLUME: self.volumes.reconcile,
            names.SNAPSHOT: self.snapshots.take,
            names.RESTORE: self.snapshots.restore,
            names.MIGRATION: self.migrations.migrate,
        }.get(key)
        if key in _TYPES:
            for vm in list(self._sim.store.list(names.VM)):
                if conditions.is_true(vm, "Failure"):
                    self.changed(names.VM, vm)
        if work is not None:
            self._sim.clock.schedule(SOON, lambda: work(place, name), name=f"{key} {place}/{name}")

    def delete(self, key: str, live: Object, *, orphan: bool, grace: int | None) -> None:
        """Delete an object as its kind asks for: guests shut down first, owned objects go too."""
        place, name = live["metadata"].get("namespace", ""), live["metadata"]["name"]
        if key == names.VMI:
            self.guests.stop(place, name, grace)
            return
        if key == names.VM:
            self.machines.delete(place, name, orphan=orphan)
            return
        if live["metadata"].get("finalizers"):
            stamp = self._sim.store.stamp()
            self._sim.store.change(
                key,
                place,
                name,
                lambda obj: obj["metadata"].setdefault("deletionTimestamp", stamp),
            )
            return
        self.remove(key, live)

    def remove(self, key: str, obj: Object) -> None:
        """Take an object away, and what it owns."""
        metadata = obj["metadata"]
        self._sim.store.remove(key, metadata.get("namespace", ""), metadata["name"])
        self.collect(metadata["uid"])
        if key == names.SNAPSHOT:
            self.snapshots.forget(obj)

    def collect(self, uid: str) -> None:
        """Remove every object that is owned by what is gone (garbage collection)."""
        for key in tuple(self._sim.state.tables):
            for each in list(self._sim.store.list(key)):
                owners = each["metadata"].get("ownerReferences") or ()
                if any(owner.get("uid") == uid for owner in owners):
                    self.remove(key, each)

    def guest(self, vmi: Object, action: str) -> None:
        """Do what a subresource asks of a running guest."""
        self.guests.act(vmi, action)
