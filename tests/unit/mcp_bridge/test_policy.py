# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy: defaults, order, what beats what, and risks that are not known."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_bridge.config import Config
from mcp_bridge.policy import (
    RISKS,
    UNKNOWN,
    Call,
    Flags,
    Permit,
    TargetFacts,
    decide,
    identity_of,
    joined_identity,
    risk_of,
)

LAB = TargetFacts("lab", {"env": "lab"})
PROD = TargetFacts("prod", {"env": "prod"})
POWER = {
    "risk": {
        "base": "write",
        "raises": [
            {"option": "state", "values": ["stopped", "paused"], "to": "disruptive"},
            {"option": "state", "values": ["absent"], "to": "destructive"},
            {"option": "force", "to": "destructive"},
            {"option": "count", "values": [1], "to": "disruptive"},
        ],
    }
}


def call(risk: str = "write", *targets: TargetFacts, **parts: Any) -> Call:
    given_parts = {"tool": "vm_power", "operation": "vm_power", "identity": "i"} | parts
    return Call(risk=risk, targets=targets or (LAB,), **given_parts)


def rules(*given_rules: dict[str, Any]) -> Any:
    return Config.model_validate_json(_json({"policy": {"rules": given_rules}})).policy.rules


def _json(value: Any) -> str:
    return json.dumps(value)


def allowed(judged: Call, *given_rules: dict[str, Any], **flags: bool) -> bool:
    verdict = decide(judged, rules(*given_rules), Flags(**flags))
    assert (verdict.permit is not None) is verdict.allowed
    assert verdict.reason and verdict.rule
    return verdict.allowed


def test_read_and_write_are_allowed_by_default_and_the_rest_needs_approval() -> None:
    verdicts = [decide(call(risk), (), Flags()) for risk in RISKS]
    assert [verdict.decision for verdict in verdicts] == ["allow", "allow", "approve", "approve"]
    assert [verdict.by for verdict in verdicts] == [None, None, "client", "person"]
    assert [allowed(call(risk)) for risk in RISKS] == [True, True, False, False]


@pytest.mark.parametrize("risk", [UNKNOWN, "", "READ", "harmless", None])
def test_an_unknown_risk_is_denied_whatever_the_rules_say(risk: Any) -> None:
    everything = {"match": {"tool": "*"}, "verdict": "allow"}
    assert not allowed(call(risk), everything)
    assert not allowed(call(risk, check=True), everything)


def test_a_rule_allows_by_target_and_by_nothing_else() -> None:
    rule = {"match": {"target": "lab", "risk": ["disruptive", "destructive"]}, "verdict": "allow"}
    assert allowed(call("destructive", LAB), rule)
    assert not allowed(call("destructive", PROD), rule)
    assert not allowed(call("destructive", LAB, PROD), rule)


def test_the_first_rule_that_matches_wins() -> None:
    deny = {"match": {"target": "l*"}, "verdict": "deny"}
    allow = {"match": {"target": "lab"}, "verdict": "allow"}
    assert not allowed(call("read"), deny, allow)
    assert allowed(call("destructive"), allow, deny)
    verdict = decide(call("read"), rules(deny, allow), Flags())
    assert verdict.rule == "policy.rules[0]"
    assert verdict.reason == "rule policy.rules[0] denies read vm_power on lab"


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"tool": "vm_*"}, True),
        ({"tool": ["target_list", "vm_power"]}, True),
        ({"tool": "vm_get"}, False),
        ({"operation": "vm_pow??"}, True),
        ({"operation": "vm"}, False),
        ({"risk": "destructive"}, True),
        ({"risk": ["read", "write"]}, False),
        ({"labels": {"env": "lab"}}, True),
        ({"labels": {"env": "lab", "zone": "a"}}, False),
        ({"principal": "os:alice"}, True),
        ({"principal": "os:bob"}, False),
        ({"client": "claude*"}, True),
        ({"client": "Claude*"}, False),
        ({"tool": "vm_power", "target": "lab", "principal": "os:*"}, True),
        ({"tool": "vm_power", "target": "prod"}, False),
    ],
)
def test_every_part_of_a_rule_must_match(match: dict[str, Any], fits: bool) -> None:
    judged = call("destructive", principal="os:alice", client="claude 1.0")
    assert allowed(judged, {"match": match, "verdict": "allow"}) is fits


