# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule speaks of a call: yes, no, or not known because a fact is missing. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from .policy_facts import OBJECT_PARTS, Call, Rule, Surroundings, TargetFacts


@dataclass(frozen=True)
class Match:
    """Whether a rule matches; ``unknown`` are the parts whose facts are missing."""

    matches: bool
    why_not: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether it matches whatever the missing facts are."""
        return self.matches and not self.unknown


def match(rule: Rule, call: Call, target: TargetFacts, around: Surroundings) -> Match:
    """Return whether a rule matches a call on one of its targets.

    One part that does not match decides, also when others are not known.
    """
    unknown: list[str] = []
    for part, patterns in rule.patterns.items():
        values = _values(part, call, target)
        if values is None and call.own:
            # No caller sees what it finds, so a rule about objects has nothing to say.
            return Match(False, f"{part} is what the bridge looks up")
        if values is None:
            unknown.append(part)
        elif not any(fits(value, patterns) for value in values):
            return Match(False, f"{part} is {', '.join(values) or 'none'}")
    for key, wanted in rule.labels.items():
        found = target.labels.get(key)
        if found != wanted:
            return Match(False, f"label {key} is {found or 'absent'}")
    window = rule.window
    if window is not None:
        if around.now is None:
            unknown.append("window")
        elif not window.is_open(around.now):
            return Match(False, f"window {window.name} is closed")
    return Match(True, unknown=tuple(unknown))


def fits(value: str, patterns: Sequence[str]) -> bool:
    """Whether a text fits one of the patterns."""
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _values(part: str, call: Call, target: TargetFacts) -> tuple[str, ...] | None:
    if part in OBJECT_PARTS:
        return call.about.get(part)
    if part == "target":
        return (target.name,)
    if part == "platform":
        return (target.platform,)
    return (call.effective_risk if part == "risk" else str(getattr(call, part)),)
