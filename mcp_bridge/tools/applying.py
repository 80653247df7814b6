# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`plan_apply`: does what a plan showed, once, if it would still show the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from ..approvals import Approvals
from ..envelope import Envelope, denied
from ..errors import ApprovalRefused, AuditFailed, JobRefused, RunnerBroken, SealBroken
from ..plan_store import PlanStore
from ..plans import OPEN, Plan, State, digest_of, drift
from ..scopes import APPROVE
from ..targets_problems import TargetsInvalid
from .ends import Denied, NoAnswer, code_of, reason
from .planning import Planner, waiting
from .spec import Call, Caller, Refusal, Ticket, Tool, schema

_NOT_AGAIN = "Make a new plan with check: true, or call the tool anew; nothing was run."
_AGAIN = "To ask again, call plan_apply with plan_id"
_USED: Mapping[str, str] = {
    "applying": "is being applied at this moment",
    "applied": "was applied",
    "failed": "was applied and failed",
    "uncertain": "was being applied when the bridge died",
    "rejected": "was rejected",
    "stale": "was found stale",
    "expired": "has expired",
}
_CODES: Mapping[str, str] = {"rejected": "denied_by_policy", "stale": "plan_stale"}
# Failures that say nothing of the object: the plan is not stale, it just could not be tried.
_NOT_TRIED = frozenset(
    {"target_unreachable", "auth_failed", "forbidden_by_platform", "busy", "timeout", "cancelled",
     "uncertain", "internal", "limit_reached"}
)  # fmt: skip
_NOTHING_RUN = (Refusal, Denied, AuditFailed, JobRefused, RunnerBroken, TargetsInvalid)
_LOST = frozenset({"uncertain", "timeout", "cancelled", "internal"})
_DECLINED = "Do not ask again for the same; ask the user what to do instead."
Decision = Literal["approved", "declined", "undecided"]
_APPLY = schema(
    {"plan_id": {"type": "string", "maxLength": 64, "description": "data.plan.id of an answer"}},
    required=("plan_id",),
)


