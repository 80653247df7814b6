# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as data and on disk: digests, states, and what is left when one ends."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge import approvals_factor, plan_store
from mcp_bridge.errors import SealBroken
from mcp_bridge.plan_store import PlanStore, TooManyPlans
from mcp_bridge.plans import (
    NEXT,
    OPEN,
    Plan,
    covered,
    diff_hash,
    digest_of,
    drift,
    seen_hash,
)
from mcp_bridge.policy import Approval, identity_of
from mcp_bridge.sealed import Sealer
from mcp_bridge.store import Store

PARTS = {
    plan_store.PART: plan_store.MIGRATIONS,
    approvals_factor.PART: approvals_factor.MIGRATIONS,
}
SHOWN = {"calls": [], "objects": [], "diff": []}
CALL = {"tool": "vm_delete", "arguments": {"ref": "lab/-/1", "password": "canary-secret"}}


def a_plan(name: str = "one", **changes: Any) -> Plan:
    terms = {
        "plan": name, "expires": 2000, "principal": "os:me", "client": "test 1", "tool": "t",
        "operation": "vm", "risk": "destructive", "targets": [{"name": "lab"}],
        "verdict": ["approve", "client", False], "shown": identity_of(SHOWN),
    }  # fmt: skip
    plan = Plan(
        id=name, state="planned", digest=digest_of(terms), terms=terms, shown=SHOWN, created=1000,
        expires=2000, verdict="approve", by="client",
    )  # fmt: skip
    return replace(plan, **changes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.db", PARTS)
    yield opened
    opened.close()


@pytest.fixture
def plans(store: Store, tmp_path: Path) -> PlanStore:
    return PlanStore(store, Sealer(tmp_path / "seal.key"))


def test_a_digest_depends_on_every_term() -> None:
    """Red when a term is left out of the digest."""
    terms = a_plan().terms
    for name in terms:
        other = {**terms, name: "another"}
        assert digest_of(other) != digest_of(terms)
        assert len(drift(terms, other)) == 1
    assert drift(terms, dict(terms)) == ()
    assert drift({"diff": 1}, {"diff": 2}) == ("what it would change",)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "two"}, {"expires": 2001}, {"verdict": "allow"}, {"by": "person"},
        {"four_eyes": True}, {"shown": {}}, {"digest": "0"}, {"terms": {"plan": "one"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_says_something_else_than_its_digest_is_not_intact(changes: Any) -> None:
    """Red when a part of the row is believed without the digest."""
    assert a_plan().intact
    assert not a_plan(**changes).intact


def test_times_hold_also_when_the_clock_is_set_back() -> None:
    plan = a_plan(approved=1500)
    assert [plan.is_over(now) for now in (999, 1000, 1999, 2000)] == [True, False, False, True]
    late = [plan.approval_is_over(now, 60) for now in (1499, 1500, 1559, 1560)]
    assert late == [True, False, False, True]


def test_only_an_approved_plan_needs_no_approval_where_policy_asks_for_one() -> None:
    assert a_plan().asks_for_approval()
    assert not a_plan(state="approved").asks_for_approval()
    assert not a_plan(verdict="allow").asks_for_approval()


def test_secrets_are_covered_by_a_keyed_hash_alone() -> None:
    """Red when a secret, or a plain hash of one, stands in the terms."""
    arguments = {
        "name": "web", "password": "p4ss-word-1", "token": None, "cpus": 4, "keep": True,
        "deep": [{"user_data": "run p4ss-word-1 now"}, ("x", 7)],
    }  # fmt: skip
    one = covered(arguments, ["p4ss-word-1", "7", ""], b"key")
    assert "p4ss-word-1" not in repr(one)
    assert (one["name"], one["cpus"], one["keep"], one["token"]) == ("web", 4, True, None)
    assert set(one["deep"][1][1]) == {"hmac"}
    assert one != covered(arguments, ["p4ss-word-1", "7"], b"other")
    assert one == covered(arguments, ["p4ss-word-1", "7"], b"key")
    changed = {**arguments, "password": "p4ss-word-2"}
    assert one != covered(changed, ["p4ss-word-2", "p4ss-word-1", "7"], b"key")


def test_what_was_seen_is_what_tells_objects_and_their_versions_apart() -> None:
    """Red when uptime makes a plan stale, or a new version of the object does not."""
    seen = {"object": {"vmid": 1, "name": "a", "digest": "x", "uptime": 5}, "diff": {"before": {}}}
    same = {**seen, "object": {**seen["object"], "uptime": 9}}
    assert seen_hash({"lab": seen}) == seen_hash({"lab": same})
    for part, value in (("digest", "y"), ("name", "b"), ("vmid", 2)):
        other = {**seen, "object": {**seen["object"], part: value}}
        assert seen_hash({"lab": seen}) != seen_hash({"lab": other})
    assert seen_hash({"lab": {}}) != seen_hash({"lab": {"diff": {"before": {"state": "on"}}}})
    assert seen_hash({"lab": {}}) != seen_hash({"lab": {"failed": True}})
    assert seen_hash({"lab": {"uid": "a"}}) != seen_hash({"lab": {"uid": "b"}})
    assert diff_hash({"a": {"diff": 1}}) != diff_hash({"a": {"diff": 2}})


def test_a_plan_comes_back_as_it_was_kept(plans: PlanStore) -> None:
    plans.add(a_plan(), CALL)
    kept = plans.get("one")
    assert kept == a_plan()
    assert plans.call_of(a_plan()) == CALL
    assert plans.get("two") is None
    with pytest.raises(LookupError):
        plans.call_of(a_plan("two"))


def test_no_secret_is_in_the_file(plans: PlanStore, store: Store, tmp_path: Path) -> None:
    """Red when the call is stored in the clear, or not wiped when the plan ends."""
    plans.add(a_plan(), CALL)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert b"canary-secret" not in content
    taken = plans.move(a_plan(), "applying", owner="me")
    assert taken is not None
    assert plans.call_of(taken) == CALL
    plans.move(taken, "applied", run_id="run")
    assert store.rows("SELECT sealed FROM plans")[0]["sealed"] is None
    with pytest.raises(LookupError):
        plans.call_of(taken)


def test_states_only_follow_each_other_as_they_may(plans: PlanStore) -> None:
    ends = {state for states in NEXT.values() for state in states} - set(NEXT)
    assert ends == {"applied", "failed", "uncertain", "rejected", "expired", "stale"}
    assert all("applying" in NEXT[state] for state in OPEN)
    for state in ends:
        with pytest.raises(ValueError, match="cannot be"):
            plans.move(a_plan(state=state), "applying")
    with pytest.raises(ValueError, match="cannot be approved"):
        plans.move(a_plan(), "approved")


def test_of_many_who_take_a_plan_one_gets_it(tmp_path: Path, plans: PlanStore) -> None:
    """Red when the state or the digest is not compared in the same statement."""
    plans.add(a_plan(), CALL)
    got: list[Plan | None] = []
    start = threading.Barrier(12)

    def take() -> None:
        own = Store(tmp_path / "state.db", PARTS)
        start.wait()
        got.append(PlanStore(own, Sealer(tmp_path / "seal.key")).move(a_plan(), "applying"))
        own.close()

    threads = [threading.Thread(target=take) for _number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(each is not None for each in got) == 1
    assert plans.move(a_plan(digest="0"), "applying") is None


def test_an_approval_is_sealed_to_its_plan(plans: PlanStore, store: Store) -> None:
    """Red when an approval is believed that the store's key did not seal for this plan."""
    for name in ("one", "two"):
        plans.add(a_plan(name), CALL)
    pending = plans.move(a_plan(), "pending", code="ABC")
    assert pending is not None
    approval = Approval("person", "os:you", pending.digest)
    plans.move(pending, "approved", approval=approval, approved=1100)
    kept = plans.get("one")
    assert kept is not None
    assert (kept.approval, kept.approved, kept.code) == (approval, 1100, "ABC")
    with store.writing() as connection:
        connection.execute(
            "UPDATE plans SET approval = (SELECT approval FROM plans WHERE id = 'one')"
        )
    with pytest.raises(SealBroken):
        plans.get("two")


def test_plans_that_wait_are_found_by_their_code(plans: PlanStore) -> None:
    for name, code in (("one", "AAA"), ("two", "BBB")):
        plans.add(a_plan(name), CALL)
        plans.move(a_plan(name), "pending", code=code)
    found = plans.by_code("BBB")
    assert found is not None and found.id == "two"
    assert plans.by_code("CCC") is None
    assert [plan.id for plan in plans.pending()] == ["one", "two"]
    plans.move(found, "rejected")
    assert plans.by_code("BBB") is None
    assert [plan.id for plan in plans.pending()] == ["one"]


def test_the_next_bridge_settles_what_the_last_one_left(plans: PlanStore, store: Store) -> None:
    """Red when a dead bridge's plan can be applied, or an old plan stays for ever."""
    for name in ("dead", "alive", "nobody", "late", "open"):
        plans.add(a_plan(name, expires=2000 if name != "open" else 9000), CALL)
    for name, owner in (("dead", "d"), ("alive", "a"), ("nobody", None)):
        plans.move(a_plan(name), "applying", owner=owner)
    noted: list[str] = []
    for over in plans.overdue(2500):
        plans.expire(over, lambda: noted.append("late"))
        plans.expire(over, lambda: noted.append("again"))
    assert noted == ["late"]
    lost = plans.sweep(2500, lambda owner: owner == "a", keep=1000)
    assert sorted(plan.id for plan in lost) == ["dead", "nobody"]
    assert {plan.state for plan in lost} == {"uncertain"}
    rows = store.rows("SELECT id, state, sealed FROM plans ORDER BY id")
    assert {row["id"]: row["state"] for row in rows} == {
        "dead": "uncertain", "alive": "applying", "nobody": "uncertain", "late": "expired",
        "open": "planned",
    }  # fmt: skip
    assert {row["id"] for row in rows if row["sealed"]} == {"alive", "open"}
    assert plans.sweep(3001, lambda _owner: True, keep=1000) == []
    assert [row["id"] for row in store.rows("SELECT id FROM plans ORDER BY id")] == [
        "alive", "open",
    ]  # fmt: skip


def test_a_plan_that_moves_on_while_it_is_settled_is_left_alone(
    plans: PlanStore, store: Store
) -> None:
    plans.add(a_plan(), CALL)
    taken = plans.move(a_plan(), "applying", owner="d")
    assert taken is not None

    def lives(_owner: str) -> bool:
        plans.move(taken, "applied")
        return False

    assert plans.sweep(1500, lives, keep=1000) == []
    assert store.rows("SELECT state FROM plans")[0]["state"] == "applied"


def test_one_caller_cannot_fill_the_store(plans: PlanStore, store: Store) -> None:
    plans.add(a_plan(), CALL)
    with store.writing() as connection:
        connection.executemany(
            "INSERT INTO plans SELECT ?, state, digest, principal, terms, shown, sealed, created, "
            "expires, verdict, by, four_eyes, code, approval, owner, run_id FROM plans "
            "WHERE id = 'one'",
            [(f"more-{number}",) for number in range(499)],
        )
    with pytest.raises(TooManyPlans):
        plans.add(a_plan("last"), CALL)
    plans.add(a_plan("other", terms={**a_plan().terms, "principal": "os:you"}), CALL)


def test_a_store_is_not_opened_by_an_older_version(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store(path, PARTS).close()
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT version FROM migrations WHERE part = 'plans'").fetchone()
    connection.close()
    assert found == len(plan_store.MIGRATIONS)
