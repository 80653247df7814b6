# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from a tool to a run: targets, risk, policy, audit, then the executor."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import policy
from ..audit import Audit
from ..catalog import Catalog, full_name, secrets_of
from ..envelope import MAX_BYTES, close
from ..errors import AuditFailed
from ..identity import Identities
from ..redact import Redactor
from ..runner.base import Executor, Job, Outcome
from ..targets import Target
from .arguments import suggestion
from .ends import NoAnswer, Run, ended, sorted_run
from .gate import Gate, judged_of
from .judging import Judge, Weighed
from .looking import Seen, informed
from .planning import Planner
from .several import Ask, Several, together
from .spec import Answer, Call, Caller, Refusal, Tool

# A run needs more than its module waits: to start, to log in, to report.
_MARGIN = 8.0
_REF_PARTS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """What the bridge is made of, as the configuration says."""

    targets: Mapping[str, Target]
    targets_path: Path
    catalog: Catalog
    executor: Executor
    audit: Audit
    planner: Planner
    judge: Judge = field(default_factory=Judge)
    max_bytes: int = MAX_BYTES
    timeout: float = 100.0
    identities: Identities = field(default_factory=Identities)


class Door:
    """Runs modules for the tools. Nothing else in the bridge holds an executor."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._redactor = Redactor()
        self.targets = setup.targets
        self.targets_path = setup.targets_path
        self.max_bytes = setup.max_bytes
        self.catalog = setup.catalog
        self.audit = setup.audit
        self._gate = Gate(setup.audit, setup.judge, setup.planner)

    def offers(self, tool: Tool) -> bool:
        """Whether the tool is in the list under these flags."""
        return tool.read_only or not self._setup.judge.flags.read_only

    def pick(self, names: Sequence[str] | None, caller: Caller | None = None) -> tuple[str, ...]:
        """Return the named targets; when none is named, all on which the caller has a credential.

        Raises `Refusal` for one that is unknown, and when there is none.
        """
        for name in names or ():
            if name not in self.targets:
                raise self._unknown_target(name)
        if not self.targets:
            raise self._unknown_target(None)
        if names or caller is None:
            return tuple(names or self.targets)
        mine = [name for name in self.targets if not self._mine(name, caller).withheld]
        if not mine:
            text = f"{caller.principal} has no credential of its own on any target."
            raise Refusal("denied_by_policy", text, "The operator gives one in identity.map.")
        return tuple(mine)

    def target_of(self, ref: str) -> str:
        """Return the target that a ref names; `Refusal` when it is no ref or names none."""
        parts = ref.split("/")
        if (
            len(parts) != _REF_PARTS
            or not all(parts)
            or any(part != part.strip() for part in parts)
        ):
            raise Refusal(
                "invalid_args",
                f"ref is {ref!r}, must be TARGET/NAMESPACE/ID, such as lab/-/100.",
                "Find the ref of a VM with vm_list and pass it unchanged; nothing was run.",
            )
        return self.pick([parts[0]])[0]

    def verdicts(self, name: str, caller: Caller) -> dict[str, str]:
        """Return what policy says to each risk class on a target, whatever the tool."""
        if self._mine(name, caller).withheld:
            return dict.fromkeys(policy.RISKS, "deny")
        return {risk: self._gate.verdict(risk, self.targets[name], caller) for risk in policy.RISKS}

    def run(
        self,
        call: Call,
        module: str,
        arguments: Mapping[str, Any],
        names: Sequence[str],
        *,
        check: bool = False,
        operation: tuple[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Run:
        """Run one module on some targets, once, as one invocation of the executor.

        ``operation`` is the id and the risk of a vendor's operation that a raw module runs, and
        ``secrets`` are what must not be shown of its parameters; those of any other call follow
        from the module and its arguments.

        A preview of a write makes a plan. Raises `Refusal` for what the platform of a target
        cannot be asked, `Denied` when policy forbids it, `Waits` when it asks for an approval
        first, and `NoAnswer` when not one target gave a result.
        """
        job = self._job(call, module, arguments, names, secrets, operation=operation, check=check)
        seen = Seen(job, judged_of(self.catalog, call, job, operation))
        weighed = self._weighed(call, [seen])
        if self._gate.must_ask(call, weighed):
            self.run(
                call, module, arguments, names, check=True, operation=operation, secrets=secrets
            )
            raise self._gate.ask(call)
        (permit,) = self._gate.admit(call, weighed)
        begin = time.monotonic()
        outcome = self._ran(call, job, permit)
        run = sorted_run(outcome, names)
        results = [*run.answered.values(), *run.failed.values()]
        self._gate.record(outcome, results, time.monotonic() - begin)
        self._gate.note(call, weighed, {**run.answered, **run.failed})
        if not run.answered:
            raise NoAnswer(run)
        return run

    def run_several(
        self,
        call: Call,
        asks: Sequence[Ask],
        *,
        check: bool = False,
        whole: bool,
        own: bool = False,
    ) -> Several:
        """Run several modules at once, each on its target, as one invocation of the executor.

        Each is judged and recorded by itself. When policy denies one, nothing is run if ``whole``,
        else all but that one. ``own`` are reads that only policy sees. Raises `Refusal` and
        `Denied` before any run, as `run` does.
        """
        jobs = self._jobs(call, asks, check=check)
        seen = [
            Seen(job, judged_of(self.catalog, call, job, ask.operation, objects=len(asks), own=own))
            for job, ask in zip(jobs, asks, strict=True)
        ]
        weighed = self._weighed(call, seen)
        going = [each for each in weighed if each.verdict.decision != "deny"]
        denied = [self._gate.refuse(each) for each in weighed if each.verdict.decision == "deny"]
        if denied and (whole or not going):
            raise denied[0]
        if self._gate.must_ask(call, going):
            self.run_several(call, asks, check=True, whole=whole)
            raise self._gate.ask(call)
        permits = self._gate.admit(call, going)
        job = together([each.job for each in going])
        begin = time.monotonic()
        outcome = self._ran(call, job, policy.Permit.joined(permits))
        results = [outcome.hosts[host] for host in job.hosts]
        self._gate.record(outcome, results, time.monotonic() - begin, several=True)
        self._gate.note(call, going, dict(zip(job.hosts, results, strict=True)))
        rest, refused = iter(results), iter(denied)
        allowed = [each.verdict.decision != "deny" for each in weighed]
        return Several(
            outcome.run_id, tuple(next(rest) if each else next(refused) for each in allowed)
        )

    def _weighed(self, call: Call, several: Sequence[Seen]) -> list[Weighed]:
        """Return what policy says to jobs, each by what is known of its object."""
        told = informed(call, several, self._setup.judge, self._look)
        return [
            self._gate.weigh(call, each.job, judged)
            for each, judged in zip(several, told, strict=True)
        ]

    def _look(self, call: Call, asks: Sequence[Ask]) -> Several:
        return self.run_several(call, asks, whole=True, own=True)

    def _jobs(self, call: Call, asks: Sequence[Ask], *, check: bool) -> list[Job]:
        run_id = uuid.uuid4().hex
        return [
            replace(
                self._job(
                    call,
                    ask.module,
                    ask.arguments,
                    (ask.target,),
                    ask.secrets,
                    operation=ask.operation,
                    check=check,
                ),
                run_id=run_id,
            )
            for ask in asks
        ]

    def _mine(self, name: str, caller: Caller) -> Target:
        return self._setup.identities.target(caller.principal, self.targets[name])

    def _job(
        self,
        call: Call,
        module: str,
        arguments: Mapping[str, Any],
        names: Sequence[str],
        secrets: tuple[str, ...],
        *,
        operation: tuple[str, str] | None,
        check: bool,
    ) -> Job:
        entry = self.catalog.entry(module)
        own = secrets_of(entry or {}, arguments)
        risk = operation[1] if operation else policy.risk_of(entry, arguments)
        return Job(
            module=full_name(module),
            args=arguments,
            targets=tuple(self._mine(name, call.caller) for name in names),
            check=check,
            timeout=self._seconds(arguments),
            secret_values=(*secrets, *own),
            writes=risk != "read",
        )

    def _ran(self, call: Call, job: Job, permit: policy.Permit) -> Outcome:
        try:
            outcome = self._setup.executor.run(
                job,
                permit,
                on_progress=lambda progress: call.signals.progress(str(progress)),
                cancelled=call.signals.cancelled,
            )
            call.signals.logged(outcome.stdout, outcome.how)
            return outcome
        except Exception as error:
            self._setup.audit.outcome(job.run_id, "error", error=type(error).__name__)
            raise

    def finish(self, call: Call, tool: Tool, check: Callable[[Mapping[str, Any]], None]) -> Answer:
        """Check the arguments and answer, whatever becomes of it, within the byte budget."""

        def answer() -> Mapping[str, Any]:
            check(call.arguments)
            return tool.answer(call)

        body = ended(call.tool, answer)
        plan = self._setup.planner.shown(call.ticket) if body["status"] == "planned" else None
        if plan:
            content = body.get("data")
            content = {} if content is None else content
            content = content if isinstance(content, Mapping) else {"result": content}
            body["data"] = {**content, "plan": plan}
        safe = close(body, self._redactor, self._setup.max_bytes)
        return Answer(safe, call.ticket.question)

    def sign(self) -> None:
        """Sign what was audited; when that fails, what was answered stays answered."""
        try:
            self._setup.audit.close()
        except AuditFailed as error:
            _log.warning("the last checkpoint of the audit is missing: %s", error)

    def _seconds(self, arguments: Mapping[str, Any]) -> float:
        """Return when to end a run: late enough for what its module waits for."""
        return float(max(self._setup.timeout, arguments.get("wait_timeout", 0) + _MARGIN))

    def _unknown_target(self, name: str | None) -> Refusal:
        if not self.targets:
            text = "No target is configured"
            return Refusal("unknown_target", f"{text}.", "Call target_list; it explains how to.")
        return Refusal(
            "unknown_target",
            f"There is no target {name!r}{suggestion(name or '', self.targets)}.",
            "Use a name of target_list; nothing was run.",
        )
