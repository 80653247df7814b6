# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running toy simulator, and a session that trusts it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from virtsim.core.clock import Clock
from virtsim.core.server import Listen, SimServer

TOY_FILE = Path(__file__).parent / "platforms" / "sim_platforms" / "toy.py"
Serve = Callable[..., SimServer]
Connect = Callable[[SimServer], requests.Session]


class Session(requests.Session):
    """A session that resolves paths against the simulator and never waits long."""

    def __init__(self, server: SimServer) -> None:
        super().__init__()
        self.base = server.url
        self.trust_env = False
        self.verify = server.ca_file or True

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 3)
        return super().request(method, self.base + url, *args, **kwargs)


@pytest.fixture(scope="session")
def toy() -> Any:
    """Load the module of the toy platform; by file, so that every import mode finds it."""
    spec = importlib.util.spec_from_file_location("virtsim_toy", TOY_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def serve(toy: Any) -> Iterator[Serve]:
    """Start toy simulators: ``serve(clock=Clock(…), seed=…, **listen)``."""
    with ExitStack() as running:

        def start(*, clock: Clock | None = None, seed: str = "small", **listen: Any) -> SimServer:
            simulator = toy.create(seed=seed, clock=clock)
            return running.enter_context(SimServer(simulator, Listen(**listen)))

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open sessions to simulators."""
    with ExitStack() as opened:
        yield lambda server: opened.enter_context(Session(server))


@pytest.fixture
def sim(serve: Serve) -> SimServer:
    return serve()


@pytest.fixture
def session(sim: SimServer, connect: Connect) -> requests.Session:
    return connect(sim)
