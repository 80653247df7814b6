# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks policy about a call with what it depends on: the time, and what was done lately."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .. import policy
from ..limits import Ledger
from ..policy import Call, Flags, Guards, Rule, Surroundings, Verdict
from ..policy_guards import missing
from ..runner.base import Job


@dataclass(frozen=True)
class Weighed:
    """A job, the call that policy sees in it, and what policy says to that."""

    job: Job
    judged: Call
    verdict: Verdict


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Judge:
    """The policy of one bridge. Whoever has a verdict of it has the words of `policy.decide`."""

    rules: Sequence[Rule] = ()
    flags: Flags = field(default_factory=Flags)
    guards: Guards = field(default_factory=Guards)
    ledger: Ledger | None = None
    clock: Callable[[], datetime.datetime] = _now

    def verdict(self, call: Call) -> Verdict:
        """Judge a call that is about to run; one that may run is counted in the same moment.

        Raises StoreBroken when it cannot be counted; then it must not run.
        """
        return self._judged(call, counts=True)

    def opinion(self, call: Call) -> Verdict:
        """Judge a call that is only thought of; nothing is counted."""
        return self._judged(call, counts=False)

    def lacks_facts(self, call: Call) -> bool:
        """Whether a verdict on a call that writes depends on what is not known of its object."""
        if call.effective_risk == "read" or self.flags.read_only:
            return False
        return bool(missing(call, self.rules, self.guards, Surroundings(self.clock())))

    def _judged(self, call: Call, *, counts: bool) -> Verdict:
        now = self.clock()
        if self.ledger is None or not self.guards.limits.count or call.effective_risk == "read":
            return self._decide(call, Surroundings(now))
        with self.ledger.claiming(call.principal, now.timestamp()) as claim:
            verdict = self._decide(call, Surroundings(now, claim.recent))
            if verdict.allowed and counts:
                claim.count(call.effective_risk, max(call.objects, len(call.targets)))
        return verdict

    def _decide(self, call: Call, around: Surroundings) -> Verdict:
        return policy.decide(call, self.rules, self.flags, around, self.guards)
