# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhooks of KubeVirt: what a write gets added, and why it is refused (virt-api v1.9.0).

Between the two, the API server checks what came out against the schema; ``rest`` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..kinds import Catalog, Kind
from ..status import denied
from ..store import Object, Store
from . import kind_rules, machine_rules, mutating, names, object_rules
from .reviews import Review
from .rules import Cause

Check = Callable[[Review], Iterator[Cause]]
_SNAPSHOTS, _TYPES = "snapshot.kubevirt.io", "instancetype.kubevirt.io"
_BACKUPS = "backup.kubevirt.io"
# The webhook of each table, and what it refuses.
_CHECKS: Mapping[str, tuple[str, Check]] = {
    names.SNAPSHOT: (f"virtualmachinesnapshot-validator.{_SNAPSHOTS}", object_rules.snapshot),
    names.RESTORE: (f"virtualmachinerestore-validator.{_SNAPSHOTS}", object_rules.restore),
    "virtualmachineexports.export.kubevirt.io": (
        "virtualmachineexport-validator.export.kubevirt.io",
        object_rules.export,
    ),
    names.CLONE: ("vm-clone-validator.kubevirt.io", kind_rules.clone),
    "virtualmachinepools.pool.kubevirt.io": (
        "virtualmachinepool-validator.kubevirt.io",
        kind_rules.pool,
    ),
    "virtualmachineinstancereplicasets.kubevirt.io": (
        "virtualmachinereplicaset-validator.kubevirt.io",
        kind_rules.replica_set,
    ),
    "virtualmachineinstancepresets.kubevirt.io": (
        "virtualmachinepreset-validator.kubevirt.io",
        kind_rules.preset,
    ),
    "migrationpolicies.migrations.kubevirt.io": (
        "migration-policy-validator.kubevirt.io",
        kind_rules.policy,
    ),
    **{
        f"{kind}s.{_TYPES}": (f"{kind}-validator.{_TYPES}", check)
        for kind, check in (
            ("virtualmachineinstancetype", kind_rules.instance_type),
            ("virtualmachineclusterinstancetype", kind_rules.instance_type),
            ("virtualmachinepreference", kind_rules.preference),
            ("virtualmachineclusterpreference", kind_rules.preference),
        )
    },
    **{
        f"{kind}s.{_BACKUPS}": (hook, kind_rules.backup(hook))
        for kind in ("virtualmachinebackup", "virtualmachinebackuptracker")
        for hook in (f"{kind}-validator.{_BACKUPS}",)
    },
}


class Admission:
    """Mutates and validates writes of KubeVirt's own kinds."""

    def __init__(self, catalog: Catalog, store: Callable[[], Store]) -> None:
        """Remember the types, and how to reach the objects of the cluster."""
        self._catalog = catalog
        self._store = store

    def mutate(self, kind: Kind, obj: Object, live: Object | None) -> None:
        """Change `obj` as the mutating webhook does; ApiError when it cannot be read."""
        if kind.key == names.VM:
            mutating.mutate(self._review(kind, obj, live), self._catalog)
        elif kind.key == names.CLONE and live is None:
            mutating.aim(obj)

    def validate(self, kind: Kind, obj: Object, live: Object | None, sub: str = "") -> list[str]:
        """Return what is warned of; ApiError when the validating webhook denies the write."""
        review = self._review(kind, obj, live)
        if sub:
            if kind.key == names.VM and sub == "status":
                machine_rules.validate_status(review)
            return []
        if kind.key == names.VM:
            return machine_rules.validate(review)
        hook, check = _check_of(review)
        causes = list(check(review)) if check else []
        if causes:
            raise denied(hook, causes)
        return kind_rules.old_topology(review) if check is kind_rules.preference else []

    def _review(self, kind: Kind, obj: Object, live: Object | None) -> Review:
        return Review(self._store(), kind, obj, live)


def _check_of(review: Review) -> tuple[str, Check | None]:
    """Return the webhook of a write; two kinds have one for new objects and one for old ones."""
    new = review.live is None
    if review.kind.key == names.VMI:
        verb = "create" if new else "update"
        return f"virtualmachineinstances-{verb}-validator.kubevirt.io", object_rules.instance
    if review.kind.key == names.MIGRATION:
        update = "migration-update-validator.kubevirt.io"
        return (object_rules.MIGRATION_WEBHOOK if new else update), object_rules.migration
    return _CHECKS.get(review.kind.key, ("", None))
