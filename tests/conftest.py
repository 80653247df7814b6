# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running simulators for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import virtsim
from tests.integration.platforms import ROWS, Row

# How quickly examples are made says something of the machine, and nothing of the code.
_BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _BUSY, derandomize=True)
settings.register_profile("other", _BUSY, print_blob=True)
# Each time the same examples, unless others are asked for: VIRTBRIDGE_EXAMPLES=other.
settings.load_profile(os.environ.get("VIRTBRIDGE_EXAMPLES", "same"))


@pytest.fixture
def proxmox_sim() -> Iterator[Callable[..., virtsim.SimServer]]:
    """Start Proxmox simulators: ``proxmox_sim(seed=…, clock=…, …)``, stopped after the test.

    Takes what ``virtsim.start`` takes; without arguments a small world whose clock jumps.
    """
    with ExitStack() as running:

        def start(**options: Any) -> virtsim.SimServer:
            return running.enter_context(virtsim.start("proxmox", **options))

        yield start


@pytest.fixture(params=ROWS, ids=lambda row: row.platform)
def row(request: pytest.FixtureRequest) -> Row:
    """Give each platform's VM module in turn, with what the tests of all platforms need of it."""
    found: Row = request.param
    return found


@pytest.fixture
def sim(row: Row) -> Iterator[virtsim.SimServer]:
    """Start a small simulator of the platform."""
    with virtsim.start(row.platform, seed="small") as running:
        yield running
