# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator, and the client ``cs``, which we did not write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cs import CloudStack

import virtsim

Connect = Callable[..., CloudStack]


@pytest.fixture(scope="module")
def running() -> Iterator[virtsim.SimServer]:
    with virtsim.start("cloudstack", seed="small") as server:
        yield server


@pytest.fixture
def sim(running: virtsim.SimServer) -> virtsim.SimServer:
    running.control.reset()
    return running


@pytest.fixture
def connect(sim: virtsim.SimServer) -> Connect:
    def make(user: str = "", **options: Any) -> CloudStack:
        return CloudStack(
            endpoint=f"{sim.url}/client/api",
            # cs leaves ~ bare only in parameters; in a key it does no harm.
            key=sim.credentials[f"{user}api_key"],
            secret=options.pop("secret", sim.credentials[f"{user}secret_key"]),
            verify=str(sim.ca_file),
            **{"method": "post", "poll_interval": 0.01, **options},
        )

    return make
