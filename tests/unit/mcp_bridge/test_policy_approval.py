# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approval turns a verdict that asks for one into a permit, and which never does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_bridge.config import Config
from mcp_bridge.policy import (
    RISKS,
    UNKNOWN,
    Approval,
    Call,
    Flags,
    TargetFacts,
    decide,
    strictest,
)

LAB, PROD = TargetFacts("lab"), TargetFacts("prod")
DIGEST = "d" * 64
BY_CLIENT = {"match": {"tool": "*"}, "verdict": "approve", "by": "client"}
BY_PERSON = {"match": {"tool": "*"}, "verdict": "approve"}
FOUR_EYES = {"match": {"tool": "*"}, "verdict": "approve", "four_eyes": True}


def rules(*given_rules: dict[str, Any]) -> Any:
    content = json.dumps({"policy": {"rules": given_rules}})
    return Config.model_validate_json(content).policy.rules


def call(risk: str = "write", *targets: TargetFacts, **parts: Any) -> Call:
    given_parts = {"tool": "t", "operation": "o", "identity": "i", "principal": "os:alice"}
    return Call(
        risk=risk, targets=targets or (LAB,), **{**given_parts, "plan_digest": DIGEST, **parts}
    )


def approved(rule: dict[str, Any], approval: Approval | None, **parts: Any) -> bool:
    verdict = decide(call(approval=approval, **parts), rules(rule), Flags())
    assert (verdict.permit is not None) is verdict.allowed is (verdict.approval is not None)
    assert verdict.decision in ("allow", "approve")
    return verdict.allowed


@pytest.mark.parametrize(
    ("rule", "channel", "approver", "enough"),
    [
        (BY_CLIENT, "client", "client:x", True),
        (BY_CLIENT, "person", "os:bob", True),
        (BY_PERSON, "client", "os:bob", False),
        (BY_PERSON, "person", "os:alice", True),
        (FOUR_EYES, "client", "os:bob", False),
        (FOUR_EYES, "person", "os:alice", False),
        (FOUR_EYES, "person", "os:bob", True),
        (BY_PERSON, "person", "", False),
        (BY_CLIENT, "agent", "os:bob", False),
    ],
)
def test_who_can_approve_what(
    rule: dict[str, Any], channel: Any, approver: str, enough: bool
) -> None:
    assert approved(rule, Approval(channel, approver, DIGEST)) is enough


def test_an_approval_is_for_one_plan() -> None:
    good = Approval("person", "os:bob", DIGEST)
    assert approved(BY_PERSON, good)
    assert not approved(BY_PERSON, replace(good, digest="e" * 64))
    assert not approved(BY_PERSON, good, plan_digest="")
    assert not approved(BY_PERSON, replace(good, digest=""), plan_digest="")
    assert not approved(BY_PERSON, None)


def test_four_eyes_need_to_know_whose_the_first_are() -> None:
    assert not approved(FOUR_EYES, Approval("person", "os:bob", DIGEST), principal="")


def test_an_approval_overrules_neither_a_denial_nor_a_flag() -> None:
    judged = call("destructive", approval=Approval("person", "os:bob", DIGEST))
    deny = {"match": {"tool": "*"}, "verdict": "deny"}
    assert decide(judged, (), Flags()).allowed
    assert not decide(judged, rules(deny), Flags()).allowed
    assert not decide(judged, (), Flags(read_only=True)).allowed
    assert not decide(judged, (), Flags(no_destructive=True)).allowed
    assert not decide(replace(judged, risk=UNKNOWN), (), Flags()).allowed


