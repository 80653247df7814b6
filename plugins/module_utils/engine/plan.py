# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The pure result of comparing desired with actual: what would change, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("none", "create", "update", "replace", "delete")


@dataclass(frozen=True)
class Change:
    """One field that changes.

    ``path`` names it as the user would: ``memory``, ``disks[scsi0].size``. ``before`` or
    ``after`` is None where the field is absent. ``secret`` hides both values in the diff.
    """

    path: str
    before: Any
    after: Any
    secret: bool = False
    restart: bool = False
    offline: bool = False


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    ``after`` is what to create: every value the user gave (for an update: of the fields that
    change, merged with what is kept). ``power`` is the state to reach afterwards, None to leave
    it alone. ``restart`` stops and starts a running guest so that a change takes effect;
    ``stop_first`` stops it before the change, because the platform makes it only then.
    """

    action: str = "none"
    changes: tuple[Change, ...] = ()
    power: str | None = None
    restart: bool = False
    stop_first: bool = False
    after: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether executing this plan would write anything."""
        return self.action != "none" or self.power is not None or self.restart
