# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator, and the client ``cs``, which we did not write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from cs import CloudStack

import virtsim
from virtsim.cloudstack import auth

Connect = Callable[..., CloudStack]
Answer = tuple[int, dict[str, Any]]


def ask(sim: virtsim.SimServer, user: str = "", **params: Any) -> Answer:
    """Send one signed command as the root admin, or as `user_`; return status and envelope."""
    expires = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() + 600))
    form = {
        "apiKey": sim.credentials[f"{user}api_key"],
        "response": "json",
        "signatureVersion": "3",
        "expires": expires,
        **{name: str(value) for name, value in params.items()},
    }
    form["signature"] = auth.signature(form, sim.credentials[f"{user}secret_key"])
    answer = requests.post(f"{sim.url}/client/api", data=form, verify=str(sim.ca_file), timeout=10)
    body = answer.json()
    assert len(body) == 1
    return answer.status_code, next(iter(body.values()))


def refusal(sim: virtsim.SimServer, **params: Any) -> tuple[int, str]:
    """Return the code and the text with which a request is refused."""
    status, body = ask(sim, **params)
    assert status == body["errorcode"], body
    return status, body["errortext"]


def job(sim: virtsim.SimServer, user: str = "", **params: Any) -> dict[str, Any]:
    """Send an asynchronous command, which must be accepted; return its job at its end."""
    status, body = ask(sim, user=user, **params)
    assert status == 200, body
    _status, ended = ask(sim, user=user, command="queryAsyncJobResult", jobid=body["jobid"])
    return ended


def done(sim: virtsim.SimServer, **params: Any) -> dict[str, Any]:
    """Return the object that a job makes, which must succeed."""
    ended = job(sim, **params)
    assert ended["jobstatus"] == 1, ended
    made: dict[str, Any] = next(iter(ended["jobresult"].values()))
    return made


def failure(sim: virtsim.SimServer, **params: Any) -> tuple[int, str]:
    """Return the code and the text with which a job fails that was accepted."""
    ended = job(sim, **params)
    assert ended["jobstatus"] == 2, ended
    return ended["jobresult"]["errorcode"], ended["jobresult"]["errortext"]


def rows(sim: virtsim.SimServer, command: str, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    status, body = ask(sim, command=command, **params)
    assert status == 200, body
    found = [value for value in body.values() if isinstance(value, list)]
    return found[0] if found else []


def ident(sim: virtsim.SimServer, command: str, name: str, **params: Any) -> str:
    """Return the id of the first row of that name."""
    found = rows(sim, command, **params)
    return next(str(row["id"]) for row in found if row["name"] == name)


def machine(sim: virtsim.SimServer, name: str) -> str:
    """Return the id of an instance of the small seed."""
    return ident(sim, "listVirtualMachines", name)


def state(sim: virtsim.SimServer, name: str) -> str:
    """Return the state of an instance, without letting time pass."""
    return str(rows(sim, "listVirtualMachines", name=name)[0]["state"])


def deployment(sim: virtsim.SimServer, **changed: Any) -> dict[str, Any]:
    """Return the parameters of a deployment that succeeds, with changes."""
    templates = rows(sim, "listTemplates", templatefilter="all", name="debian-12")
    return {
        "command": "deployVirtualMachine",
        "name": "fresh",
        "zoneid": rows(sim, "listZones")[0]["id"],
        "templateid": templates[0]["id"],
        "serviceofferingid": ident(sim, "listServiceOfferings", "small"),
        "networkids": ident(sim, "listNetworks", "lab-net"),
        **changed,
    }


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
