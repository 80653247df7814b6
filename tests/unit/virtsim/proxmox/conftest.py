# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running Proxmox simulators, sessions that open them, and the vendor's truth vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

import virtsim
from virtsim.proxmox.catalog import Catalog, load

ROOT = Path(__file__).parents[4]
VECTORS = ROOT.parent / "shared" / "vectors" / "proxmox"


class Api:
    """One caller of a simulator: sends, and reads the answer whole."""

    def __init__(self, server: virtsim.SimServer, **headers: str) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = server.ca_file or True
        self.session.headers.update(headers)

    def __call__(
        self, method: str, path: str, params: Any = None, **more: Any
    ) -> requests.Response:
        place = "data" if method in {"POST", "PUT"} else "params"
        url = f"{self.server.url}/api2/json{path}"
        return self.session.request(method, url, **{place: params, "timeout": 4, **more})

    def data(self, method: str, path: str, params: Any = None) -> Any:
        answer = self(method, path, params)
        assert answer.status_code == 200, (answer.status_code, answer.reason, answer.text)
        return answer.json()["data"]

    def wait(self, upid: str) -> str:
        path = f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status"
        for _ in range(20):
            row = self.data("GET", path)
            if row["status"] == "stopped":
                return str(row["exitstatus"])
        raise AssertionError(f"{upid} does not end")

    def run(self, method: str, path: str, params: Any = None) -> str:
        return self.wait(self.data(method, path, params))


@pytest.fixture
def server(proxmox_sim: Callable[..., virtsim.SimServer]) -> virtsim.SimServer:
    return proxmox_sim()


@pytest.fixture
def root(server: virtsim.SimServer) -> Api:
    return token_of(server, "")


@pytest.fixture
def caller(server: virtsim.SimServer) -> Callable[..., Api]:
    return lambda name="", **headers: (
        Api(server, **headers) if headers else token_of(server, f"{name}_" if name else "")
    )


def token_of(server: virtsim.SimServer, prefix: str) -> Api:
    known = server.credentials
    token = f"{known[f'{prefix}token_id']}={known[f'{prefix}token_secret']}"
    return Api(server, Authorization=f"PVEAPIToken={token}")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], list[dict[str, Any]]]:
    """Read a file of recorded vendor answers; they live beside the checkout."""

    def read(name: str) -> list[dict[str, Any]]:
        file = VECTORS / name
        if not file.exists():
            pytest.skip(f"NOT CHECKED: no vendor vectors at {file}")
        return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]

    return read
