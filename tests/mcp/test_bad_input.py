# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client can get wrong, on each platform: its code, the nearest right word, and no run."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

import virtsim
from tests.mcp.conftest import Bridge

PLATFORMS = ("cloudstack", "kubevirt", "proxmox")
Wrong = tuple[str, dict[str, Any], str, str]
EVERYWHERE: tuple[Wrong, ...] = (
    ("vm_create", {"target": "lab", "name": "web", "cpu": 2}, "invalid_args", "did you mean cpus"),
    ("vm_create", {"target": "lab", "name": "web", "cpus": "two"}, "invalid_args", "integer"),
    ("vm_create", {"target": "lab"}, "invalid_args", "missing argument name"),
    ("vm_create", {"target": "lb", "name": "web"}, "unknown_target", "did you mean lab"),
    ("vm_create", {"target": "lab", "name": "no_such.Name-"}, "invalid_args", "must match"),
    ("vm_power", {"ref": "lab/web", "state": "started"}, "invalid_args", "TARGET/NAMESPACE/ID"),
    ("vm_power", {"ref": "lab/-/-/1", "state": "started"}, "invalid_args", "TARGET/NAMESPACE/ID"),
    ("vm_power", {"ref": "lb/-/1", "state": "started"}, "unknown_target", "did you mean lab"),
    ("vm_list", {"targets": ["lab", "lub"]}, "unknown_target", "did you mean lab"),
    ("tool_read", {"operation": "vm_inf", "target": "lab"}, "invalid_args", "did you mean vm_info"),
)
OF_ONE: dict[str, tuple[Wrong, ...]] = {
    "cloudstack": (
        ("vm_get", {"ref": "lab/-/101"}, "invalid_args", "lab/-/6f3d1b9e"),
        ("vm_create", {"target": "lab", "name": "web", "storage": "a"}, "unsupported", "storage"),
        (
            "vm_power",
            {"ref": "lab/-/6f3d1b9e-5c0a-4a8e-9b57-2f7c1d0e4a11", "state": "paused"},
            "unsupported",
            "started",
        ),
    ),
    "kubevirt": (
        ("vm_create", {"target": "lab", "name": "web", "place": "a"}, "unsupported", "place"),
        (
            "vm_snapshot",
            {"ref": "lab/default/web1", "snapshot": "s", "memory": True},
            "unsupported",
            "memory",
        ),
    ),
    "proxmox": (
        ("vm_get", {"ref": "lab/default/web1"}, "invalid_args", "lab/-/100"),
        ("vm_create", {"target": "lab", "name": "web", "size": "m"}, "unsupported", "size"),
    ),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_can_be_known_before_starts_no_run(bridge: Bridge, platform: str) -> None:
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)

        async def talk(client: Client) -> None:
            for tool, arguments, code, says in (*EVERYWHERE, *OF_ONE[platform]):
                body = await bridge.answer(client, tool, **arguments)
                where = (tool, arguments, body)
                assert body["error"]["code"] == code, where
                assert says in body["error"]["message"], where
                assert body["error"]["next"], where
                assert "run_id" not in body, where

        bridge.session(talk)
        assert bridge.audit() == []
        assert sim.control.journal() == []


TWINS = {"cloudstack": {"size": "small", "networks": ["lab-net"]}, "proxmox": {}}


@pytest.mark.parametrize("platform", sorted(TWINS))
def test_a_name_that_two_have_is_ambiguous(bridge: Bridge, platform: str) -> None:
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        body = bridge.call("vm_create", target="lab", name="app", **TWINS[platform])
        assert body["error"]["code"] == "ambiguous_ref", body
        assert sim.control.writes() == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_credential_that_no_longer_holds_is_said(bridge: Bridge, platform: str) -> None:
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        for secret in bridge.folder.glob("lab.*"):
            secret.write_text(_spoiled(secret.read_text()))
        body = bridge.call("vm_list")
        assert body["error"]["code"] == "auth_failed", body
        assert body["error"]["retryable"] is False
        assert "operator" in body["error"]["next"]


def _spoiled(secret: str) -> str:
    return secret[:-4] + ("AAAA" if not secret.endswith("AAAA") else "BBBB")
