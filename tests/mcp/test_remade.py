# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that was deleted and made anew under its id between plan and apply is another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

import virtsim
from tests.mcp.conftest import Bridge, until
from tests.mcp.inside import Inside, inside
from tests.mcp.test_plans import LET
from tests.mcp.test_writes import NEW
from virtsim import SimServer

Api = Callable[..., Any]
VMS = "/apis/kubevirt.io/v1/namespaces/apps/virtualmachines"


def _api(sim: SimServer) -> Api:
    """Return what sends a request to a simulator as its administrator, past the bridge."""
    known = sim.credentials
    login = f"Bearer {known['token']}" if "token" in known else (
        f"PVEAPIToken={known['token_id']}={known['token_secret']}"
    )  # fmt: skip

    def send(method: str, path: str, **body: Any) -> Any:
        answer = requests.request(
            method, sim.url + path, headers={"Authorization": login}, verify=str(sim.ca_file),
            timeout=30, **body,
        )  # fmt: skip
        assert answer.status_code < 300, answer.text
        return answer.json()

    return send


def _on_proxmox(api: Api) -> str:
    node = "/api2/json/nodes/pve1"

    def done(task: str) -> None:
        until(lambda: api("GET", f"{node}/tasks/{task}/status")["data"]["status"] == "stopped")

    if any(row["vmid"] == 777 for row in api("GET", f"{node}/qemu")["data"]):
        done(api("DELETE", f"{node}/qemu/777")["data"])
    made = {"vmid": 777, "name": "again", "memory": 512, "cores": 1}
    done(api("POST", f"{node}/qemu", json=made)["data"])
    return "lab/-/777"


def _on_kubevirt(api: Api) -> str:
    if any(row["metadata"]["name"] == "again" for row in api("GET", VMS)["items"]):
        api("DELETE", f"{VMS}/again")
        until(lambda: all(r["metadata"]["name"] != "again" for r in api("GET", VMS)["items"]))
    domain = {"cpu": {"cores": 1}, "memory": {"guest": "512Mi"}, "devices": {}}
    vm = {
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "again"},
        "spec": {"runStrategy": "Halted", "template": {"spec": {"domain": domain}}},
    }  # fmt: skip
    api("POST", VMS, json=vm)
    return "lab/apps/again"


PLACES = {"proxmox": _on_proxmox, "kubevirt": _on_kubevirt}
CALLS: dict[str, dict[str, Any]] = {
    "vm_delete": {},
    "vm_power": {"state": "started"},
    "vm_update": {"cpus": 2},
}


def _planned(one: Inside, tool: str, **arguments: Any) -> str:
    body = one.answer(tool, **arguments, check=True)
    assert body["status"] == "planned", body
    return str(body["data"]["plan"]["id"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", sorted(PLACES))
def test_a_plan_is_for_the_machine_that_it_saw_and_no_other(bridge: Bridge, platform: str) -> None:
    """Red when what a preview saw has nothing that another machine of that id has otherwise."""
    with virtsim.start(platform, seed="small") as sim, inside(_lab(bridge, sim)) as one:
        ref = PLACES[platform](_api(sim))
        plans = [_planned(one, tool, ref=ref, **more) for tool, more in CALLS.items()]
        seen = one.answer("vm_get", ref=ref)["data"]
        PLACES[platform](_api(sim))
        assert one.answer("vm_get", ref=ref)["data"] == seen, "the same to whoever looks"
        sim.control.clear_journal()
        for plan in plans:
            error = one.answer("plan_apply", plan_id=plan)["error"]
            assert (error["code"], "the object changed" in error["message"]) == (
                "plan_stale", True,
            ), error  # fmt: skip
        assert sim.control.writes() == []
        # What is as it was is applied.
        again = _planned(one, "vm_delete", ref=ref)
        assert one.answer("plan_apply", plan_id=again)["status"] == "changed"


@pytest.mark.timeout(300)
def test_on_cloudstack_a_machine_made_anew_has_another_id(bridge: Bridge) -> None:
    with virtsim.start("cloudstack", seed="small") as sim, inside(_lab(bridge, sim)) as one:
        made = {"target": "lab", "name": "again", **NEW["cloudstack"]}
        ref = one.answer("vm_create", **made)["data"]["ref"]
        plan = _planned(one, "vm_delete", ref=ref, force=True)
        gone = {"id": ref.rpartition("/")[2], "expunge": True}
        operation = "cloudstack:destroyVirtualMachine"
        done = one.answer("tool_call", operation=operation, target="lab", args=gone)
        assert done["ok"], done
        assert one.answer("vm_create", **made)["data"]["ref"] != ref
        sim.control.clear_journal()
        assert one.answer("plan_apply", plan_id=plan)["error"]["code"] == "plan_stale"
        assert sim.control.writes() == []


def _lab(bridge: Bridge, sim: SimServer) -> Bridge:
    bridge.add("lab", sim)
    bridge.allow(LET)
    return bridge
