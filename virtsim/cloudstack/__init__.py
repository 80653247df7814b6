# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apache CloudStack, simulated: the whole catalog is routed and checked, instances live."""

from __future__ import annotations

from ..core.clock import Clock
from . import (  # imported for the commands they register
    change_api,
    deploy_api,
    identity_api,
    infra_api,
    jobs,
    machine_api,
    network_api,
    power_api,
    snapshot_api,
    tag_api,
    volume_api,
)
from .simulator import CloudStackSimulator

__all__ = [
    "CloudStackSimulator",
    "change_api",
    "create",
    "deploy_api",
    "identity_api",
    "infra_api",
    "jobs",
    "machine_api",
    "network_api",
    "power_api",
    "snapshot_api",
    "tag_api",
    "volume_api",
]


def create(seed: str = "small", clock: Clock | None = None) -> CloudStackSimulator:
    """Return a simulator with the named seed, not served yet."""
    return CloudStackSimulator(seed=seed, clock=clock)
