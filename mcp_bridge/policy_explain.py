# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how a verdict comes about, step by step, for people who write rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import policy
from .policy import Call, Flags, Guards, Rule, Surroundings, TargetFacts, Verdict
from .policy_guards import excess, missing, protection
from .policy_match import match


@dataclass(frozen=True)
class Step:
    """One thing that was asked: whether it matched (`yes`, `no`, `perhaps`, `not asked`), why."""

    what: str
    matched: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """A verdict, and everything that was asked on the way to it, target by target."""

    verdict: Verdict
    steps: Mapping[str, Sequence[Step]]
    unknown: Sequence[str]


def explain(
    call: Call, rules: Sequence[Rule], flags: Flags, around: Surroundings, guards: Guards
) -> Explanation:
    """Return how policy judges a call; the verdict is that of `policy.decide`."""
    verdict = policy.decide(call, rules, flags, around, guards)
    steps = {
        target.name: [
            *_fixed(call, target, flags),
            _guard("protected", protection(call, target, guards.protected)),
            *_rules(call, target, rules, around),
            _guard("limits", excess(call, guards.limits, around.recent)),
        ]
        for target in call.targets
    }
    return Explanation(verdict, steps, sorted(missing(call, rules, guards, around)))


def reasons_of_risk(table: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Return why a module with these arguments has its risk."""
    said = [f"{table.get('base')} in general"]
    for rule in table.get("raises") or ():
        if policy.raised(rule, arguments):
            value = arguments[rule["option"]]
            said.append(f"{rule['to']} with {rule['option']}={str(value).lower()}")
    return ", ".join(said)


def _fixed(call: Call, target: TargetFacts, flags: Flags) -> list[Step]:
    writes, destroys = call.effective_risk != "read", call.effective_risk == "destructive"
    asked = (
        ("known risk", call.effective_risk not in policy.RISKS, "the risk is not known"),
        ("server.read_only", flags.read_only and writes, "the call writes"),
        (f"read_only of {target.name}", target.read_only and writes, "the call writes"),
        ("server.no_destructive", flags.no_destructive and destroys, "the call destroys"),
    )
    return [Step(what, "yes", f"deny: {why}") for what, denies, why in asked if denies]


def _guard(what: str, found: tuple[str, str] | None) -> Step:
    return Step(found[0], "yes", f"deny: {found[1]}") if found else Step(what, "no", "")


def _rules(
    call: Call, target: TargetFacts, rules: Sequence[Rule], around: Surroundings
) -> list[Step]:
    steps, decided = [], False
    for rule in rules:
        found = match(rule, call, target, around)
        said = rule.verdict + (f" by {rule.by}" if rule.verdict == "approve" else "")
        if decided:
            steps.append(Step(rule.name, "not asked", "a rule before it decides"))
        elif not found.matches:
            steps.append(Step(rule.name, "no", found.why_not))
        elif found.sure:
            steps.append(Step(rule.name, "yes", said))
            decided = True
        else:
            strict = "counts only where stricter" if rule.verdict != "allow" else "does not count"
            steps.append(
                Step(
                    rule.name, "perhaps", f"{said}; {', '.join(found.unknown)} not known: {strict}"
                )
            )
    if not decided and call.effective_risk in policy.RISKS:
        steps.append(Step("default", "yes", f"for {call.effective_risk}"))
    return steps
