# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which calls may run. Pure: no I/O, no clock; the only maker of permits.

An executor runs a job only with a `Permit`, and a permit comes only out of `decide()` with an
allowing verdict. It is bound to the digest of one job and is good for one run.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from .policy_facts import (
    NOWHERE,
    RISKS,
    UNKNOWN,
    Approval,
    Call,
    Channel,
    Decision,
    Flags,
    Risk,
    Rule,
    Surroundings,
    TargetFacts,
)
from .policy_guards import Guards, excess, protection
from .policy_match import match

__all__ = [
    "DEFAULTS",
    "RISKS",
    "UNKNOWN",
    "Approval",
    "Call",
    "Flags",
    "Guards",
    "Permit",
    "Risk",
    "Rule",
    "Surroundings",
    "TargetFacts",
    "Verdict",
    "decide",
    "identity_of",
    "raised",
    "risk_of",
    "strictest",
]
_DEFAULT = "default"
DEFAULTS: Mapping[str, tuple[Decision, Channel | None]] = {
    "read": ("allow", None),
    "write": ("allow", None),
    "disruptive": ("approve", "client"),
    "destructive": ("approve", "person"),
}
_STRICTNESS: tuple[Decision, ...] = ("allow", "approve", "deny")
_WHO: Mapping[Channel | None, str] = {"client": "the client's user or a person"}
_WORDS: Mapping[Decision, str] = {
    "allow": "allows",
    "approve": "asks for approval of",
    "deny": "denies",
}
_BY_DEFAULT: Mapping[Decision, str] = {"allow": "are allowed", "approve": "need approval"}


