# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals of plans: asked for, given, refused, and recorded before they count.

An approval comes by one of two channels: `client` when only the client says that its user agreed,
`person` when somebody proved the second factor on a terminal. Nothing a tool is called with, and
nothing that a tool answers, is one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from .approvals_factor import Enrolment, Factors
from .audit import Audit, PlanEvent, PlanFacts
from .errors import ApprovalRefused, AuditFailed
from .plan_store import Overdue, PlanStore
from .plans import Plan
from .policy import Approval
from .policy_facts import Channel

# Without the letters and digits that are taken for others.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 8
_LOST = "it was lost, so nobody proved it"


class Approvals:
    """The approvals of one store of plans."""

    def __init__(
        self,
        plans: PlanStore,
        factors: Factors,
        audit: Audit,
        seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``seconds`` is how long an approval can be used."""
        self._plans, self.factors, self._audit = plans, factors, audit
        self._seconds, self._clock = seconds, clock

    def person_can(self) -> bool:
        """Whether a person has a second factor to approve with."""
        return self.factors.kind() is not None

    def enrol(self, enrolment: Enrolment, answer: str, who: str) -> None:
        """Store a second factor once its owner has shown that it works, and its line is written.

        The caller has proven the factor before, see `prove`.
        """
        before = self.factors.kind() or ""
        self.factors.enrol(
            enrolment,
            answer,
            lambda: self._audit.factor("enrolled", who, enrolment.kind, replaced=before),
        )

    def unenrol(self, who: str, *, lost: bool) -> None:
        """Remove the second factor, once its line is written; what waits goes on waiting.

        The caller has proven the factor before, see `prove`, unless it is ``lost``.
        """
        why = _LOST if lost else ""
        self.factors.remove(lambda kind: self._audit.factor("unenrolled", who, kind, reason=why))

    def prove(self, answer: str, who: str, plan: Plan | None = None) -> None:
        """Return when the second factor is right; ApprovalRefused, and a line, when it is not."""
        try:
            self.factors.check(answer)
        except ApprovalRefused:
            kind = self.factors.kind() or "none"
            self._audit.factor("factor_refused", who, kind, plan_id=plan.id if plan else "")
            raise

    def is_over(self, plan: Plan, now: float) -> bool:
        """Whether a plan's approval is too old to be used."""
        return plan.approval_is_over(now, self._seconds)

    def ask(self, plan: Plan) -> Plan:
        """Let a plan wait for its approval, and give it the code that a person types."""
        if plan.state == "pending":
            return plan
        asked = self._plans.move(plan, "pending", code=_code())
        return asked or self._plans.get(plan.id) or plan

    def waiting(self) -> list[Plan]:
        """Return the plans that can be approved now."""
        now = self._clock()
        return [plan for plan in self._plans.pending() if plan.intact and not plan.is_over(now)]

    def find(self, code: str) -> Plan:
        """Return the plan that waits under a code; ApprovalRefused when none does."""
        plan = self._plans.by_code(code.strip().upper().replace("-", ""))
        if plan is None or plan.state != "pending" or plan.is_over(self._clock()):
            raise ApprovalRefused(
                f"No plan waits for approval under {code}: it is mistyped, decided or expired. "
                "`virtbridge approvals` lists those that wait."
            )
        if not plan.intact:
            raise ApprovalRefused(f"The plan {plan.id} was changed where it is stored.")
        return plan

    def approve(self, plan: Plan, channel: Channel, approver: str) -> Plan:
        """Approve exactly this plan; ApprovalRefused when it may not be, or no longer waits.

        The caller has proven that ``approver`` may speak for the channel.
        """
        now = int(self._clock())
        if plan.state != "pending" or plan.is_over(now):
            raise ApprovalRefused(f"The plan {plan.id} does not wait for approval any more.")
        if channel != "person" and (plan.by != "client" or plan.four_eyes):
            raise ApprovalRefused("The policy asks for a person, and a client is none.")
        if plan.four_eyes and approver == plan.terms["principal"]:
            raise ApprovalRefused(
                f"The policy asks for a second person, and {approver} asked for it."
            )
        approval = Approval(channel, approver, plan.digest)
        self.record("approved", replace(plan, approval=approval))
        done = self._plans.move(plan, "approved", approval=approval, approved=now)
        if done is None:
            raise ApprovalRefused(f"The plan {plan.id} was decided by somebody else just now.")
        return done

    def reject(self, plan: Plan, channel: Channel, approver: str) -> None:
        """Refuse a plan for good; ApprovalRefused when it no longer waits."""
        if self._plans.move(plan, "rejected") is None:
            raise ApprovalRefused(f"The plan {plan.id} was decided by somebody else just now.")
        self.record("rejected", replace(plan, approval=Approval(channel, approver, plan.digest)))

    def settle(self, lives: Callable[[str], bool], keep: float) -> None:
        """End what cannot go on any more, and forget what ended longer than ``keep`` s ago."""
        with suppress(AuditFailed):
            self.expire_all()
        for plan in self._plans.sweep(self._clock(), lives, keep):
            # A bridge starts also when its audit cannot be written; then it refuses each call.
            with suppress(AuditFailed):
                self.record("applied", plan, run_id=plan.run_id, reason=plan.state)

    def expire_all(self) -> None:
        """End the plans whose time is over; AuditFailed leaves some, which are refused anyway."""
        for over in self._plans.overdue(self._clock()):
            self._expire(over)

    def expire(self, plan: Plan) -> None:
        """End a plan whose time, or whose approval's, is over."""
        self._expire(Overdue(plan.id, plan.state, plan.digest, plan.terms["principal"]))

    def _expire(self, over: Overdue) -> None:
        facts, reason = PlanFacts(over.id, over.digest), f"it was {over.state}"
        self._plans.expire(
            over, lambda: self._audit.plan("expired", over.principal, facts, reason=reason)
        )

    def record(
        self, event: PlanEvent, plan: Plan, *, run_id: str | None = None, reason: str = ""
    ) -> None:
        """Write to the audit what happens to a plan. Raises AuditFailed: then it must not."""
        facts = plan_facts(plan)
        self._audit.plan(event, plan.terms["principal"], facts, run_id=run_id, reason=reason)


def plan_facts(plan: Plan) -> PlanFacts:
    """Return what the audit says of a plan."""
    who = plan.approval
    return PlanFacts(plan.id, plan.digest, who.approver if who else "", who.channel if who else "")


def _code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(_CODE_LENGTH))