def test_the_strictest_target_counts() -> None:
    client = {"match": {"target": "lab"}, "verdict": "approve", "by": "client"}
    both = rules({"name": "a", **client}, {"name": "b", **FOUR_EYES})
    for targets in ((LAB, PROD), (PROD, LAB)):
        verdict = decide(call("write", *targets), both, Flags())
        assert (verdict.by, verdict.four_eyes) == ("person", True)
        assert sorted(verdict.rule.split(", ")) == ["a", "b"]
        assert "another person" in verdict.reason
        denied = rules(client, {"match": {"target": "prod"}, "verdict": "deny"})
        assert decide(call("write", *targets), denied, Flags()).decision == "deny"
    allowed = rules({"name": "free", "match": {"target": "lab"}, "verdict": "allow"}, BY_PERSON)
    assert decide(call("write", LAB, PROD), allowed, Flags()).decision == "approve"
    assert decide(call("write", LAB, LAB), allowed, Flags()).rule == "free"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"verdict": "allow", "by": "client"}, "expected verdict: approve beside by"),
        ({"verdict": "deny", "four_eyes": True}, "expected verdict: approve beside four_eyes"),
        ({"verdict": "approve", "by": "client", "four_eyes": True}, "expected by: person"),
    ],
)
def test_what_contradicts_itself_is_no_rule(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rules({"match": {"tool": "*"}, **rule})


def test_a_rule_that_may_match_never_makes_it_easier() -> None:
    named = {"match": {"name": "db-*"}}
    allow, deny = {**named, "verdict": "allow"}, {**named, "verdict": "deny"}
    ask = {**named, "verdict": "approve", "by": "client"}
    unknown, other = call("destructive"), call("destructive", about={"name": ("web-1",)})
    known = call("destructive", about={"name": ("db-1",)})
    assert decide(known, rules(allow), Flags()).decision == "allow"
    assert decide(known, rules(ask), Flags()).by == "client"
    assert decide(other, rules(allow), Flags()).decision == "approve"
    assert decide(unknown, rules(allow), Flags()).rule == "default"
    assert decide(unknown, rules(deny), Flags()).decision == "deny"
    assert (
        "not known, so it counts as matched: name" in decide(unknown, rules(deny), Flags()).reason
    )
    # Less than the default asks for is not what counts.
    assert decide(unknown, rules(ask), Flags()).by == "person"
    assert decide(call("write"), rules(ask), Flags()).decision == "approve"
    assert decide(call("write"), rules(ask, deny), Flags()).decision == "deny"
    # A part that is known not to match decides, whatever else is missing.
    elsewhere = {"match": {"name": "db-*", "target": "prod"}, "verdict": "deny"}
    assert decide(call("write"), rules(elsewhere), Flags()).allowed


@pytest.mark.parametrize("part", ["namespace", "pool", "zone", "project", "name", "ref", "tags"])
def test_a_rule_can_speak_of_the_object(part: str) -> None:
    deny = rules({"match": {part: ["a*", "b"]}, "verdict": "deny"})
    assert not decide(call(about={part: ("x", "ab")}), deny, Flags()).allowed
    assert not decide(call(about={part: ("b",)}), deny, Flags()).allowed
    assert decide(call(about={part: ("c", "d")}), deny, Flags()).allowed
    assert decide(call(about={part: ()}), deny, Flags()).allowed


def test_a_rule_can_speak_of_the_platform() -> None:
    deny = rules({"match": {"platform": "proxmox"}, "verdict": "deny"})
    assert not decide(call("read", TargetFacts("a", platform="proxmox")), deny, Flags()).allowed
    assert decide(call("read", TargetFacts("a", platform="kubevirt")), deny, Flags()).allowed


texts = st.sampled_from(["a", "b", "a*", "*", "?"])
parts = st.sampled_from(["tool", "operation", "target", "principal", "client", "name", "tags"])
matches = st.dictionaries(parts, texts, min_size=1, max_size=3)
asked = st.fixed_dictionaries(
    {"match": matches, "verdict": st.just("approve"), "by": st.sampled_from(["client", "person"])}
)
plain = st.fixed_dictionaries({"match": matches, "verdict": st.sampled_from(["allow", "deny"])})
policies = st.lists(asked | plain, max_size=4)
facts = st.dictionaries(
    st.sampled_from(["name", "tags"]), st.lists(st.sampled_from("ab"), max_size=2).map(tuple)
)
approvals = st.none() | st.builds(
    Approval,
    channel=st.sampled_from(["client", "person"]),
    approver=st.sampled_from(["", "a", "b"]),
    digest=st.sampled_from(["", DIGEST, "e" * 64]),
)
calls = st.builds(
    Call,
    tool=st.sampled_from("ab"),
    operation=st.sampled_from("ab"),
    risk=st.sampled_from((*RISKS, UNKNOWN)),
    targets=st.lists(st.builds(TargetFacts, name=st.sampled_from("ab")), max_size=2).map(tuple),
    identity=st.just("i"),
    check=st.booleans(),
    principal=st.sampled_from(["", "a", "b"]),
    client=st.sampled_from("ab"),
    about=facts,
    plan_digest=st.sampled_from(["", DIGEST]),
    approval=approvals,
)
flags = st.builds(Flags, read_only=st.booleans(), no_destructive=st.booleans())
STRICTNESS = ["allow", "approve", "deny"]


@given(calls, policies, flags)
def test_a_verdict_is_the_same_each_time_and_holds_a_permit_only_when_it_allows(
    judged: Call, policy: list[Any], switches: Flags
) -> None:
    verdict, again = (decide(judged, rules(*policy), switches) for _ in range(2))
    assert verdict == again
    assert (verdict.permit is not None) is verdict.allowed
    assert verdict.rule and verdict.reason
    if judged.risk == UNKNOWN:
        assert verdict.decision == "deny"
    if switches.read_only and judged.effective_risk != "read":
        assert verdict.decision == "deny"


@given(calls, policies, flags, matches)
def test_a_deny_rule_put_first_never_allows_more(
    judged: Call, policy: list[Any], switches: Flags, match: dict[str, str]
) -> None:
    before = decide(judged, rules(*policy), switches)
    denied = decide(judged, rules({"match": match, "verdict": "deny"}, *policy), switches)
    assert STRICTNESS.index(denied.decision) >= STRICTNESS.index(before.decision)


@given(calls, policies, flags)
def test_what_is_not_known_never_makes_a_verdict_milder(
    judged: Call, policy: list[Any], switches: Flags
) -> None:
    blind = decide(replace(judged, about={}), rules(*policy), switches)
    seen = decide(judged, rules(*policy), switches)
    assert STRICTNESS.index(blind.decision) >= STRICTNESS.index(seen.decision)


@given(calls, policies, flags)
def test_an_approval_for_another_plan_changes_nothing(
    judged: Call, policy: list[Any], switches: Flags
) -> None:
    without = decide(replace(judged, approval=None), rules(*policy), switches)
    other = Approval("person", "c", "f" * 64)
    verdict = decide(replace(judged, approval=other), rules(*policy), switches)
    assert verdict == without


def test_several_calls_that_are_one_ask_for_all_that_any_asks_for() -> None:
    client = decide(call(), rules(BY_CLIENT), Flags())
    both = strictest([client, decide(call(), rules(FOUR_EYES), Flags()), client])
    assert (both.decision, both.by, both.four_eyes) == ("approve", "person", True)
