# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans against real simulators: previewed without a write, applied once or not at all."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import anyio
import pytest
from mcp import Client

import virtsim
from mcp_bridge import plan_store
from tests.mcp.conftest import Bridge, Http, until
from tests.mcp.inside import inside
from tests.mcp.test_writes import CHANGED, NEW
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
LET = {"name": "lab", "match": {"target": ["lab"]}, "verdict": "allow"}
STOP = {"ref": "lab/-/100", "state": "stopped"}
STUCK = {"path": "/api2/json/(nodes|cluster)", "count": 0}


@pytest.fixture
def free(lab: Lab) -> Lab:
    """Return a bridge whose policy allows everything on its target."""
    lab[0].allow(LET)
    return lab


def database(bridge: Bridge) -> sqlite3.Connection:
    return sqlite3.connect(bridge.folder.parent / "state/virtbridge/state.db", timeout=40)


def stored(bridge: Bridge, plan_id: str, column: str) -> Any:
    connection = database(bridge)
    query = f"SELECT {column} FROM plans WHERE id = ?"
    found = connection.execute(query, (plan_id,)).fetchone()
    connection.close()
    return found[0]


def applied_runs(bridge: Bridge) -> list[dict[str, Any]]:
    return [row for row in bridge.audit("intent") if not row["check"]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", sorted(NEW))
def test_each_tool_that_writes_plans_without_a_write_and_applies_what_it_showed(
    bridge: Bridge, platform: str
) -> None:
    """Red when a preview makes no plan, or applying it does something else."""
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        bridge.allow(LET)

        async def talk(client: Client) -> None:
            made = {"target": "lab", "name": "fresh", **NEW[platform]}
            ref = await both(client, "vm_create", **made)
            await both(client, "vm_update", ref=ref, **CHANGED[platform])
            await both(client, "vm_snapshot", ref=ref, snapshot="before")
            await both(client, "vm_power", ref=ref, state="stopped", force=True)
            await both(client, "vm_delete", ref=ref)

        async def both(client: Client, tool: str, **arguments: Any) -> Any:
            sim.control.clear_journal()
            planned = await bridge.answer(client, tool, **arguments, check=True)
            plan = planned["data"]["plan"]
            assert sim.control.writes() == [], tool
            assert set(plan) == {"id", "digest", "risk", "verdict", "expires", "next"}
            done = await bridge.answer(client, "plan_apply", plan_id=plan["id"])
            assert (done["status"], done["diff"]) == ("changed", planned["diff"]), done
            assert done["data"]["plan"] == {"id": plan["id"], "state": "applied"}
            assert sim.control.writes() != []
            assert stored(bridge, plan["id"], "sealed") is None
            return done["data"].get("ref")

        bridge.session(talk)
    events = [row["event"] for row in bridge.audit()]
    assert events == ["intent", "outcome", "planned", *["intent", "outcome"] * 2, "applied"] * 5
    # One plan, one digest, one run: the audit joins them.
    planned, applied = bridge.audit("planned")[0], bridge.audit("applied")[0]
    assert planned["plan_id"] == applied["plan_id"] == applied_runs(bridge)[0]["plan_id"]
    assert applied["run_id"] == applied_runs(bridge)[0]["run_id"]


def test_a_vendor_operation_is_planned_and_applied_too(free: Lab) -> None:
    bridge, sim = free
    operation = {
        "operation": "proxmox:POST /nodes/{node}/qemu/{vmid}/status/stop",
        "target": "lab", "args": {"node": "pve1", "vmid": 100},
    }  # fmt: skip

    async def talk(client: Client) -> dict[str, Any]:
        planned = await bridge.answer(client, "tool_call", **operation, check=True)
        assert sim.control.writes() == []
        plan = planned["data"]["plan"]["id"]
        read = {**operation, "operation": "proxmox:GET /nodes/{node}/qemu/{vmid}/config"}
        looked = await bridge.answer(client, "tool_call", **read, check=True)
        assert "plan" not in looked["data"]
        return await bridge.answer(client, "plan_apply", plan_id=plan)

    assert bridge.session(talk)["ok"]
    assert len(sim.control.writes()) == 1


def test_a_plan_is_applied_once(free: Lab) -> None:
    """Red when a plan that was taken can be taken again."""
    bridge, sim = free

    async def talk(client: Client) -> list[dict[str, Any]]:
        plan = (await bridge.answer(client, "vm_power", **STOP, check=True))["data"]["plan"]
        return [await bridge.answer(client, "plan_apply", plan_id=plan["id"]) for _turn in "ab"]

    done, again = bridge.session(talk)
    assert done["status"] == "changed"
    assert again["error"]["code"] == "plan_used"
    assert len(sim.control.writes()) == 1


@pytest.mark.timeout(300)
def test_of_50_who_apply_a_plan_at_once_one_does(free: Lab) -> None:
    """Red when the plan is taken without looking at its state."""
    bridge, sim = free

    async def talk(client: Client) -> list[dict[str, Any]]:
        plan = (await bridge.answer(client, "vm_power", **STOP, check=True))["data"]["plan"]
        answers: list[dict[str, Any]] = []

        async def apply() -> None:
            answers.append(await bridge.answer(client, "plan_apply", plan_id=plan["id"]))

        async with anyio.create_task_group() as group:
            for _number in range(50):
                group.start_soon(apply)
        return answers

    answers = bridge.session(talk)
    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert sorted(map(str, codes)) == ["None", *["plan_used"] * 49]
    assert len(applied_runs(bridge)) == 1
    assert len(sim.control.writes()) == 1


DRIFT = (
    ("PUT", "/nodes/pve1/qemu/100/config", {"tags": "other"}, "the object"),
    ("POST", "/nodes/pve1/qemu/100/status/stop", {}, "what it would change"),
)


@pytest.mark.parametrize(("method", "path", "body", "said"), DRIFT, ids=["config", "state"])
def test_a_plan_is_stale_once_its_object_changed(
    free: Lab, method: str, path: str, body: dict[str, str], said: str
) -> None:
    """Red when the preview is not made again, or not compared."""
    bridge, sim = free

    async def talk(client: Client) -> list[dict[str, Any]]:
        plan = (await bridge.answer(client, "vm_power", **STOP, check=True))["data"]["plan"]
        operation = f"proxmox:{method} {path.replace('pve1', '{node}').replace('100', '{vmid}')}"
        moved = {"node": "pve1", "vmid": 100, **body}
        other = {"operation": operation, "target": "lab", "args": moved}
        assert (await bridge.answer(client, "tool_call", **other))["ok"]
        sim.control.clear_journal()
        return [await bridge.answer(client, "plan_apply", plan_id=plan["id"]) for _turn in "ab"]

    first, again = bridge.session(talk)
    assert first["error"]["code"] == again["error"]["code"] == "plan_stale"
    assert said in first["error"]["message"]
    assert sim.control.writes() == []


def test_a_plan_for_what_is_gone_is_stale_and_one_that_cannot_be_tried_is_told(free: Lab) -> None:
    bridge, sim = free

    async def talk(client: Client) -> list[dict[str, Any]]:
        gone, off = [
            (await bridge.answer(client, "vm_power", **STOP, check=True))["data"]["plan"]["id"]
            for _plan in "ab"
        ]
        await bridge.answer(client, "vm_delete", ref="lab/-/100", force=True)
        answers = [await bridge.answer(client, "plan_apply", plan_id=gone)]
        sim.control.fault("status", path=".*", count=0, status=401)
        return [*answers, await bridge.answer(client, "plan_apply", plan_id=off)]

    gone, off = bridge.session(talk)
    assert gone["error"]["code"] == "plan_stale"
    assert off["error"]["code"] == "auth_failed"
    assert off["error"]["retryable"] is False


def test_another_policy_makes_a_plan_stale(free: Lab) -> None:
    """Red when the policy is not part of the digest."""
    bridge, sim = free
    with inside(bridge) as one:
        plan = one.answer("vm_power", **STOP, check=True)["data"]["plan"]["id"]
    bridge.allow({"match": {"risk": "read"}, "verdict": "allow"})
    with inside(bridge) as one:
        body = one.answer("plan_apply", plan_id=plan)
    assert body["error"]["code"] == "plan_stale"
    assert "policy" in body["error"]["message"]
    assert sim.control.writes() == []


def test_nobody_sees_the_plan_of_another(free: Lab) -> None:
    """Red when the principal of a plan is not compared."""
    bridge, sim = free

    async def make(client: Client) -> str:
        planned = await bridge.answer(client, "vm_power", **STOP, check=True)
        return str(planned["data"]["plan"]["id"])

    plan = bridge.session(make)
    with Http(bridge) as http:

        async def use() -> dict[str, Any]:
            async with Client(http.url) as client:
                return await bridge.answer(client, "plan_apply", plan_id=plan)

        other = anyio.run(use)
    unknown = bridge.call("plan_apply", plan_id="0123456789abcdef01234567")
    assert other["error"]["code"] == unknown["error"]["code"] == "not_found"
    assert sim.control.writes() == []
    assert bridge.call("plan_apply", plan_id=plan)["status"] == "changed"


def test_a_plan_ends_with_its_time(free: Lab) -> None:
    """Red when the time is not looked at, or a clock set back makes a plan live longer."""
    bridge, sim = free
    with inside(bridge, approval={"plan_ttl": 60}) as one:
        plans = [one.answer("vm_power", **STOP, check=True)["data"]["plan"]["id"] for _ in "abc"]
        begin = one.clock.now
        for plan, moved in zip(plans, (60, -1, 59), strict=True):
            one.clock.now = begin + moved
            body = one.answer("plan_apply", plan_id=plan)
            code = body.get("error", {}).get("code")
            assert code == (None if moved == 59 else "plan_stale")
    rows = [(row["plan_id"], row["reason"]) for row in bridge.audit("expired")]
    assert rows == [(plan, "it was planned") for plan in plans[:2]]
    assert len(applied_runs(bridge)) == 1
    assert len(sim.control.writes()) == 1


def test_plans_that_are_over_are_no_reason_to_refuse_another(
    free: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when what has expired is ended only as the next bridge starts."""
    bridge, _sim = free
    monkeypatch.setattr(plan_store, "_MOST_OPEN", 2)
    with inside(bridge) as one:
        for _turn in "ab":
            assert one.answer("vm_power", **STOP, check=True)["ok"]
        assert one.answer("vm_power", **STOP, check=True)["error"]["code"] == "busy"
        one.clock.now += 900
        assert one.answer("vm_power", **STOP, check=True)["ok"]
    assert len(bridge.audit("expired")) == 2


EDITS = (
    "terms = replace(terms, 'stopped', 'started')",
    "expires = expires + 3600",
    "digest = replace(digest, substr(digest, 1, 1), 'x')",
    "verdict = 'approve'",
    "shown = '{}'",
    "sealed = (SELECT sealed FROM plans AS other WHERE other.id != plans.id)",
    "sealed = NULL",
)


@pytest.mark.parametrize("edit", EDITS)
def test_a_plan_that_was_edited_where_it_is_stored_is_refused(free: Lab, edit: str) -> None:
    """Red when the digest of a stored plan is not computed again."""
    bridge, sim = free
    with inside(bridge) as one:
        plan = one.answer("vm_power", **STOP, check=True)["data"]["plan"]["id"]
        one.answer("vm_delete", ref="lab/-/100", force=True, check=True)
        with one.store.writing() as connection:
            changed = connection.execute(f"UPDATE plans SET {edit} WHERE id = ?", (plan,))
        assert changed.rowcount == 1
        body = one.answer("plan_apply", plan_id=plan)
    assert body["error"]["code"] == ("plan_used" if edit.endswith("NULL") else "plan_stale")
    assert sim.control.writes() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["looking", "running"])
def test_what_a_killed_bridge_was_applying_is_uncertain(free: Lab, moment: str) -> None:
    """Red when a plan that was being applied can be applied by the next bridge."""
    bridge, sim = free
    http = Http(bridge)
    plans: list[str] = []

    def talk() -> None:
        async def use() -> None:
            async with Client(http.url) as client:
                planned = await bridge.answer(client, "vm_power", **STOP, check=True)
                fault = STUCK if moment == "looking" else {"path": "/status/", "method": "POST"}
                sim.control.fault("timeout", **fault)
                plans.append(planned["data"]["plan"]["id"])
                await bridge.answer(client, "plan_apply", plan_id=plans[0])

        with pytest.raises(BaseException):  # noqa: B017  # whatever a dead server gives
            anyio.run(use)

    caller = threading.Thread(target=talk)
    caller.start()
    until(lambda: plans and stored(bridge, plans[0], "state") == "applying")
    if moment == "running":
        until(lambda: applied_runs(bridge))
    http.process.kill()
    http.end()
    caller.join(30)
    sim.control.clear_faults()
    with Http(bridge) as after:

        async def again() -> dict[str, Any]:
            async with Client(after.url) as client:
                return await bridge.answer(client, "plan_apply", plan_id=plans[0])

        body = anyio.run(again)
    assert body["error"]["code"] == "uncertain"
    assert stored(bridge, plans[0], "sealed") is None
    assert len(applied_runs(bridge)) == (moment == "running")
    assert bridge.audit("applied")[-1]["reason"] == "uncertain"


def test_a_rule_that_names_a_tool_asks_for_its_call_and_not_for_its_preview(lab: Lab) -> None:
    """Red when a preview needs the approval that it is the first step to."""
    bridge, sim = lab
    bridge.allow({"match": {"tool": "vm_power"}, "verdict": "approve"})
    with inside(bridge) as one:
        planned = one.answer("vm_power", **STOP, check=True)
        refused = one.answer("vm_power", **STOP)
    assert (planned["status"], planned["data"]["plan"]["verdict"]) == ("planned", "approve")
    assert refused["status"] == "denied"
    assert sim.control.writes() == []


def test_many_machines_are_one_plan(free: Lab) -> None:
    """Red when a plan of many covers one of them, or one that changed is not seen."""
    bridge, sim = free
    many = {"refs": ["lab/-/100", "lab/-/102"], "state": "stopped", "force": True}
    with inside(bridge) as one:
        plans = [one.answer("vm_power", **many, check=True)["data"]["plan"]["id"] for _ in "ab"]
        assert sim.control.writes() == []
        done = one.answer("plan_apply", plan_id=plans[0])
        count = len(sim.control.writes())
        stale = one.answer("plan_apply", plan_id=plans[1])
    assert (done["status"], len(done["data"]["results"])) == ("changed", 2), done
    assert stale["error"]["code"] == "plan_stale"
    assert len(sim.control.writes()) == count > 0
    rows = [row for row in applied_runs(bridge) if row.get("plan_id") == plans[0]]
    assert len(rows) == 2
    assert len({row["run_id"] for row in rows}) == 1
