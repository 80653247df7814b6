# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator, and the Python kubernetes client, which we did not write."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kubernetes import client

import virtsim

Connect = Callable[..., client.ApiClient]


@pytest.fixture(scope="module")
def running() -> Iterator[virtsim.SimServer]:
    with virtsim.start("kubevirt", seed="small") as server:
        yield server


@pytest.fixture
def sim(running: virtsim.SimServer) -> virtsim.SimServer:
    running.control.reset()
    return running


@pytest.fixture
def connect(sim: virtsim.SimServer) -> Connect:
    def make(token: str = "token") -> client.ApiClient:
        configuration = client.Configuration()
        configuration.host = sim.url
        configuration.ssl_ca_cert = str(sim.ca_file)
        configuration.api_key = {"authorization": f"Bearer {sim.credentials[token]}"}
        return client.ApiClient(configuration)

    return make
