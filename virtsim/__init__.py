# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stateful simulators of the platforms' APIs: real HTTP and TLS on loopback.

``with virtsim.start("proxmox", seed="small") as sim:`` gives a running server with ``url``,
``ca_file``, ``fingerprint``, ``credentials`` and ``control``.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from typing import Any

from .core.clock import Clock
from .core.server import Listen, SimServer
from .core.simulator import Simulator

__all__ = ["Listen", "SimServer", "Simulator", "UnknownPlatform", "create", "platforms", "start"]


class UnknownPlatform(ValueError):
    """No simulator has that name; the text lists those that exist."""


def platforms() -> list[str]:
    """Return the platforms that can be simulated."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if module.ispkg and module.name != "core"
    )


def create(platform: str, *, seed: str = "small", clock: Clock | None = None) -> Simulator:
    """Return the simulator of ``platform``, not served yet.

    ``platform`` is a name of ``platforms()``, or a dotted module of your own with ``create``.
    """
    known = platforms()
    if platform not in known and "." not in platform:
        near = difflib.get_close_matches(platform, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownPlatform(f"unknown platform {platform!r}.{hint} Known: {', '.join(known)}")
    module = importlib.import_module(platform if "." in platform else f"{__name__}.{platform}")
    simulator: Simulator = module.create(seed=seed, clock=clock)
    return simulator


def start(
    platform: str,
    *,
    seed: str = "small",
    clock: str = "jump",
    speed: float = 1.0,
    start_time: float | None = None,
    **server: Any,
) -> SimServer:
    """Start the simulator of ``platform``; a context manager that stops it.

    ``clock`` is ``jump`` (polling moves time to the next due event) or ``real`` (``speed`` times
    as fast as outside). ``start_time`` fixes the first virtual second, for golden files. The
    rest goes to ``Listen``: ``tls``, ``port``, ``latency``, ``certificate``, ``state_dir``.
    """
    simulator = create(platform, seed=seed, clock=Clock(clock, speed=speed, start=start_time))
    return SimServer(simulator, Listen(**server)).start()
