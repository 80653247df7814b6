# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes plans out of previews, and says what a caller can do with one."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ..approvals import Approvals
from ..envelope import Envelope, denied, failed
from ..errors import BridgeError
from ..plan_store import PlanStore, TooManyPlans
from ..plans import Plan, covered, diff_hash, digest_of, seen_hash
from ..policy import RISKS, Verdict, identity_of, strictest
from ..redact import Redactor
from .judging import Weighed
from .spec import Call, Refusal, Ticket

_WAIT = "Apply some, or wait until they expire; nothing was run."
_NAMES = ("ref", "name", "state", "tags")
_NO_CHANNEL = (
    "Nobody can approve yet. The operator sets that up once, on a terminal, with "
    "`virtbridge approve --enroll totp` (or `passphrase`), or allows the call in virtbridge.yml."
)


@dataclass(frozen=True)
class Basis:
    """What every plan of this bridge depends on, and how long it lives."""

    version: str
    policy: str
    key: bytes
    plan_ttl: int


class Planner:
    """The plans of one bridge, as its tools use them."""

    def __init__(
        self,
        plans: PlanStore,
        approvals: Approvals,
        basis: Basis,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plans, self._approvals = plans, approvals
        self._basis, self._clock = basis, clock

    def note(
        self, call: Call, weighed: Sequence[Weighed], results: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Take over what a preview found: as a new plan, or to compare with the one applied.

        ``weighed`` has what policy says to the jobs without `check`, and ``results`` are by host.
        What policy denies is no plan.
        """
        ticket = call.ticket
        said = strictest([each.verdict for each in weighed])
        if ticket.plan is not None and ticket.applying:
            ticket.seen = self._terms(ticket.plan, weighed, said, results)
        elif said.decision == "deny":
            ticket.denial = said.reason
        else:
            ticket.plan = self._made(call, weighed, said, results)

    def shown(self, ticket: Ticket) -> Mapping[str, Any] | None:
        """Return what the answer of a preview says about its plan."""
        if ticket.denial:
            return {"verdict": "deny", "next": f"It would be refused: {ticket.denial}."}
        plan = ticket.plan
        if plan is None:
            return None
        minutes = max(1, (plan.expires - plan.created) // 60)
        return {
            "id": plan.id,
            "digest": plan.digest,
            "risk": plan.terms["risk"],
            "verdict": plan.verdict,
            **({"by": plan.by} if plan.by else {}),
            "expires": _moment(plan.expires),
            "next": f"Call plan_apply with plan_id within {minutes} min{_approved_by(plan)}.",
        }

    def refusal(self, call: Call, weighed: Sequence[Weighed]) -> Envelope | None:
        """Return the answer to jobs that need an approval which nobody can give; else None."""
        said = strictest([each.verdict for each in weighed])
        return self._in_vain(call, said.reason, said.by, said.four_eyes)

    def ask(self, call: Call, plan: Plan) -> Envelope:
        """Return the answer to a call that needs an approval: who can give it, and how."""
        needs = _needs(plan)
        body = self._in_vain(call, needs, plan.by, plan.four_eyes)
        if body is not None:
            return body
        plan = self._approvals.ask(plan)
        if _client_can(call, plan.by, plan.four_eyes):
            call.ticket.question = plan
        return waiting(plan, f"{needs}. Nothing was run.")

    def expire(self) -> None:
        """End the plans whose time is over, unless that cannot be recorded now."""
        with suppress(BridgeError):
            self._approvals.expire_all()

    def covers(self, plan: Plan, weighed: Sequence[Weighed]) -> bool:
        """Whether jobs are those that the plan previewed."""
        return bool(plan.terms["parts"] == self._parts(weighed))

    def _in_vain(self, call: Call, why: str, by: str | None, four_eyes: bool) -> Envelope | None:
        if self._approvals.person_can() or _client_can(call, by, four_eyes):
            return None
        return denied(f"{why}, and no way to approve is set up.", next_step=_NO_CHANNEL)

    def _made(
        self, call: Call, weighed: Sequence[Weighed], said: Verdict, results: Mapping[str, Any]
    ) -> Plan:
        hiding = Redactor([value for each in weighed for value in each.job.secret_values])
        created = int(self._clock())
        draft = Plan(
            id=secrets.token_hex(12),
            state="planned",
            digest="",
            terms={},
            shown=hiding.clean(_shown(weighed, results)),
            created=created,
            expires=created + self._basis.plan_ttl,
            verdict=said.decision,
            by=said.by,
            four_eyes=said.four_eyes,
        )
        terms = self._terms(draft, weighed, said, results)
        plan = replace(draft, terms=terms, digest=digest_of(terms))
        # What is over counts no longer among those that the caller still has.
        self._approvals.expire_all()
        self._approvals.record("planned", plan, run_id=weighed[0].job.run_id)
        arguments = {name: value for name, value in call.arguments.items() if name != "check"}
        try:
            self._plans.add(plan, {"tool": call.tool, "arguments": arguments})
        except TooManyPlans:
            text = "You have too many plans that are neither applied nor expired."
            raise Refusal("busy", text, _WAIT, retryable=True) from None
        return plan

    def _terms(
        self, plan: Plan, weighed: Sequence[Weighed], said: Verdict, results: Mapping[str, Any]
    ) -> dict[str, Any]:
        judged = [each.judged for each in weighed]
        return {
            "plan": plan.id,
            "expires": plan.expires,
            "principal": judged[0].principal,
            "client": judged[0].client,
            "tool": judged[0].tool,
            "operation": ", ".join(dict.fromkeys(each.operation for each in judged)),
            "risk": max((each.risk for each in judged), key=RISKS.index),
            "version": self._basis.version,
            "parts": self._parts(weighed),
            "targets": _targets(weighed),
            "seen": seen_hash(results),
            "diff": diff_hash(results),
            "policy": self._basis.policy,
            "verdict": [said.decision, said.by, said.four_eyes],
            "shown": identity_of(plan.shown),
        }

    def _parts(self, weighed: Sequence[Weighed]) -> list[Any]:
        return [
            [
                each.job.module,
                each.judged.operation,
                each.judged.risk,
                [target.name for target in each.job.targets],
                covered(each.job.args, each.job.secret_values, self._basis.key),
            ]
            for each in weighed
        ]


def waiting(plan: Plan, message: str, next_step: str | None = None) -> Envelope:
    """Return the answer to a call whose plan waits for its approval."""
    person = (
        f"Tell a person to run `virtbridge approve {plan.code}` on a terminal of the bridge's "
        f"machine before {_moment(plan.expires)}; then call plan_apply with plan_id {plan.id}."
    )
    body = failed(
        "approval_required",
        message,
        next_step=next_step or person,
        content={
            "plan": {
                "id": plan.id,
                "digest": plan.digest,
                "code": plan.code,
                "risk": plan.terms["risk"],
                "by": plan.by,
                "expires": _moment(plan.expires),
            }
        },
        diff=_one_diff(plan),
    )
    return body | {"status": "approval_required"}


def _client_can(call: Call, by: str | None, four_eyes: bool) -> bool:
    return by == "client" and not four_eyes and call.caller.can_ask


def _needs(plan: Plan) -> str:
    who = "the client's user or a person" if plan.by == "client" else "a person"
    other = " other than the caller" if plan.four_eyes else ""
    what = f"{plan.terms['operation']} is {plan.terms['risk']}"
    return f"{what} and needs {who}{other} to approve"


def _targets(weighed: Sequence[Weighed]) -> list[dict[str, Any]]:
    found = {target.name: target for each in weighed for target in each.job.targets}
    return [
        {
            "name": each.name,
            "platform": each.platform,
            "urls": list(each.urls),
            "fingerprint": each.spec.get("fingerprint"),
        }
        for each in found.values()
    ]


def _shown(weighed: Sequence[Weighed], results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "calls": [
            {"operation": each.judged.operation, "arguments": dict(each.job.args)}
            for each in weighed
        ],
        "objects": [
            {part: each["object"][part] for part in _NAMES if each["object"].get(part) is not None}
            for each in results.values()
            if isinstance(each.get("object"), Mapping)
        ],
        "diff": [each.get("diff") for each in results.values()],
    }


def _one_diff(plan: Plan) -> Any:
    diffs = plan.shown["diff"]
    return diffs[0] if len(diffs) == 1 else None


def _approved_by(plan: Plan) -> str:
    if plan.verdict != "approve":
        return ""
    if plan.by == "client":
        return "; the user of the client, or a person, is asked to approve it then"
    return "; it says how a person approves it"


def _moment(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")
