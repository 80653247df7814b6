# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What denies whatever the rules say: protected objects and targets, and limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_bridge.config import Config
from mcp_bridge.policy import (
    RISKS,
    Approval,
    Call,
    Flags,
    Guards,
    Surroundings,
    TargetFacts,
    Verdict,
    decide,
)
from mcp_bridge.policy_facts import Done, Recent

PROD = TargetFacts("prod", {"env": "prod", "zone": "a"})
LAB = TargetFacts("lab", {"env": "lab"})
EVERYTHING = {"match": {"tool": "*"}, "verdict": "allow"}
PROTECTED = {"labels": {"env": "prod"}, "tags": ["keep", "hold-*"], "names": "db-*"}


def section(**content: Any) -> Any:
    return Config.model_validate_json(json.dumps({"policy": content})).policy


def guards(**content: Any) -> Guards:
    made: Guards = section(**content).guards
    return made


def call(risk: str = "destructive", *targets: TargetFacts, **parts: Any) -> Call:
    given_parts: dict[str, Any] = {"tool": "t", "operation": "vm", "identity": "i"}
    known = {"name": ("web-1",), "tags": ()}
    return Call(risk=risk, targets=targets or (LAB,), **{**given_parts, "about": known, **parts})


def judged(made: Call, kept: Guards, around: Surroundings | None = None) -> Verdict:
    rules = section(rules=[EVERYTHING]).rules
    return decide(made, rules, Flags(), around or Surroundings(), kept)


@pytest.mark.parametrize("risk", ["disruptive", "destructive"])
def test_what_is_protected_is_neither_interrupted_nor_destroyed(risk: str) -> None:
    kept = guards(protected=PROTECTED)
    assert judged(call(risk), kept).allowed
    for made, why in (
        (call(risk, PROD), "the label env=prod protects prod"),
        (call(risk, LAB, PROD), "the label env=prod protects prod"),
        (call(risk, about={"name": ("db-1",), "tags": ()}), "the name db-1 protects the object"),
        (call(risk, about={"name": ("a",), "tags": ("x", "keep")}), "the tag keep protects"),
        (call(risk, about={"name": ("a",), "tags": ("hold-1",)}), "the tag hold-1 protects"),
        (call(risk, about={"name": ("a",)}), "it is not known whether its tags would protect"),
        (call(risk, about={"tags": ()}), "it is not known whether its name would protect"),
    ):
        verdict = judged(made, kept)
        assert (verdict.decision, verdict.rule) == ("deny", "protected")
        assert why in verdict.reason and f"no {risk} vm on" in verdict.reason


def test_an_approval_does_not_open_what_is_protected() -> None:
    made = call(
        about={"name": ("db-1",), "tags": ()},
        plan_digest="d",
        approval=Approval("person", "os:bob", "d"),
    )
    assert not judged(made, guards(protected=PROTECTED)).allowed
    assert judged(made, Guards()).allowed


def test_what_is_protected_can_be_read_previewed_and_written() -> None:
    kept, about = guards(protected=PROTECTED), {"name": ("db-1",), "tags": ("keep",)}
    assert judged(call("read", PROD, about=about), kept).allowed
    assert judged(call("write", PROD, about=about), kept).allowed
    assert judged(call("destructive", PROD, about=about, check=True), kept).allowed


@pytest.mark.parametrize(
    ("about", "after", "allowed"),
    [
        ({"tags": ("keep", "x")}, {"tags": ("x",)}, False),
        ({"tags": ("keep", "x")}, {"tags": ("keep",)}, True),
        ({"tags": ("keep", "hold-1")}, {"tags": ("keep",)}, False),
        ({"tags": ()}, {"tags": ("x",)}, True),
        ({}, {"tags": ("keep",)}, False),
        ({}, {}, True),
        ({"name": ("db-1",)}, {"name": ("web",)}, False),
        ({"name": ("db-1",)}, {"name": ("db-1",)}, True),
        ({"name": ("web",)}, {"name": ("db-1",)}, True),
        ({}, {"name": ("web",)}, False),
    ],
)
def test_a_plain_write_cannot_take_the_protection_away(
    about: Any, after: Any, allowed: bool
) -> None:
    verdict = judged(call("write", about=about, after=after), guards(protected=PROTECTED))
    assert verdict.allowed is allowed
    assert judged(call("write", about=about, after=after), Guards()).allowed


def recent(each: dict[str, int], overall: dict[str, int] | None = None) -> Surroundings:
    return Surroundings(recent=Recent(Done(**each), Done(**(overall or each))))


