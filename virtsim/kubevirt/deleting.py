# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""DELETE of one object: preconditions, dry run, and what is left when finalizers hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.http import Response
from .bodies import as_json, body_of, shown
from .status import conflict

if TYPE_CHECKING:
    from .rest import Context


def delete(context: Context) -> Response:
    """Delete an object as its controllers let it go."""
    live, target = context.live(), context.target
    options = body_of(context.request) if context.request.body else {}
    wanted = options.get("preconditions") or {}
    for name in ("uid", "resourceVersion"):
        if wanted.get(name) not in (None, live["metadata"].get(name)):
            why = f"Precondition failed: {name.upper()} in precondition: {wanted[name]}"
            raise conflict(*target.gone, why=why)
    if not context.dry_run and "All" not in (options.get("dryRun") or ()):
        orphan = options.get("propagationPolicy") == "Orphan"
        grace = options.get("gracePeriodSeconds")
        context.sim.controllers.delete(target.kind.key, live, orphan=orphan, grace=grace)
    left = context.store.get(target.kind.key, target.namespace, target.name)
    if left is not None:
        return shown(context, left)
    kind = target.kind
    details = {"name": target.name, "group": kind.group, "kind": kind.resource}
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return as_json({**head, "details": {**details, "uid": live["metadata"]["uid"]}})