class Applying:
    """Applies plans: takes one, looks whether it still holds, and repeats its call."""

    def __init__(
        self,
        plans: PlanStore,
        approvals: Approvals,
        planner: Planner,
        owner: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plans, self._approvals, self._planner = plans, approvals, planner
        self._owner, self._clock = owner, clock

    def apply(self, call: Call, tool_of: Callable[[str], Tool]) -> Mapping[str, Any]:
        """Answer a call of `plan_apply` as the call that the plan repeats would be answered."""
        plan = self.find(call.arguments["plan_id"], call.caller)
        if plan.asks_for_approval():
            return self._planner.ask(call, plan)
        plan, repeated = self._take(plan)
        tool, arguments = tool_of(repeated["tool"]), repeated["arguments"]
        self._look(call, plan, tool, arguments)
        return self._repeat(call, plan, tool, arguments)

    def decide(self, plan_id: str, decision: Decision, caller: Caller) -> Envelope | None:
        """Take over what the client says that its user decided; None when it can be applied.

        Raises `Refusal` for a plan that is not the caller's or over, for one that a client cannot
        approve, and for a caller that may not be asked.
        """
        plan = self.find(plan_id, caller)
        if not caller.can_ask:
            text = "This answer does not count: its client shows no forms, or its token lacks"
            raise Refusal("approval_required", f"{text} {APPROVE}.", f"{_AGAIN} {plan.id}.")
        if plan.state == "approved":
            return None
        try:
            if decision == "approved":
                self._approvals.approve(plan, "client", caller.principal)
                return None
            if decision == "declined":
                self._approvals.reject(plan, "client", caller.principal)
                return denied("The user of the client declined it.", next_step=_DECLINED)
        except ApprovalRefused as error:
            raise Refusal("approval_required", str(error), _NOT_AGAIN) from error
        text = f"The user of the client did not decide about plan {plan.id}. Nothing was run."
        return waiting(plan, text, f"{_AGAIN} {plan.id}.")

    def _look(self, call: Call, plan: Plan, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Preview once more; `Refusal` when that is not what the plan showed."""
        ticket = Ticket(plan=plan, applying=True)
        preview = replace(
            call, tool=tool.name, arguments={**arguments, "check": True}, ticket=ticket
        )
        try:
            tool.answer(preview)
            _compare(plan, ticket)
        except NoAnswer as error:
            result = next(iter(error.run.failed.values()))
            tried = code_of(result) not in _NOT_TRIED
            self._end(plan, "stale" if tried else "failed")
            code = "plan_stale" if tried else code_of(result)
            text = f"Plan {plan.id} cannot be previewed any more ({reason(result)})."
            raise Refusal(code, text, _NOT_AGAIN) from error
        except BaseException:
            self._end(plan, "stale")
            raise

    def _repeat(
        self, call: Call, plan: Plan, tool: Tool, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        again = replace(
            call, tool=tool.name, arguments=arguments, ticket=Ticket(plan=plan, applying=True)
        )
        try:
            body = dict(tool.answer(again))
        except NoAnswer as error:
            codes = {code_of(result) for result in error.run.failed.values()}
            self._end(plan, "uncertain" if codes & _LOST else "failed", error.run.run_id)
            raise
        except _NOTHING_RUN:
            self._end(plan, "failed")
            raise
        except BaseException:
            self._end(plan, "uncertain")
            raise
        self._end(plan, _state_of(body), body.get("run_id"))
        content = body.get("data")
        content = content if isinstance(content, Mapping) else {"result": content}
        return {**body, "data": {**content, "plan": {"id": plan.id, "state": _state_of(body)}}}

    def find(self, plan_id: str, caller: Caller) -> Plan:
        """Return a plan that its caller may still apply; else `Refusal` says why not."""
        try:
            plan = self._plans.get(plan_id)
        except SealBroken:
            raise _tampered(plan_id) from None
        mine = plan is not None and (
            (plan.terms.get("principal"), plan.terms.get("client"))
            == (caller.principal, caller.client)
        )
        if plan is None or not mine:
            raise Refusal("not_found", f"There is no plan {plan_id!r} of yours.", _NOT_AGAIN)
        if not plan.intact:
            raise _tampered(plan_id)
        return self._in_time(plan)

    def _take(self, plan: Plan) -> tuple[Plan, dict[str, Any]]:
        """Take a plan for applying, and return it with the call that it repeats.

        Of all who try at once one gets it; for the others `Refusal` says that it is used.
        """
        try:
            repeated = self._plans.call_of(plan)
        except LookupError:
            repeated = {}
        except SealBroken:
            raise _tampered(plan.id) from None
        taken = self._plans.move(plan, "applying", owner=self._owner) if repeated else None
        if taken is None:
            raise _used(self._plans.get(plan.id) or plan)
        return taken, repeated

    def _end(self, plan: Plan, state: State, run_id: str | None = None) -> None:
        """Say how applying a plan ended."""
        self._plans.move(plan, state, run_id=run_id)
        self._approvals.record("applied", plan, run_id=run_id, reason=state)

    def _in_time(self, plan: Plan) -> Plan:
        now = self._clock()
        if plan.state not in OPEN:
            raise _used(plan)
        if plan.is_over(now):
            self._approvals.expire(plan)
            raise _used(plan, "expired")
        if plan.state == "approved" and self._approvals.is_over(plan, now):
            self._approvals.expire(plan)
            raise Refusal(
                "approval_expired", f"The approval of plan {plan.id} is too old.", _NOT_AGAIN
            )
        return plan


def _state_of(body: Mapping[str, Any]) -> State:
    if body["ok"]:
        return "applied"
    return "uncertain" if body["error"]["code"] in _LOST else "failed"


def _used(plan: Plan, state: str = "") -> Refusal:
    state = state or plan.state
    code = _CODES.get(state, "plan_used")
    if state == "expired":
        code = "approval_expired" if plan.verdict == "approve" else "plan_stale"
    if state == "uncertain":
        text = f"The plan {plan.id} {_USED[state]}; whether it was applied is not known."
        return Refusal("uncertain", text, "Read the object, then make a new plan if needed.")
    text = f"The plan {plan.id} {_USED.get(state, 'was taken by another call')}."
    return Refusal(code, text, _NOT_AGAIN)


def _tampered(plan_id: str) -> Refusal:
    return Refusal("plan_stale", f"The plan {plan_id} was changed where it is stored.", _NOT_AGAIN)


def _compare(plan: Plan, ticket: Ticket) -> None:
    """Raise `Refusal` unless a preview made now is that of the plan."""
    if ticket.seen is not None and digest_of(ticket.seen) == plan.digest:
        return
    parts = drift(plan.terms, ticket.seen) if ticket.seen is not None else ("the preview",)
    raise Refusal(
        "plan_stale", f"Since plan {plan.id} was made, {', '.join(parts)} changed.", _NOT_AGAIN
    )


def tools(applying: Applying, tool_of: Callable[[str], Tool]) -> tuple[Tool, ...]:
    """Return the one tool."""
    return (
        Tool(
            name="plan_apply",
            title="Apply a plan",
            description=(
                "Does what a preview (check: true) showed, once, and answers as that call would. "
                "Refused when it would show something else now (plan_stale), was applied "
                "(plan_used), or lacks an approval, which only a person can give."
            ),
            input_schema=_APPLY,
            answer=lambda call: applying.apply(call, tool_of),
            read_only=False,
            destructive=True,
            idempotent=False,
        ),
    )
