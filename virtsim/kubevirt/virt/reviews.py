# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a webhook is asked about: one write, and the cluster that it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..kinds import Kind
from ..status import ApiError
from ..store import Object, Store
from .gates import Gates, gates_of


@dataclass(frozen=True)
class Review:
    """One write of one object; ``live`` is what is stored, None for a new object."""

    store: Store
    kind: Kind
    obj: Object
    live: Object | None = None

    @cached_property
    def gates(self) -> Gates:
        """The configuration of KubeVirt."""
        return gates_of(self.store)

    @property
    def place(self) -> str:
        """The namespace."""
        return str(self.obj["metadata"].get("namespace", ""))

    @property
    def spec(self) -> Object:
        """The spec; empty where there is none."""
        return self.obj.get("spec") or {}

    @property
    def old(self) -> Object:
        """The stored spec; empty for a new object."""
        return (self.live or {}).get("spec") or {}


def refused(webhook: str, text: str) -> ApiError:
    """Return the refusal of a webhook that names no causes."""
    return ApiError(400, f'admission webhook "{webhook}" denied the request: {text}', reason="")
