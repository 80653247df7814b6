# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxmox_api: waits for the task, keeps secrets, says which release knows an operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plugins.module_utils.proxmox.resources.api import API
from plugins.plugin_utils.api import looked_up
from tests.contract.proxmox.adapter import Proxmox, start
from tests.contract.support.child import Result


@pytest.fixture(scope="module")
def session() -> Iterator[Proxmox]:
    with start() as world:
        yield world


@pytest.fixture
def world(session: Proxmox) -> Proxmox:
    session.reset()
    return session


def call(world: Proxmox, **arguments: Any) -> Result:
    options = {name: arguments.pop(name) for name in ("reveal", "wait") if name in arguments}
    return world.run(API, {**looked_up(API.name, arguments), **options})


def test_it_waits_for_the_task_that_a_call_starts(world: Proxmox) -> None:
    result = call(world, method="POST", path="/nodes/pve1/qemu/101/status/start")
    assert result.json["result"].startswith("UPID:pve1:")
    assert result.json["operations"][0]["id"] == result.json["result"]
    assert world.snapshot()["101"]["status"] == "running"


def test_secret_parameters_are_in_no_output(world: Proxmox) -> None:
    params = {"cipassword": "correct-horse-battery"}
    path = "/nodes/pve1/qemu/101/config"
    result = call(world, method="PUT", path=path, params=params)
    assert result.changed
    assert "correct-horse" not in result.stdout + result.stderr


def test_the_secrets_of_an_answer_are_masked_unless_revealed(world: Proxmox) -> None:
    path = "/nodes/pve1/qemu/101/config"
    call(world, method="PUT", path=path, params={"cipassword": "correct-horse-battery"})
    assert call(world, path=path).json["result"]["cipassword"] == "(secret)"
    # Proxmox VE itself shows only asterisks.
    assert set(call(world, path=path, reveal=True).json["result"]["cipassword"]) == {"*"}


def test_without_the_controllers_look_up_nothing_is_sent(world: Proxmox) -> None:
    world.forget()
    result = world.run(API, {"path": "/version"})
    assert result.kind == "validation"
    assert "virtbridge.core.proxmox_api" in result.json["msg"]
    assert world.requests() == []


def test_an_operation_that_the_server_lacks_names_its_release(world: Proxmox) -> None:
    arguments = looked_up(API.name, {"path": "/version"})
    arguments["operation"]["path"] = "/nosuch"
    result = world.run(API, arguments)
    assert result.kind == "unsupported"
    assert "since Proxmox VE" in result.json["msg"]
