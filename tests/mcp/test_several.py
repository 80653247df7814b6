# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several calls as one run: a row for each, none at the cost of another."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest
from mcp import Client

import virtsim
from tests.mcp.conftest import Bridge
from virtsim import SimServer

VERSION = "proxmox:GET /version"
CONFIG = "proxmox:PUT /nodes/{node}/qemu/{vmid}/config"
PLATFORMS = ("proxmox", "cloudstack", "kubevirt")


def rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["data"]["results"]
    return found


def read(operation: str, target: str = "lab", **args: Any) -> dict[str, Any]:
    return {"operation": operation, "target": target, "args": args}


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_reads_of_all_kinds_are_one_run(lab: tuple[Bridge, SimServer], mode: str) -> None:
    """Red when one outcome is recorded for each call: then there were as many runs."""
    bridge, _sim = lab
    calls = [read(VERSION), read("vm_info", limit=1), read("proxmox_vm_info", vmid=999)]

    async def talk(client: Client) -> dict[str, Any]:
        return await bridge.answer(client, "tool_read", calls=calls)

    body = bridge.session(talk, mode=mode)
    assert (body["ok"], body["status"]) == (True, "ok"), body
    assert [(row["operation"], row["target"], row["ok"]) for row in rows(body)] == [
        (VERSION, "lab", True), ("vm_info", "lab", True), ("proxmox_vm_info", "lab", True),
    ]  # fmt: skip
    assert rows(body)[0]["data"]["release"]
    assert len(rows(body)[1]["data"]["objects"]) == 1
    intents, outcomes = bridge.audit("intent"), bridge.audit("outcome")
    assert [row["operation"] for row in intents] == [call["operation"] for call in calls]
    assert {row["run_id"] for row in (*intents, *outcomes)} == {body["run_id"]}
    (outcome,) = outcomes
    assert outcome["parts"] == [{"changed": False, "error": None}] * 3


def test_a_dead_target_and_a_denied_one_cost_the_others_nothing(bridge: Bridge) -> None:
    """Red when a denied call ends the whole, or a failed one stops those after it."""
    with ExitStack() as running:
        for name, platform in zip(("lab", "cloud", "kube"), PLATFORMS, strict=True):
            bridge.add(name, running.enter_context(virtsim.start(platform, seed="small")))
        dead = running.enter_context(virtsim.start("proxmox", seed="small"))
        bridge.add("dead", dead, timeout=3)
        dead.control.fault("timeout", path="/api2", count=0)
        bridge.allow({"name": "no-cloud", "match": {"target": ["cloud"]}, "verdict": "deny"})
        names = ("dead", "lab", "cloud", "kube")
        calls = [read("vm_info", name, limit=2) for name in names]
        body = bridge.call("tool_read", calls=calls)
    assert body["error"]["code"] == "partial"
    assert "2 of 4 failed" in body["error"]["message"]
    assert [row["status"] for row in rows(body)] == ["failed", "ok", "denied", "ok"], body
    assert rows(body)[0]["error"]["code"] == "target_unreachable"
    assert rows(body)[2]["error"]["code"] == "denied_by_policy"
    assert [row["operation"] for row in bridge.audit("refused")] == ["vm_info"]
    assert [row["targets"] for row in bridge.audit("intent")] == [["dead"], ["lab"], ["kube"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "missing argument operation; missing argument target (or calls"),
        ({"calls": [read(VERSION)], "target": "lab"}, "give calls or target, not both"),
        ({"calls": []}, "at least 1"),
        ({"calls": [read(VERSION)] * 11}, "at most 10"),
        ({"calls": [read(VERSION), read(CONFIG, node="a", vmid=1)]}, "calls[1]: tool_read: prox"),
        ({"calls": [read(VERSION), read("proxmox:GET /versio")]}, "calls[1]: "),
        ({"calls": [read(VERSION, "lb")]}, "calls[0]: There is no target 'lb'"),
        ({"calls": [{**read(VERSION), "check": True}]}, 'unknown argument "calls[0].check"'),
    ],
)
def test_one_wrong_call_starts_no_run(
    lab: tuple[Bridge, SimServer], arguments: dict[str, Any], says: str
) -> None:
    """Red when a call that writes is left out of the run instead of ending it before."""
    body = lab[0].call("tool_read", **arguments)
    assert body["ok"] is False
    assert says in body["error"]["message"]
    assert lab[0].audit() == []


def test_rows_share_the_room_of_an_answer(lab: tuple[Bridge, SimServer]) -> None:
    """Red when rows are not cut: the answer then loses all of its data at once."""
    bridge, sim = lab
    sim.control.seed("1000")
    calls = [read("vm_info", limit=400), *[read(VERSION)] * 4, read("vm_info", limit=400)]
    body = bridge.call("tool_read", calls=calls)
    assert len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) <= 24 * 1024
    assert [row.get("truncated", False) for row in rows(body)] == [True, *[False] * 4, True]
    assert all(row["ok"] and row["data"] for row in rows(body))
    assert all(row["data"]["release"] for row in rows(body)[1:5])


def allowed(bridge: Bridge, sims: dict[str, SimServer]) -> None:
    for name, sim in sims.items():
        bridge.add(name, sim)
    bridge.allow({"name": "all", "match": {"target": sorted(sims)}, "verdict": "allow"})


