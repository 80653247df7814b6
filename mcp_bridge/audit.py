# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: an append-only, hash-chained record of every decision and what became of it.

One line before a run (`intent`), one after it (`outcome`), one for each refusal (`refused`), one
for each step of a plan, and one for whatever else changes who may do what. Several processes may
share a file: each line is written under a lock and reaches the disk before the call goes on.
`audit_file` says how, `audit_verify` proves it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .audit_file import Ledger, Places
from .audit_parts import closed_path
from .audit_proof import Signer, digest
from .errors import AuditFailed, KeyBroken
from .policy import Call, Verdict
from .redact import Redactor

PlanEvent = Literal["planned", "approved", "rejected", "applied", "expired"]
FactorEvent = Literal["enrolled", "unenrolled", "factor_refused"]
DoorEvent = Literal["token_refused", "login_missing"]
EVENTS = (
    "intent", "refused", "outcome", "planned", "approved", "rejected", "applied", "expired",
    "enrolled", "unenrolled", "factor_refused", "token_refused", "login_missing", "started",
    "ended", "rotated", "continued",
)  # fmt: skip
_MOST_ARGUMENTS = 16_384
_LONGEST_TEXT = 1000


@dataclass(frozen=True)
class PlanFacts:
    """What the audit says of a plan: its id and digest, and who approved it by which channel."""

    plan_id: str
    plan_sha256: str
    approver: str = ""
    channel: str = ""


