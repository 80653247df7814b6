# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What denies whatever the rules say: protected objects, and limits to how much is done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .policy_facts import OBJECT_PARTS, Call, Recent, Rule, Surroundings, TargetFacts
from .policy_match import fits, match

_HARMFUL = ("disruptive", "destructive")
PROTECTED_PARTS = ("name", "tags")


@dataclass(frozen=True)
class Protected:
    """What nobody interrupts or destroys: on targets with a label, by tag, by name."""

    labels: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    names: Sequence[str] = ()

    def of(self, part: str) -> Sequence[str]:
        """Return the patterns of an object's part that protect it."""
        return self.tags if part == "tags" else self.names


@dataclass(frozen=True)
class Rates:
    """The most in a time; no limit where None."""

    destructive_per_hour: int | None = None
    disruptive_per_hour: int | None = None
    writes_per_minute: int | None = None


@dataclass(frozen=True)
class Limits:
    """How much one principal may do, and all together (``overall``)."""

    each: Rates = Rates()
    overall: Rates = Rates()
    objects_per_call: int | None = None

    @property
    def count(self) -> bool:
        """Whether anything must be counted."""
        return self.each != Rates() or self.overall != Rates()


@dataclass(frozen=True)
class Guards:
    """Everything that denies beside the rules and the flags."""

    protected: Protected = field(default_factory=Protected)
    limits: Limits = field(default_factory=Limits)


Finding = tuple[str, str]
"""The words for the rule, and the reason."""


def protection(call: Call, target: TargetFacts, guarded: Protected) -> Finding | None:
    """Return why the object or target of a call is protected from it, None when it is not.

    What is not known protects: it is denied until it is known.
    """
    what = f"{call.effective_risk} {call.operation} on {target.name}"
    if call.effective_risk in _HARMFUL:
        for key, value in guarded.labels.items():
            if target.labels.get(key) == value:
                return "protected", f"the label {key}={value} protects {target.name}: no {what}"
        return next(
            filter(None, (_shielded(call, part, guarded, what) for part in PROTECTED_PARTS)), None
        )
    if call.effective_risk == "write":
        return next(
            filter(None, (_escaping(call, part, guarded, what) for part in PROTECTED_PARTS)), None
        )
    return None


def missing(
    call: Call, rules: Sequence[Rule], guards: Guards, around: Surroundings
) -> frozenset[str]:
    """Return the parts of the object that a verdict would need and that are not known."""
    wanted: set[str] = set()
    for target in call.targets:
        for rule in rules:
            found = match(rule, call, target, around)
            if found.matches:
                wanted.update(found.unknown)
            if found.sure:
                break
    harmful = call.effective_risk in _HARMFUL
    for part in PROTECTED_PARTS:
        if guards.protected.of(part) and (harmful or part in call.after):
            wanted.add(part)
    return frozenset(part for part in wanted & set(OBJECT_PARTS) if part not in call.about)


def excess(call: Call, limits: Limits, recent: Recent | None) -> Finding | None:
    """Return which limit a call would break, None when it breaks none.

    ``recent`` is what was done lately; where that is not known, a limit counts as reached.
    """
    risk, objects = call.effective_risk, max(call.objects, len(call.targets))
    most = limits.objects_per_call
    if risk != "read" and most is not None and objects > most:
        return "limits.objects_per_call", f"the call touches {objects} objects, at most {most} may"
    for whose, rates, done in (
        (call.principal or "one principal", limits.each, recent.each if recent else None),
        ("all together", limits.overall, recent.overall if recent else None),
    ):
        for name, risks, per in _RATES:
            allowed = getattr(rates, name)
            if allowed is None or risk not in risks:
                continue
            count = getattr(done, name) if done else allowed
            if count + objects > allowed:
                scope = "limits" if rates is limits.each else "limits.overall"
                text = (
                    f"{count} of {allowed} {per} by {whose} are used up, and this needs {objects}"
                )
                return f"{scope}.{name}", text
    return None


_RATES = (
    ("destructive_per_hour", ("destructive",), "destructive calls an hour"),
    ("disruptive_per_hour", ("disruptive",), "disruptive calls an hour"),
    ("writes_per_minute", ("write", "disruptive", "destructive"), "writes a minute"),
)


def _shielded(call: Call, part: str, guarded: Protected, what: str) -> Finding | None:
    patterns, values = guarded.of(part), call.about.get(part)
    if not patterns:
        return None
    if values is None:
        return (
            "protected",
            f"it is not known whether its {part} would protect the object: no {what}",
        )
    found = next((value for value in values if fits(value, patterns)), None)
    if found is None:
        return None
    word = "tag" if part == "tags" else "name"
    return "protected", f"the {word} {found} protects the object: no {what}"


def _escaping(call: Call, part: str, guarded: Protected, what: str) -> Finding | None:
    """Return whether a plain write would take away what protects the object."""
    after, patterns = call.after.get(part), guarded.of(part)
    if after is None or not patterns:
        return None
    values = call.about.get(part)
    if values is None:
        return "protected", f"it is not known which {part} it would take away: no {what}"
    lost = [value for value in values if fits(value, patterns) and value not in after]
    if not lost:
        return None
    word = "tag" if part == "tags" else "name"
    return "protected", f"the {word} {lost[0]} protects the object and must stay: no {what}"