@pytest.mark.timeout(300)
def test_machines_of_all_platforms_are_stopped_in_one_run(bridge: Bridge) -> None:
    with ExitStack() as running:
        sims = {
            name: running.enter_context(virtsim.start(name, seed="small")) for name in PLATFORMS
        }
        allowed(bridge, sims)

        async def talk(client: Client) -> list[dict[str, Any]]:
            found = await bridge.answer(client, "vm_list", state="running", fields=["target"])
            one_each = {row["target"]: row["ref"] for row in bridge.table(found)}
            call = {"refs": sorted(one_each.values()), "state": "stopped", "force": True}
            planned = await bridge.answer(client, "vm_power", **call, check=True)
            assert [sim.control.writes() for sim in sims.values()] == [[], [], []]
            return [
                planned,
                await bridge.answer(client, "vm_power", **call),
                await bridge.answer(client, "vm_power", **call),
            ]

        planned, done, again = bridge.session(talk)
    assert [body["status"] for body in (planned, done, again)] == [
        "planned",
        "changed",
        "unchanged",
    ]
    assert [row["diff"]["after"] for row in rows(planned)] == [{"state": "stopped"}] * 3
    assert [row["data"]["state"] for row in rows(done)] == ["stopped"] * 3
    assert {row["ref"].split("/")[0] for row in rows(done)} == set(PLATFORMS)
    assert [row["status"] for row in rows(again)] == ["unchanged"] * 3
    # The list and three calls: so many runs, and each machine judged by itself.
    assert len(bridge.audit("outcome")) == 4
    assert len(bridge.audit("intent")) == 1 + 3 * 3


def test_what_fails_is_told_and_the_rest_is_done(lab: tuple[Bridge, SimServer]) -> None:
    """Red when a row in which nothing changed makes the whole `unchanged`, or an error is lost."""
    bridge, sim = lab
    allowed(bridge, {"lab": sim})
    assert bridge.call("vm_update", ref="lab/-/100", tags=["shop"])["status"] == "changed"
    body = bridge.call("vm_update", refs=["lab/-/101", "lab/-/999", "lab/-/100"], tags=["shop"])
    assert (body["ok"], body["status"], body["error"]["code"]) == (False, "changed", "partial")
    assert [row["status"] for row in rows(body)] == ["changed", "failed", "unchanged"]
    assert rows(body)[1]["error"]["code"] == "not_found"
    assert rows(body)[1]["ref"] == "lab/-/999"
    outcome = bridge.audit("outcome")[-1]
    assert [part["error"] for part in outcome["parts"]] == [None, "not_found", None]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "missing argument ref (or refs"),
        ({"ref": "lab/-/100", "refs": ["lab/-/101"]}, "give refs or ref, not both"),
        ({"refs": ["lab/-/100", "lab/-/100"]}, "the same item twice"),
        ({"refs": ["lab/-/100", "lab/-/0100"]}, "one VM twice: lab/-/100 and lab/-/0100"),
        ({"refs": ["lab/-/100", "lab/-/x"]}, "ref is 'lab/-/x'"),
        ({"refs": ["lab/-/100", "lub/-/1"]}, "no target 'lub'"),
        ({"refs": []}, "at least 1"),
        ({"refs": [f"lab/-/{number}" for number in range(100, 151)]}, "at most 50"),
    ],
)
def test_wrong_refs_start_no_run(
    lab: tuple[Bridge, SimServer], arguments: dict[str, Any], says: str
) -> None:
    body = lab[0].call("vm_delete", **arguments, check=True)
    assert body["error"]["code"] in ("invalid_args", "unknown_target")
    assert says in body["error"]["message"], body
    assert lab[0].audit() == []


@pytest.mark.parametrize("verdict", ["deny", "approve"])
def test_one_denied_machine_keeps_all_as_they_are(bridge: Bridge, verdict: str) -> None:
    """Red when what is allowed runs although another was denied, or nobody can approve it."""
    with ExitStack() as running:
        sims = {
            name: running.enter_context(virtsim.start("proxmox", seed="small"))
            for name in ("lab", "prod")
        }
        for name, sim in sims.items():
            bridge.add(name, sim)
        bridge.allow({"name": "lab", "match": {"target": ["lab"]}, "verdict": "allow"})
        bridge.allow({"name": "prod", "match": {"target": ["prod"]}, "verdict": verdict})
        body = bridge.call("vm_delete", refs=["lab/-/101", "prod/-/101"], force=True)
        assert body["error"]["code"] == "denied_by_policy"
        assert "prod" in body["error"]["message"]
        assert [sim.control.writes() for sim in sims.values()] == [[], []]
    assert [row["targets"] for row in bridge.audit()] == [["prod"]]


def test_a_limit_counts_each_machine_once(lab: tuple[Bridge, SimServer]) -> None:
    """Red when each machine of a call is counted as all of them: two would use up four."""
    bridge, sim = lab
    allowed(bridge, {"lab": sim})
    bridge.config["policy"]["limits"] = {"objects_per_call": 2, "disruptive_per_hour": 3}
    refs = ["lab/-/100", "lab/-/101", "lab/-/102"]

    async def talk(client: Client) -> list[dict[str, Any]]:
        stop = {"state": "stopped"}
        return [
            await bridge.answer(client, "vm_power", refs=refs, **stop),
            await bridge.answer(client, "vm_power", refs=refs[:2], **stop),
            await bridge.answer(client, "vm_power", ref=refs[0], **stop),
            await bridge.answer(client, "vm_power", ref=refs[0], **stop),
        ]

    too_many, two, third, fourth = bridge.session(talk)
    assert "touches 3 objects" in too_many["error"]["message"]
    assert rows(two)[0]["ref"] == refs[0]
    assert third["status"] != "denied"
    assert fourth["status"] == "denied"
    assert "3 of 3" in fourth["error"]["message"]
