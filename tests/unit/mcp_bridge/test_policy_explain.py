# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict lacks, and how it is explained: the explanation never says else than decide()."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_bridge.config import Config
from mcp_bridge.policy import RISKS, UNKNOWN, Call, Flags, Surroundings, TargetFacts, decide
from mcp_bridge.policy_explain import explain, reasons_of_risk
from mcp_bridge.policy_facts import Recent
from mcp_bridge.policy_guards import missing
from mcp_bridge.tools.judging import Judge

LAB = TargetFacts("lab", {"env": "lab"})
NOW = Surroundings(datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC), Recent())
DENY_DB = {"name": "db", "match": {"name": "db-*", "risk": "destructive"}, "verdict": "deny"}
ALL = {"name": "all", "match": {"target": "*"}, "verdict": "allow"}
NIGHT = {"name": "night", "match": {"window": "night", "pool": "p"}, "verdict": "approve"}


def policy(**content: Any) -> Any:
    content = {"windows": {"night": {"from": "00:00", "to": "00:00"}}, **content}
    return Config.model_validate_json(json.dumps({"policy": content})).policy


def call(risk: str = "destructive", **parts: Any) -> Call:
    given_parts: dict[str, Any] = {"targets": (LAB,), **parts}
    return Call("t", "vm", risk, identity="i", **given_parts)


@pytest.mark.parametrize(
    ("made", "content", "parts"),
    [
        (call(), {}, set()),
        (call(), {"rules": [DENY_DB]}, {"name"}),
        (call("write"), {"rules": [DENY_DB]}, set()),
        (call(about={"name": ("x",)}), {"rules": [DENY_DB]}, set()),
        (call(), {"rules": [ALL, DENY_DB]}, set()),
        (call(), {"rules": [NIGHT, DENY_DB]}, {"name", "pool"}),
        (call(), {"protected": {"tags": "a"}}, {"tags"}),
        (call(), {"protected": {"names": "a", "tags": "b"}}, {"name", "tags"}),
        (call("write"), {"protected": {"tags": "a"}}, set()),
        (call("write", after={"tags": ()}), {"protected": {"tags": "a"}}, {"tags"}),
        (call("write", after={"name": ("x",)}), {"protected": {"tags": "a"}}, set()),
        (call(about={"tags": ()}), {"protected": {"tags": "a"}}, set()),
    ],
)
def test_only_what_a_verdict_depends_on_is_missing(made: Call, content: Any, parts: Any) -> None:
    kept = policy(**content)
    assert missing(made, kept.rules, kept.guards, NOW) == parts


def test_nothing_is_looked_up_for_what_is_denied_anyway_or_only_reads() -> None:
    rules = policy(rules=[DENY_DB]).rules
    assert Judge(rules).lacks_facts(call())
    assert not Judge(rules, Flags(read_only=True)).lacks_facts(call())
    assert not Judge(rules).lacks_facts(call(check=True))
    assert not Judge(rules).lacks_facts(call("read"))


def test_every_step_is_named() -> None:
    kept = policy(rules=[DENY_DB, NIGHT, ALL, DENY_DB | {"name": "late"}])
    explained = explain(call(about={"name": ("x",)}), kept.rules, Flags(), NOW, kept.guards)
    steps = [(step.what, step.matched, step.why) for step in explained.steps["lab"]]
    assert steps == [
        ("protected", "no", ""),
        ("db", "no", "name is x"),
        ("night", "perhaps", "approve by person; pool not known: counts only where stricter"),
        ("all", "yes", "allow"),
        ("late", "not asked", "a rule before it decides"),
        ("limits", "no", ""),
    ]
    assert explained.unknown == ["pool"]
    assert (explained.verdict.decision, explained.verdict.rule) == ("approve", "night")


def test_flags_guards_and_the_default_are_steps() -> None:
    kept = policy(protected={"names": "db"}, limits={"destructive_per_hour": 0})
    fixed = (TargetFacts("lab", read_only=True),)
    flags = Flags(read_only=True, no_destructive=True)
    made = call(targets=fixed, about={"name": ("db",)})
    explained = explain(made, kept.rules, flags, NOW, kept.guards)
    assert [step.what for step in explained.steps["lab"]] == [
        "server.read_only",
        "read_only of lab",
        "server.no_destructive",
        "protected",
        "default",
        "limits.destructive_per_hour",
    ]
    unknown = explain(call(UNKNOWN), (), Flags(), NOW, policy().guards)
    assert [step.what for step in unknown.steps["lab"]] == ["known risk", "protected", "limits"]


def test_a_risk_is_explained_by_what_raised_it() -> None:
    table = {
        "base": "write",
        "raises": [
            {"option": "state", "values": ["absent"], "to": "destructive"},
            {"option": "force", "values": [True], "to": "destructive"},
            {"option": "other", "to": "disruptive"},
        ],
    }
    assert reasons_of_risk(table, {}) == "write in general"
    assert reasons_of_risk(table, {"state": "absent", "force": True}) == (
        "write in general, destructive with state=absent, destructive with force=true"
    )


rules = st.lists(
    st.fixed_dictionaries(
        {
            "match": st.dictionaries(
                st.sampled_from(["name", "target", "risk"]),
                st.sampled_from(["write", "destructive"]),
                min_size=1,
            ),
            "verdict": st.sampled_from(["allow", "approve", "deny"]),
        }
    ),
    max_size=3,
)


@given(rules, st.sampled_from((*RISKS, UNKNOWN)), st.booleans(), st.booleans())
def test_an_explanation_is_of_the_verdict(
    given_rules: Any, risk: str, known: bool, read_only: bool
) -> None:
    kept, flags = policy(rules=given_rules, protected={"names": "write"}), Flags(read_only)
    made = call(risk, about={"name": ("write",)} if known else {})
    explained = explain(made, kept.rules, flags, NOW, kept.guards)
    assert explained.verdict == decide(made, kept.rules, flags, NOW, kept.guards)
    told = [step for step in explained.steps["lab"] if step.matched in ("yes", "perhaps")]
    names = {step.what for step in told} | {"read_only", "unknown_operation"}
    assert set(explained.verdict.rule.split(", ")) <= names