class Permit:
    """The right to run one job once. Only `decide()` makes one."""

    __slots__ = ("_identity", "_lock", "_used")

    def __init__(self, identity: str, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Permit is made by policy.decide() alone")
        self._identity = identity
        self._used = False
        self._lock = threading.Lock()

    def __reduce__(self) -> str:
        """Refuse to be copied or pickled: two permits would be two runs."""
        raise TypeError("a Permit cannot be copied")

    @classmethod
    def joined(cls, permits: Sequence[Permit]) -> Permit:
        """Return the permit for one run of all that these allow, which uses each of them up.

        Raises ValueError when one of them was used before.
        """
        identities = [permit._identity for permit in permits]
        if not all(permit.redeem(permit._identity) for permit in permits):
            raise ValueError("a permit that was used cannot be joined")
        return cls(joined_identity(identities), _SEAL)

    def redeem(self, identity: str) -> bool:
        """Use the permit for the job of this digest; False when it is another job or was used."""
        with self._lock:
            if self._used or identity != self._identity:
                return False
            self._used = True
            return True


@dataclass(frozen=True)
class Verdict:
    """What was decided, by which rule and why.

    ``approve`` says that an approval is missing: ``by`` whom, and whether by another than the
    caller (``four_eyes``). An approval that satisfies it makes it ``allow``, and is then in
    ``approval``. ``permit`` is there exactly when the decision is to allow.
    """

    decision: Decision
    rule: str
    reason: str
    by: Channel | None = None
    four_eyes: bool = False
    approval: Approval | None = None
    permit: Permit | None = field(default=None, repr=False, compare=False)

    @property
    def allowed(self) -> bool:
        """Whether the call may run now."""
        return self.decision == "allow"


_SEAL = object()
_NO_GUARDS = Guards()


def decide(
    call: Call,
    rules: Sequence[Rule],
    flags: Flags,
    around: Surroundings = NOWHERE,
    guards: Guards = _NO_GUARDS,
) -> Verdict:
    """Judge a call: the strictest verdict of its targets counts.

    Order: an unknown risk is denied; then the flags and a target's own `read_only`; then what is
    protected; then the first rule that matches; then the default, which allows read and write,
    asks the client's user or a person for what is disruptive, and a person for what is
    destructive. A rule of which it is not known whether it matches counts only where it is
    stricter than what follows it. What is left is denied when it would break a limit.
    """
    judged = [
        _beyond_rules(call, target, flags, guards) or _by_rules(call, target, rules, around)
        for target in call.targets
    ]
    if not judged:
        return Verdict("deny", "no_target", "the call names no target")
    verdict = reduce(_stricter, judged)
    broken = excess(call, guards.limits, around.recent)
    if broken and verdict.decision != "deny":
        return Verdict("deny", *broken)
    if verdict.decision == "approve":
        verdict = _approved(verdict, call)
    if verdict.allowed:
        return replace(verdict, permit=Permit(call.identity, _SEAL))
    return verdict


def strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict over several calls that are one: it asks for all that any asks for."""
    return reduce(_stricter, verdicts)


def risk_of(entry: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> str:
    """Return the risk of a module with these resolved arguments; the worst that applies.

    ``entry`` is the module's part of `modules.json`. Whatever the table does not say clearly is
    `unknown`, which no rule can allow.
    """
    table = entry.get("risk") if isinstance(entry, Mapping) else None
    if not isinstance(table, Mapping):
        return UNKNOWN
    classes = [table.get("base")]
    for rule in table.get("raises") or ():
        if raised(rule, arguments):
            classes.append(rule.get("to"))
    known = [risk for risk in classes if risk in RISKS]
    return max(known, key=RISKS.index) if len(known) == len(classes) else UNKNOWN


def joined_identity(identities: Sequence[str]) -> str:
    """Return the digest of one run of several jobs, in their order."""
    return identity_of("joined", list(identities))


def identity_of(*parts: Any) -> str:
    """Return the digest of what a permit covers; equal for equal values only."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def satisfies(approval: Approval | None, verdict: Verdict, call: Call) -> bool:
    """Whether an approval is what a verdict asks for: this plan, by one who may approve it."""
    if approval is None or not approval.approver:
        return False
    if not call.plan_digest or approval.digest != call.plan_digest:
        return False
    if approval.channel == "person":
        return not verdict.four_eyes or approval.approver != call.principal != ""
    return approval.channel == "client" and verdict.by == "client" and not verdict.four_eyes


def raised(rule: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a rule of a module's risk table applies to these arguments."""
    option = str(rule.get("option"))
    if option not in arguments:
        return False
    value, values = arguments[option], rule.get("values")
    if not values:
        return value not in (None, False)
    # 1 == True in Python, but not in a module's options.
    return any(type(value) is type(each) and value == each for each in values)


def _approved(verdict: Verdict, call: Call) -> Verdict:
    if satisfies(call.approval, verdict, call):
        return replace(verdict, decision="allow", approval=call.approval)
    # A preview is what an approval is asked for with; it needs none itself.
    return replace(verdict, decision="allow") if call.check else verdict


def _stricter(one: Verdict, other: Verdict) -> Verdict:
    """Return a verdict that asks for all that either asks for."""
    worst, mild = sorted(
        (one, other), key=lambda each: _STRICTNESS.index(each.decision), reverse=True
    )
    if worst.decision != mild.decision or worst.decision == "deny":
        return worst
    rules = ", ".join(dict.fromkeys((*one.rule.split(", "), *other.rule.split(", "))))
    by: Channel | None = "person" if "person" in (one.by, other.by) else one.by
    reason = other.reason if other.by == by != one.by else one.reason
    return replace(
        one, rule=rules, reason=reason, by=by, four_eyes=one.four_eyes or other.four_eyes
    )


def _beyond_rules(call: Call, target: TargetFacts, flags: Flags, guards: Guards) -> Verdict | None:
    risk = call.effective_risk
    where = f"{call.operation} on {target.name}"
    if risk not in RISKS:
        return Verdict("deny", "unknown_operation", f"the risk of {call.operation} is not known")
    if risk != "read" and flags.read_only:
        return Verdict("deny", "read_only", f"the server runs read-only; {where} would write")
    if risk != "read" and target.read_only:
        return Verdict("deny", "target_read_only", f"the target {target.name} is read-only")
    if risk == "destructive" and flags.no_destructive:
        return Verdict("deny", "no_destructive", f"the server refuses what destroys: {where}")
    shielded = protection(call, target, guards.protected)
    return Verdict("deny", *shielded) if shielded else None


def _by_rules(
    call: Call, target: TargetFacts, rules: Sequence[Rule], around: Surroundings
) -> Verdict:
    unsure: list[Verdict] = []
    for rule in rules:
        found = match(rule, call, target, around)
        if not found.matches:
            continue
        verdict = _said(rule, call, target, found.unknown)
        if found.sure:
            return reduce(_stricter, unsure, verdict)
        # What only may be allowed is judged by what follows.
        if rule.verdict != "allow":
            unsure.append(verdict)
    return reduce(_stricter, unsure, _default(call, target))


def _said(rule: Rule, call: Call, target: TargetFacts, unknown: Sequence[str]) -> Verdict:
    what = f"{call.effective_risk} {call.operation} on {target.name}"
    reason = f"rule {rule.name} {_WORDS[rule.verdict]} {what}"
    if unknown:
        reason += f" (not known, so it counts as matched: {', '.join(unknown)})"
    if rule.verdict != "approve":
        return Verdict(rule.verdict, rule.name, reason)
    return _asking(rule.name, reason, rule.by, rule.four_eyes)


def _default(call: Call, target: TargetFacts) -> Verdict:
    risk = call.effective_risk
    decision, by = DEFAULTS[risk]
    reason = f"{risk} calls {_BY_DEFAULT[decision]} by default ({call.operation} on {target.name})"
    if decision == "allow":
        return Verdict("allow", _DEFAULT, reason)
    return _asking(_DEFAULT, reason, by, four_eyes=False)


def _asking(rule: str, reason: str, by: Channel | None, four_eyes: bool) -> Verdict:
    who = "another person than the caller" if four_eyes else _WHO.get(by, "a person")
    return Verdict("approve", rule, f"{reason}; {who} must approve", by, four_eyes)
