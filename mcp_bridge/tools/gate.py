# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a job meets policy and audit: nothing comes past it without a record of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import policy
from ..approvals import plan_facts
from ..audit import Audit
from ..catalog import Catalog, short_name
from ..plans import Plan
from ..policy import TargetFacts
from ..policy_facts import Decision
from ..redact import Redactor
from ..runner.base import Job, Outcome
from ..scopes import needed
from ..targets import Target
from . import fleet
from .ends import Denied, Waits, code_of, lacking
from .judging import Judge, Weighed
from .planning import Planner
from .spec import Begun, Call, Caller, Refusal


@dataclass(frozen=True)
class Gate:
    """Asks policy, writes the audit, and gives permits."""

    audit: Audit
    judge: Judge
    planner: Planner

    def weigh(self, call: Call, job: Job, judged: policy.Call) -> Weighed:
        """Return what policy says to a job.

        It denies where the caller has no credential of its own. Raises `Refusal` for what the
        caller's token does not cover.
        """
        scope = needed(writes=judged.risk != "read", check=job.check)
        if scope not in call.caller.scopes:
            verdict = policy.Verdict("deny", "scope", f"the token lacks the scope {scope}")
            self.refuse(Weighed(job, judged, verdict))
            raise lacking(call.tool, scope)
        strange = next((each.name for each in job.targets if each.withheld), None)
        if strange is not None:
            reason = f"{judged.principal} has no credential of its own on {strange}"
            return Weighed(job, judged, policy.Verdict("deny", "identity", reason))
        # Of several, each is counted by itself, and only once it is known that they may run.
        judge = self.judge.opinion if judged.objects > 1 else self.judge.verdict
        return Weighed(job, judged, judge(judged))

    def must_ask(self, call: Call, weighed: Sequence[Weighed]) -> bool:
        """Whether these jobs need an approval, which their preview is the first step to.

        Raises `Denied` when nobody could give it, and `Refusal` when they are to apply a plan that
        did not preview exactly them.
        """
        if all(each.job.check or each.judged.own for each in weighed):
            return False
        plan = call.ticket.plan
        if plan is not None and call.ticket.applying:
            if not self.planner.covers(plan, weighed):
                text = f"This is not what plan {plan.id} showed; nothing was run."
                raise Refusal("plan_stale", text, "Make a new plan with check: true.")
            return False
        asking = [each for each in weighed if each.verdict.decision == "approve"]
        if not asking:
            return False
        body = self.planner.refusal(call, asking)
        if body is not None:
            for each in asking:
                self.refuse(each)
            raise Waits(body)
        return True

    def ask(self, call: Call) -> Waits:
        """Return how a call ends whose preview just made the plan that needs an approval."""
        if call.ticket.plan is None:
            why = call.ticket.denial or "its preview gave nothing to approve"
            return Denied(f"It needs an approval, and cannot be planned: {why}.")
        return Waits(self.planner.ask(call, call.ticket.plan))

    def note(
        self, call: Call, weighed: Sequence[Weighed], results: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Make a plan of a preview of writes; ``results`` are by host."""
        previews = weighed[0].job.check and any(each.judged.risk != "read" for each in weighed)
        if not previews or all(each.get("failed") for each in results.values()):
            return
        real = [replace(each, verdict=self._real(each.judged)) for each in weighed]
        self.planner.note(call, real, results)

    def _real(self, judged: policy.Call) -> policy.Verdict:
        """Return what policy would say to a call that is previewed, without an approval."""
        return self.judge.opinion(replace(judged, check=False, approval=None))

    def admit(self, call: Call, weighed: Sequence[Weighed]) -> list[policy.Permit]:
        """Note that a run of these jobs begins, record each, and return their permits.

        Raises `Denied` before that when one of them has none; its refusal is recorded.
        """
        weighed = [self._counted(each) for each in weighed]
        for each in weighed:
            if each.verdict.permit is None:
                raise self.refuse(each)
        call.signals.started(_begun(weighed))
        plan = _applied(call)
        facts = plan_facts(plan) if plan else None
        for each in weighed:
            hiding = Redactor(each.job.secret_values)
            self.audit.intent(
                each.judged, each.verdict, each.job.args, each.job.run_id, hiding, plan=facts
            )
        return [each.verdict.permit for each in weighed if each.verdict.permit is not None]

    def _counted(self, weighed: Weighed) -> Weighed:
        if weighed.judged.objects == 1 or weighed.verdict.permit is None:
            return weighed
        judged = replace(weighed.judged, objects=1)
        return Weighed(weighed.job, judged, self.judge.verdict(judged))

    def refuse(self, weighed: Weighed) -> Denied:
        """Record that a job was denied; return what its caller is told."""
        job, verdict = weighed.job, weighed.verdict
        self.audit.refused(weighed.judged, verdict, job.args, Redactor(job.secret_values))
        return Denied(_why(verdict))

    def record(
        self,
        outcome: Outcome,
        results: Sequence[Mapping[str, Any]],
        seconds: float,
        *,
        several: bool = False,
    ) -> None:
        """Record how a run ended, and each of its parts when it was of ``several``."""
        codes = [code_of(result) if result.get("failed") else None for result in results]
        done = [result for result in results if not result.get("failed")]
        parts = [
            {"changed": bool(result.get("changed")), "error": code}
            for result, code in zip(results, codes, strict=True)
        ]
        self.audit.outcome(
            outcome.run_id,
            outcome.status,
            changed=any(result.get("changed") for result in done),
            error=next((code for code in codes if code), None),
            diff=[result["diff"] for result in done if result.get("diff")],
            milliseconds=round(seconds * 1000),
            how=outcome.how,
            parts=parts if several else (),
        )

    def verdict(self, risk: str, target: Target, caller: Caller) -> Decision:
        """Return what policy says to a risk class on a target, whatever the tool."""
        who, client = caller.principal, caller.client
        call = policy.Call("*", "*", risk, facts_of([target]), "", principal=who, client=client)
        return self.judge.opinion(call).decision


def judged_of(
    catalog: Catalog,
    call: Call,
    job: Job,
    operation: tuple[str, str] | None,
    *,
    objects: int = 1,
    own: bool = False,
) -> policy.Call:
    """Return the call that policy sees in a job, without what it must be told of the object.

    ``objects`` is how many the whole request touches, ``own`` is a read for a verdict. Raises
    `Refusal` for what the platform of a target cannot be asked.
    """
    module = short_name(job.module)
    entry = catalog.entry(module)
    for target in job.targets:
        fleet.check(entry, job.args, target)
    name, risk = operation or (module, policy.risk_of(entry, job.args))
    plan = _applied(call)
    return policy.Call(
        tool=call.tool,
        operation=name,
        risk=risk,
        targets=facts_of(job.targets),
        identity=job.identity,
        check=job.check,
        principal=call.caller.principal,
        client=call.caller.client,
        objects=objects,
        own=own,
        plan_digest=plan.digest if plan else "",
        approval=plan.approval if plan else None,
    )


def facts_of(targets: Sequence[Target]) -> tuple[TargetFacts, ...]:
    """Return targets as policy sees them."""
    return tuple(
        TargetFacts(each.name, each.labels, each.read_only, each.platform) for each in targets
    )


def _applied(call: Call) -> Plan | None:
    return call.ticket.plan if call.ticket.applying else None


def _begun(weighed: Sequence[Weighed]) -> Begun:
    targets = dict.fromkeys(name.name for each in weighed for name in each.job.targets)
    operations = dict.fromkeys(each.judged.operation for each in weighed)
    risks = [each.judged.effective_risk for each in weighed]
    worst = max(risks, key=policy.RISKS.index)
    return Begun(weighed[0].job.run_id, tuple(targets), ", ".join(operations), worst)


def _why(verdict: policy.Verdict) -> str:
    if verdict.decision == "approve":
        return f"{verdict.reason}, and there is no channel by which that could be asked."
    return f"{verdict.reason}."