class Audit:
    """Writes one audit; safe between threads and processes that share its key."""

    def __init__(self, places: Places | Path) -> None:
        """``places`` may be the audit file alone; then all other parts are beside it."""
        self.places = places if isinstance(places, Places) else Places.beside(places)
        self._lock = threading.Lock()
        self._opened: tuple[Signer, Ledger] | None = None
        self._bridge: Mapping[str, Any] = {}

    @property
    def path(self) -> Path:
        """Return the audit file."""
        return self.places.log

    def intent(
        self,
        call: Call,
        verdict: Verdict,
        arguments: Mapping[str, Any],
        run_id: str,
        redactor: Redactor | None = None,
        *,
        plan: PlanFacts | None = None,
    ) -> None:
        """Record what is about to run, and by which plan.

        Raises AuditFailed: then it must not run.
        """
        row = {"run_id": run_id, **self._decision(call, verdict, arguments, redactor)}
        self._append("intent", row, plan)

    def refused(
        self,
        call: Call,
        verdict: Verdict,
        arguments: Mapping[str, Any],
        redactor: Redactor | None = None,
        *,
        plan: PlanFacts | None = None,
    ) -> None:
        """Record a call that policy did not let through."""
        self._append("refused", self._decision(call, verdict, arguments, redactor), plan)

    def plan(
        self,
        event: PlanEvent,
        principal: str,
        facts: PlanFacts,
        *,
        run_id: str | None = None,
        reason: str = "",
        redactor: Redactor | None = None,
    ) -> None:
        """Record a step in the life of a plan; ``reason`` is what a person said with it."""
        row: dict[str, Any] = {"principal": _short(principal), "run_id": run_id}
        if reason:
            row["reason"] = _short((redactor or Redactor()).text(reason))
        self._append(event, row, facts)

    def outcome(
        self,
        run_id: str,
        status: str,
        *,
        changed: bool = False,
        error: str | None = None,
        diff: Any = None,
        milliseconds: int = 0,
        how: str = "not started",
        parts: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Record how a run ended; ``diff`` is kept only as its hash, ``how`` is the back end.

        ``parts`` has what became of each call of a run of several, in the order of its intents.
        """
        row: dict[str, Any] = {"run_id": run_id, "status": status, "how": how}
        row |= {"changed": changed, "error": error, "milliseconds": milliseconds}
        row["diff_sha256"] = digest(diff) if diff else None
        if parts:
            row["parts"] = [dict(part) for part in parts]
        self._append("outcome", row, None)

    def factor(self, event: FactorEvent, principal: str, kind: str, **more: str) -> None:
        """Record what became of a second factor; ``more`` is what it replaces, or was asked for.

        Raises AuditFailed: then it must not be stored.
        """
        row = {"principal": _short(principal), "factor": kind}
        self._append(event, row | {name: each for name, each in more.items() if each}, None)

    def at_the_door(
        self, event: DoorEvent, reason: str, source: str, principal: str, count: int
    ) -> None:
        """Record that so many requests of one kind were not let in; ``source`` is who sent them."""
        row: dict[str, Any] = {"reason": reason, "source": source, "count": count}
        self._append(event, row | ({"principal": principal} if principal else {}), None)

    def started(self, principal: str, transport: str, version: str) -> None:
        """Record that a bridge began to serve; `close` then records its end."""
        row: dict[str, Any] = {"principal": principal, "transport": transport, "version": version}
        row["pid"] = os.getpid()
        self._append("started", row, None)
        self._bridge = row

    def rotate(self, principal: str) -> Path | None:
        """Close the part that is written now; return where it is, None where there was nothing.

        Raises AuditFailed; then the next line goes on with it.
        """
        try:
            number = self._parts()[1].rotate({"principal": _short(principal)})
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        return None if number is None else closed_path(self.path, number)

    def close(self) -> None:
        """Record the end of a bridge that began, and sign all of it. Raises AuditFailed."""
        if self._bridge:
            self._append("ended", self._bridge, None)
            self._bridge = {}
        if self._opened is not None:
            try:
                self._opened[1].close()
            except (OSError, ValueError) as error:
                raise self._failed(error) from error

    def _decision(
        self,
        call: Call,
        verdict: Verdict,
        arguments: Mapping[str, Any],
        redactor: Redactor | None,
    ) -> dict[str, Any]:
        hiding = redactor or Redactor()
        return {
            "principal": _short(call.principal),
            "client": _short(hiding.text(call.client)),
            "tool": call.tool,
            "operation": _short(call.operation),
            "risk": call.risk,
            "check": call.check,
            "targets": [target.name for target in call.targets],
            "arguments": _bounded(hiding.clean(arguments)),
            "args_hmac": self._parts()[0].arguments(arguments),
            **_judged(call, verdict),
        }

    def _append(self, event: str, row: Mapping[str, Any], plan: PlanFacts | None) -> None:
        named = {} if plan is None else {key: each for key, each in vars(plan).items() if each}
        try:
            self._parts()[1].append({"event": event, **row, **named})
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def _parts(self) -> tuple[Signer, Ledger]:
        """Return what signs and what writes; the key is made when the first line needs it."""
        with self._lock:
            if self._opened is None:
                try:
                    signer = Signer.of_file(self.places.key)
                except KeyBroken as error:
                    raise AuditFailed(
                        f"Nothing can be audited, so nothing is run. {error}"
                    ) from error
                self._opened = signer, Ledger(self.places, signer)
            return self._opened

    def _failed(self, error: Exception) -> AuditFailed:
        reason = getattr(error, "strerror", None) or str(error)
        return AuditFailed(
            f"The audit file {self.path} cannot be written: {reason}. Nothing more is run "
            "until it can be; check its disk, owner and mode, or set audit.path."
        )


def _judged(call: Call, verdict: Verdict) -> dict[str, Any]:
    """Return what was decided, and by whose consent or for want of whose."""
    row: dict[str, Any] = {"decision": verdict.decision, "rule": verdict.rule}
    if verdict.by is not None:
        row |= {"by": verdict.by, "four_eyes": verdict.four_eyes}
    if call.plan_digest:
        row["plan_sha256"] = call.plan_digest
    if verdict.approval is not None:
        row |= {"approver": verdict.approval.approver, "channel": verdict.approval.channel}
    return row


def _bounded(arguments: Any) -> Any:
    size = len(json.dumps(arguments))
    if size <= _MOST_ARGUMENTS:
        return arguments
    return {"too_large": size, "sha256": digest(arguments)}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
