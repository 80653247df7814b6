# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator, the Python kubernetes client, which we did not write, and plain HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from kubernetes import client

import virtsim

Connect = Callable[..., client.ApiClient]
Call = Callable[..., requests.Response]


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


@pytest.fixture
def call(sim: virtsim.SimServer) -> Call:
    """Send one request with exactly these headers and this body; a patch names its form."""

    def send(method: str, path: str, body: Any = None, form: str = "json", **query: str) -> Any:
        kinds = {"apply": "apply-patch+yaml", "json": "json", "ops": "json-patch+json"}
        content = kinds.get(form, f"{form}-patch+json")
        accept = query.pop("accept", "application/json")
        return requests.request(
            method,
            sim.url + path,
            json=body,
            params=query,
            headers={
                "authorization": f"Bearer {sim.credentials['token']}",
                "content-type": f"application/{content}",
                "accept": accept,
            },
            verify=str(sim.ca_file),
            timeout=10,
        )

    return send
