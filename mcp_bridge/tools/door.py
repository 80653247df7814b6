# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from a tool to a run: targets, risk, policy, audit, then the executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import policy
from ..audit import Audit
from ..catalog import Catalog, full_name, secrets_of
from ..envelope import MAX_BYTES, close
from ..policy import TargetFacts
from ..redact import Redactor
from ..runner.base import Executor, Job, Outcome
from ..scopes import needed
from ..targets import Target
from . import fleet
from .arguments import suggestion
from .ends import Denied, NoAnswer, Run, code_of, ended, lacking, sorted_run
from .judging import Judge
from .spec import Answer, Begun, Call, Refusal, Tool

# A run needs more than its module waits: to start, to log in, to report.
_MARGIN = 8.0
_REF_PARTS = 3


@dataclass(frozen=True)
class Setup:
    """What the bridge is made of, as the configuration says."""

    targets: Mapping[str, Target]
    targets_path: Path
    catalog: Catalog
    executor: Executor
    audit: Audit
    judge: Judge = field(default_factory=Judge)
    max_bytes: int = MAX_BYTES
    timeout: float = 100.0


class Door:
    """Runs modules for the tools. Nothing else in the bridge holds an executor."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._redactor = Redactor()
        self.targets = setup.targets
        self.targets_path = setup.targets_path
        self.max_bytes = setup.max_bytes
        self.catalog = setup.catalog

    def offers(self, tool: Tool) -> bool:
        """Whether the tool is in the list under these flags."""
        return tool.read_only or not self._setup.judge.flags.read_only

    def pick(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Return the named targets, all when none is named; `Refusal` for one that is unknown."""
        for name in names or ():
            if name not in self.targets:
                raise self._unknown_target(name)
        if not self.targets:
            raise self._unknown_target(None)
        return tuple(names or self.targets)

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

    def verdicts(self, name: str) -> dict[str, str]:
        """Return what policy says to each risk class on a target, whatever the tool."""
        facts = self._facts([name])
        return {risk: self._judge("*", "*", risk, facts).decision for risk in policy.RISKS}

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

        Raises `Refusal` for what the platform of a target cannot be asked, `Denied` when policy
        forbids it, and `NoAnswer` when not one target gave a result.
        """
        job = Job(
            module=full_name(module),
            args=arguments,
            targets=tuple(self.targets[name] for name in names),
            check=check,
            timeout=self._seconds(arguments),
            secret_values=(
                *secrets,
                *secrets_of(self._setup.catalog.entry(module) or {}, arguments),
            ),
        )
        permit = self._permit(call, module, job, operation)
        begin = time.monotonic()
        outcome = self._ran(call, job, permit)
        run = sorted_run(outcome, names)
        self._record(run, outcome, time.monotonic() - begin)
        if not run.answered:
            raise NoAnswer(run)
        return run

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
        return Answer(close(body, self._redactor, self._setup.max_bytes))

    def _seconds(self, arguments: Mapping[str, Any]) -> float:
        """Return when to end a run: late enough for what its module waits for."""
        return float(max(self._setup.timeout, arguments.get("wait_timeout", 0) + _MARGIN))

    def _permit(
        self, call: Call, module: str, job: Job, operation: tuple[str, str] | None
    ) -> policy.Permit:
        """Judge the job and record it; return the permit only when both went well."""
        entry = self.catalog.entry(module)
        for target in job.targets:
            fleet.check(entry, job.args, target)
        name, risk = operation or (module, policy.risk_of(entry, job.args))
        judged = policy.Call(
            tool=call.tool,
            operation=name,
            risk=risk,
            targets=self._facts([target.name for target in job.targets]),
            identity=job.identity,
            check=job.check,
            principal=call.caller.principal,
            client=call.caller.client,
        )
        hiding = Redactor(job.secret_values)
        scope = needed(writes=risk != "read", check=job.check)
        if scope not in call.caller.scopes:
            verdict = policy.Verdict("deny", "scope", f"the token lacks the scope {scope}")
            self._setup.audit.refused(judged, verdict, job.args, hiding)
            raise lacking(call.tool, scope)
        verdict = self._setup.judge.verdict(judged)
        if verdict.permit is None:
            self._setup.audit.refused(judged, verdict, job.args, hiding)
            raise Denied(_why(verdict))
        names = tuple(target.name for target in job.targets)
        call.signals.started(Begun(job.run_id, names, name, judged.effective_risk))
        self._setup.audit.intent(judged, verdict, job.args, job.run_id, hiding)
        return verdict.permit

    def _record(self, run: Run, outcome: Outcome, seconds: float) -> None:
        results = run.answered.values()
        first = next(iter(run.failed.values()), None)
        self._setup.audit.outcome(
            run.run_id,
            outcome.status,
            changed=any(result.get("changed") for result in results),
            error=code_of(first) if first is not None else None,
            diff=[result["diff"] for result in results if result.get("diff")],
            milliseconds=round(seconds * 1000),
            how=outcome.how,
        )

    def _facts(self, names: Sequence[str]) -> tuple[TargetFacts, ...]:
        chosen = [self.targets[name] for name in names]
        return tuple(
            TargetFacts(each.name, each.labels, each.read_only, each.platform) for each in chosen
        )

    def _judge(
        self, tool: str, operation: str, risk: str, facts: tuple[TargetFacts, ...]
    ) -> policy.Verdict:
        call = policy.Call(tool, operation, risk, facts, identity="")
        return self._setup.judge.opinion(call)

    def _unknown_target(self, name: str | None) -> Refusal:
        if not self.targets:
            text = "No target is configured"
            return Refusal("unknown_target", f"{text}.", "Call target_list; it explains how to.")
        return Refusal(
            "unknown_target",
            f"There is no target {name!r}{suggestion(name or '', self.targets)}.",
            "Use a name of target_list; nothing was run.",
        )


def _why(verdict: policy.Verdict) -> str:
    if verdict.decision == "approve":
        return f"{verdict.reason}, and there is no channel by which that could be asked."
    return f"{verdict.reason}."
