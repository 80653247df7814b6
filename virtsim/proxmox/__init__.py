# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxmox VE, simulated: the whole catalog is routed and checked, the guests live."""

from __future__ import annotations

from ..core.clock import Clock
from . import (  # imported for the operations they register
    access_api,
    agent_api,
    cluster_api,
    config_api,
    guest_api,
    power_api,
    snapshot_api,
    storage_api,
    task_api,
)
from .simulator import ProxmoxSimulator

__all__ = [
    "ProxmoxSimulator",
    "access_api",
    "agent_api",
    "cluster_api",
    "config_api",
    "create",
    "guest_api",
    "power_api",
    "snapshot_api",
    "storage_api",
    "task_api",
]


def create(seed: str = "small", clock: Clock | None = None) -> ProxmoxSimulator:
    """Return a simulator with the named seed, not served yet."""
    return ProxmoxSimulator(seed=seed, clock=clock)
