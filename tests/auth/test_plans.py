# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan over HTTP is its requester's, and applying it needs the scope to do so."""

from __future__ import annotations

from collections.abc import Callable

from tests.auth.conftest import Guarded, Idp
from tests.mcp.conftest import Bridge
from virtsim import SimServer

START = {"ref": "lab/-/101", "state": "started"}


def test_a_plan_is_nothing_to_another_caller(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer], guarded: Callable[..., Guarded]
) -> None:
    """Red when plans are kept without whose they are, or a plan is applied with `vb:plan`."""
    sim = proxmox_sim()
    bridge.add("lab", sim)
    server = guarded(bridge, idp)
    planner, alice, bob = (
        server.session(idp.token(scope, who))
        for scope, who in (("vb:plan", "alice"), ("vb:apply", "alice"), ("vb:apply", "bob"))
    )
    plan = planner.call("vm_power", **START, check=True)["data"]["plan"]["id"]
    assert bob.call("plan_apply", plan_id=plan)["error"]["code"] == "not_found"
    refused = planner.send("tools/call", name="plan_apply", arguments={"plan_id": plan})
    assert (refused.status_code, "vb:apply" in refused.headers["www-authenticate"]) == (403, True)
    assert sim.control.writes() == []
    assert alice.call("plan_apply", plan_id=plan)["status"] == "changed"
    assert alice.call("plan_apply", plan_id=plan)["error"]["code"] == "plan_used"
    assert len(sim.control.writes()) == 1
