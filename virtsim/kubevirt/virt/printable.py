# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""printableStatus of a machine: the first that matches (vm.go of v1.9.0)."""

from __future__ import annotations

from ..store import Object
from . import conditions, names


def status(vm: Object, vmi: Object | None, trouble: str | None, unschedulable: object) -> str:
    """Return the word that people see."""
    phase = (vmi or {}).get("status", {}).get("phase", "") if vmi else ""
    crashed = phase == "Failed" and names.strategy_of(vm) in ("Always", "RerunOnFailure")
    words = (
        (vm["metadata"].get("deletionTimestamp"), "Terminating"),
        (vmi is not None and vmi["metadata"].get("deletionTimestamp"), "Stopping"),
        (vmi is not None and _migrating(vmi), "Migrating"),
        (vmi is not None and conditions.is_true(vmi, "Paused"), "Paused"),
        (phase == "Running", "Running"),
        (trouble, trouble),
        (unschedulable, "ErrorUnschedulable"),
        (phase in ("Pending", "Scheduling", "Scheduled"), "Starting"),
        (crashed, "CrashLoopBackOff"),
    )
    return next((str(word) for holds, word in words if holds), "Stopped")


def backs_off(vm: Object, stamp: str) -> bool:
    """Whether a failed guest waits before it is started again."""
    failure = (vm.get("status") or {}).get("startFailure") or {}
    wanted = names.strategy_of(vm) in ("Always", "RerunOnFailure")
    return wanted and str(failure.get("retryAfterTimestamp", "")) > stamp


def _migrating(vmi: Object) -> bool:
    state = vmi["status"].get("migrationState") or {}
    return bool(state) and not state.get("completed")
