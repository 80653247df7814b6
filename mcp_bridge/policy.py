# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which calls may run. Pure: no I/O, no clock; the only maker of permits.

An executor runs a job only with a `Permit`, and a permit comes only out of `decide()` with an
allowing verdict. It is bound to the digest of one job and is good for one run.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Risk = Literal["read", "write", "disruptive", "destructive"]
RISKS: tuple[Risk, ...] = ("read", "write", "disruptive", "destructive")
UNKNOWN = "unknown"
_ALLOWED_BY_DEFAULT = ("read", "write")
_DEFAULT = "default"


@dataclass(frozen=True)
class TargetFacts:
    """What policy knows of a target."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True)
class Call:
    """One resolved call, ready to be judged.

    ``identity`` is the digest of the job (see `identity_of`); the permit covers that job alone.
    ``risk`` is what `risk_of` says. A preview (``check``) changes nothing, so it counts as read.
    """

    tool: str
    operation: str
    risk: str
    targets: tuple[TargetFacts, ...]
    identity: str
    check: bool = False
    principal: str = ""
    client: str = ""

    @property
    def effective_risk(self) -> str:
        """Return the risk of what this call really does."""
        return "read" if self.check and self.risk in RISKS else self.risk


class Rule(Protocol):
    """One rule of the configuration; every given part must match, absent parts match all."""

    @property
    def name(self) -> str:
        """Return the words by which audit and answers call the rule."""

    @property
    def verdict(self) -> Literal["allow", "deny"]:
        """Return what the rule says when it matches."""

    @property
    def patterns(self) -> Mapping[str, Sequence[str]]:
        """Return patterns (`*`, `?`) by part: tool, operation, risk, target, principal, client."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return labels that the target must carry."""


@dataclass(frozen=True)
class Flags:
    """Switches that no rule can overrule."""

    read_only: bool = False
    no_destructive: bool = False


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

    def redeem(self, identity: str) -> bool:
        """Use the permit for the job of this digest; False when it is another job or was used."""
        with self._lock:
            if self._used or identity != self._identity:
                return False
            self._used = True
            return True


@dataclass(frozen=True)
class Verdict:
    """What was decided, by which rule and why; ``permit`` is there only when it allows."""

    allowed: bool
    rule: str
    reason: str
    permit: Permit | None = field(default=None, repr=False, compare=False)


_SEAL = object()


def decide(call: Call, rules: Sequence[Rule], flags: Flags) -> Verdict:
    """Judge a call: it is allowed when every one of its targets allows it.

    Order: an unknown risk is denied; then the flags and a target's own `read_only`; then the
    first rule that matches; then the default, which allows read and write and denies the rest.
    """
    judged = [_judge(call, target, rules, flags) for target in call.targets]
    if not judged:
        judged = [Verdict(False, "no_target", "the call names no target")]
    for verdict in judged:
        if not verdict.allowed:
            return verdict
    names = ", ".join(dict.fromkeys(verdict.rule for verdict in judged))
    return Verdict(True, names, judged[0].reason, Permit(call.identity, _SEAL))


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
        if _raised(rule, arguments):
            classes.append(rule.get("to"))
    known = [risk for risk in classes if risk in RISKS]
    return max(known, key=RISKS.index) if len(known) == len(classes) else UNKNOWN


def identity_of(*parts: Any) -> str:
    """Return the digest of what a permit covers; equal for equal values only."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _raised(rule: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    option = str(rule.get("option"))
    if option not in arguments:
        return False
    value, values = arguments[option], rule.get("values")
    if not values:
        return value not in (None, False)
    # 1 == True in Python, but not in a module's options.
    return any(type(value) is type(each) and value == each for each in values)


def _judge(call: Call, target: TargetFacts, rules: Sequence[Rule], flags: Flags) -> Verdict:
    risk = call.effective_risk
    where = f"{call.operation} on {target.name}"
    if risk not in RISKS:
        return Verdict(False, "unknown_operation", f"the risk of {call.operation} is not known")
    if risk != "read" and flags.read_only:
        return Verdict(False, "read_only", f"the server runs read-only; {where} would write")
    if risk != "read" and target.read_only:
        return Verdict(False, "target_read_only", f"the target {target.name} is read-only")
    if risk == "destructive" and flags.no_destructive:
        return Verdict(False, "no_destructive", f"the server refuses what destroys: {where}")
    for rule in rules:
        if _matches(rule, call, target, risk):
            allowed = rule.verdict == "allow"
            word = "allows" if allowed else "denies"
            return Verdict(allowed, rule.name, f"rule {rule.name} {word} {risk} {where}")
    allowed = risk in _ALLOWED_BY_DEFAULT
    word = "allowed" if allowed else "denied"
    return Verdict(allowed, _DEFAULT, f"{risk} calls are {word} by default ({where})")


def _matches(rule: Rule, call: Call, target: TargetFacts, risk: str) -> bool:
    facts = {
        "tool": call.tool,
        "operation": call.operation,
        "risk": risk,
        "target": target.name,
        "principal": call.principal,
        "client": call.client,
    }
    for part, patterns in rule.patterns.items():
        if not any(fnmatch.fnmatchcase(facts[part], pattern) for pattern in patterns):
            return False
    return all(target.labels.get(key) == value for key, value in rule.labels.items())