def test_flags_and_a_read_only_target_beat_every_rule() -> None:
    rule = {"match": {"tool": "*"}, "verdict": "allow"}
    assert not allowed(call("write"), rule, read_only=True)
    assert not allowed(call("destructive"), rule, no_destructive=True)
    assert allowed(call("disruptive"), rule, no_destructive=True)
    fixed = TargetFacts("lab", read_only=True)
    assert not allowed(call("write", fixed), rule)
    assert allowed(call("read", fixed), rule)
    assert allowed(call("read"), rule, read_only=True)


def test_a_preview_counts_as_a_read() -> None:
    preview = call("destructive", check=True)
    assert allowed(preview)
    assert allowed(preview, read_only=True, no_destructive=True)
    assert not allowed(preview, {"match": {"risk": "read"}, "verdict": "deny"})


def test_a_call_without_targets_is_denied() -> None:
    verdict = decide(Call("t", "o", "read", (), "i"), (), Flags())
    assert not verdict.allowed and verdict.rule == "no_target"


@pytest.mark.parametrize(
    ("arguments", "risk"),
    [
        ({}, "write"),
        ({"state": "started"}, "write"),
        ({"state": "stopped"}, "disruptive"),
        ({"state": "absent"}, "destructive"),
        ({"state": "absent", "count": 1}, "destructive"),
        ({"force": False}, "write"),
        ({"force": None}, "write"),
        ({"force": True}, "destructive"),
        ({"force": "no"}, "destructive"),
        ({"count": 1}, "disruptive"),
        ({"count": True}, "write"),
    ],
)
def test_the_risk_comes_from_the_arguments(arguments: dict[str, Any], risk: str) -> None:
    assert risk_of(POWER, arguments) == risk


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"risk": None},
        {"risk": "read"},
        {"risk": {}},
        {"risk": {"base": "harmless"}},
        {"risk": {"base": "read", "raises": [{"option": "a", "to": "worse"}]}},
    ],
)
def test_what_the_table_does_not_say_clearly_is_unknown(entry: Any) -> None:
    assert risk_of(entry, {"a": 1}) == UNKNOWN


@given(st.permutations(["state", "force", "count"]), st.sampled_from(["stopped", "absent", "x"]))
def test_the_order_of_arguments_does_not_matter(order: list[str], state: str) -> None:
    values = {"state": state, "force": False, "count": 1}
    assert risk_of(POWER, {key: values[key] for key in order}) == risk_of(POWER, values)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_the_identity_is_equal_for_equal_arguments_only(one: Any, other: Any) -> None:
    same = _json(one) == _json(other)
    if same or one != other:
        assert (identity_of("m", one) == identity_of("m", other)) is same or _reordered(one, other)


def _reordered(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_a_permit_is_for_one_job_and_one_run() -> None:
    permit = decide(call("read"), (), Flags()).permit
    assert permit is not None
    assert not permit.redeem("another")
    assert [permit.redeem("i") for _ in range(3)] == [True, False, False]


def test_nobody_else_makes_or_copies_a_permit() -> None:
    with pytest.raises(TypeError, match="decide"):
        Permit("i", object())
    with pytest.raises(TypeError, match="copied"):
        copy.copy(decide(call("read"), (), Flags()).permit)


def test_permits_are_joined_once_in_their_order() -> None:
    def permits() -> list[Permit]:
        made = [decide(call("read", identity=name), (), Flags()).permit for name in "ab"]
        return [permit for permit in made if permit is not None]

    first, second = permits()
    joined = Permit.joined([first, second])
    assert not joined.redeem(joined_identity(["b", "a"]))
    assert joined.redeem(joined_identity(["a", "b"]))
    assert not first.redeem("a")
    with pytest.raises(ValueError, match="cannot be joined"):
        Permit.joined([permits()[0], second])
