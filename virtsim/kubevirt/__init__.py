# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt, simulated: a kube-apiserver, the rules of virt-api, the controllers behind it."""

from __future__ import annotations

from ..core.clock import Clock
from .simulator import KubeVirtSimulator

__all__ = ["KubeVirtSimulator", "create"]


def create(seed: str = "small", clock: Clock | None = None) -> KubeVirtSimulator:
    """Return a simulator with the named seed, not served yet."""
    return KubeVirtSimulator(seed=seed, clock=clock)