@pytest.mark.parametrize(
    ("limit", "risks"),
    [
        ("destructive_per_hour", {"destructive"}),
        ("disruptive_per_hour", {"disruptive"}),
        ("writes_per_minute", {"write", "disruptive", "destructive"}),
    ],
)
def test_a_limit_counts_what_it_names(limit: str, risks: set[str]) -> None:
    kept = guards(limits={limit: 3})
    for risk in RISKS:
        made = call(risk, principal="os:alice")
        assert judged(made, kept, recent({limit: 2})).allowed
        verdict = judged(made, kept, recent({limit: 3}))
        assert verdict.allowed is (risk not in risks)
        if risk in risks:
            assert verdict.rule == f"limits.{limit}"
            assert "3 of 3" in verdict.reason and "os:alice" in verdict.reason
        # Where it is not known what was done, nothing more is.
        assert judged(made, kept).allowed is (risk not in risks)
        assert judged(call(risk, check=True), kept, recent({limit: 3})).allowed


def test_all_together_have_limits_of_their_own() -> None:
    kept = guards(limits={"destructive_per_hour": 3, "overall": {"destructive_per_hour": 5}})
    assert judged(call(), kept, recent({"destructive_per_hour": 2}, {})).allowed
    verdict = judged(call(), kept, recent({"destructive_per_hour": 2}, {"destructive_per_hour": 5}))
    assert verdict.rule == "limits.overall.destructive_per_hour"
    assert "all together" in verdict.reason


def test_a_call_of_many_objects_counts_as_many() -> None:
    kept = guards(limits={"objects_per_call": 4, "destructive_per_hour": 5})
    fresh = recent({})
    assert judged(call(objects=4), kept, fresh).allowed
    assert judged(call(objects=5), kept, fresh).rule == "limits.objects_per_call"
    assert judged(call("read", objects=5), kept, fresh).allowed
    five = guards(limits={"objects_per_call": 1})
    assert judged(call("destructive", LAB, PROD), five, fresh).rule == "limits.objects_per_call"
    assert not judged(call(objects=3), kept, recent({"destructive_per_hour": 3})).allowed
    assert judged(call(objects=2), kept, recent({"destructive_per_hour": 3})).allowed


def test_zero_means_never() -> None:
    assert not judged(call(), guards(limits={"destructive_per_hour": 0}), recent({})).allowed


def test_a_denial_by_a_rule_says_so_even_where_a_limit_is_reached() -> None:
    rules = section(rules=[{"name": "no", "match": {"tool": "*"}, "verdict": "deny"}]).rules
    kept = guards(limits={"destructive_per_hour": 0})
    assert decide(call(), rules, Flags(), recent({}), kept).rule == "no"


def test_nothing_configured_counts_nothing() -> None:
    assert not guards().limits.count
    assert not guards(limits={"objects_per_call": 3}).limits.count
    assert guards(limits={"writes_per_minute": 3}).limits.count
    assert guards(limits={"overall": {"writes_per_minute": 3}}).limits.count


def test_a_look_by_the_bridge_itself_is_not_stopped_by_rules_about_objects() -> None:
    rule = {"match": {"name": "db-*"}, "verdict": "deny"}
    rules = section(rules=[rule, {"match": {"target": "prod"}, "verdict": "deny"}]).rules
    look = call("read", about={}, own=True)
    assert decide(look, rules, Flags()).allowed
    assert not decide(call("read", about={}), rules, Flags()).allowed
    assert not decide(call("read", PROD, about={}, own=True), rules, Flags()).allowed
    assert not decide(call("read", about={"name": ("db-1",)}, own=True), rules, Flags()).allowed


facts = st.dictionaries(
    st.sampled_from(["name", "tags"]), st.lists(st.sampled_from(["db-1", "keep", "x"])).map(tuple)
)
counts = st.none() | st.builds(
    Recent,
    st.builds(Done, destructive_per_hour=st.integers(0, 4)),
    st.builds(Done, writes_per_minute=st.integers(0, 4)),
)


@given(st.sampled_from(RISKS), facts, facts, st.booleans(), counts, st.sampled_from([LAB, PROD]))
def test_guards_never_allow_more(
    risk: str, about: Any, after: Any, check: bool, done: Recent | None, target: TargetFacts
) -> None:
    made = call(risk, target, about=about, after=after, check=check)
    limits = {"destructive_per_hour": 2, "overall": {"writes_per_minute": 3}}
    kept, around = guards(protected=PROTECTED, limits=limits), Surroundings(recent=done)
    guarded, free = judged(made, kept, around), judged(made, Guards(), around)
    assert guarded == free or guarded.decision == "deny"
