# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call ends: what a run gave, and the one place where expected failures become answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..envelope import CODE_OF_KIND, Envelope, denied, failed, module_failed
from ..errors import AuditFailed, Busy, JobRefused, KeyBroken, RunnerBroken, SealBroken, StoreBroken
from ..runner.base import Outcome
from ..targets_problems import TargetsInvalid
from .spec import Refusal

_CREDENTIALS = "The operator must correct the target; virtbridge check-config shows what is wrong."
_RUNNER = "The operator must repair the installation; nothing was run."
_BUSY = "Wait for one of them with run_get, or stop one with run_cancel, then call again."
_NEW_LOGIN = "Log in again with that scope, or ask the operator for it; nothing was run."
_NOTHING_RUN: Mapping[type[Exception], tuple[str, str | None]] = {
    AuditFailed: ("audit_failed", None),
    Busy: ("busy", _BUSY),
    TargetsInvalid: ("auth_failed", _CREDENTIALS),
    RunnerBroken: ("internal", _RUNNER),
    StoreBroken: ("internal", _RUNNER),
    KeyBroken: ("internal", _RUNNER),
    SealBroken: ("internal", _RUNNER),
}
_NO_RESULT = {"failed": True, "error": {"kind": "internal", "message": "The run gave no result."}}


class Waits(Exception):
    """The call is not run now; ``body`` is its answer."""

    def __init__(self, body: Envelope) -> None:
        super().__init__(body["status"])
        self.body = body


class Denied(Waits):
    """Policy refused the call; the audit has it."""

    def __init__(self, reason: str) -> None:
        super().__init__(denied(reason))
        self.reason = reason


class NoAnswer(Exception):
    """Not one of the targets of a run gave a result; the first failure stands for all."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.run_id)
        self.run = run


@dataclass(frozen=True)
class Run:
    """What became of one run: the targets that answered, and those that failed."""

    run_id: str
    answered: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, Mapping[str, Any]]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return one line for each target that failed, and what the modules warned of."""
        dead = [f"{name} did not answer: {reason(result)}" for name, result in self.failed.items()]
        said = [
            f"{name}: {text}" if len(self.answered) > 1 else str(text)
            for name, result in self.answered.items()
            for text in result.get("warnings") or ()
        ]
        return (*dead, *said)


def ended(tool: str, answer: Callable[[], Mapping[str, Any]]) -> Envelope:
    """Return the envelope of a call, whatever becomes of it; a defect of ours is still raised."""
    try:
        return dict(answer())
    except Refusal as refusal:
        return refused(refusal)
    except Waits as error:
        return error.body
    except NoAnswer as error:
        result = next(iter(error.run.failed.values()))
        others = error.run.warnings if len(error.run.failed) > 1 else ()
        return module_failed(result, run_id=error.run.run_id, warnings=others)
    except JobRefused as error:
        return failed("invalid_args", f"{tool}: {error}.")
    except tuple(_NOTHING_RUN) as error:
        code, next_step = _NOTHING_RUN[type(error)]
        return failed(code, str(error), next_step=next_step)


def refused(refusal: Refusal) -> Envelope:
    """Return the envelope of a call that ended before any run."""
    return failed(
        refusal.code, refusal.message, next_step=refusal.next_step, retryable=refusal.retryable
    )


def lacking(tool: str, scope: str) -> Refusal:
    """Return the refusal of a call that needs a scope which the caller's token does not hold."""
    return Refusal("insufficient_scope", f"{tool}: the token lacks the scope {scope}.", _NEW_LOGIN)


def reason(result: Mapping[str, Any]) -> str:
    """Return in one line why a target gave no result."""
    error = result.get("error") or {}
    return f"{code_of(result)}: {error.get('message') or result.get('msg') or 'no reason given'}"


def code_of(result: Mapping[str, Any]) -> str:
    """Return the error code of a failed result, by the kind of its error."""
    error = result.get("error") or {}
    return CODE_OF_KIND.get(str(error.get("kind")), "module_failed")


def sorted_run(outcome: Outcome, names: Sequence[str]) -> Run:
    """Return what became of a run, by the targets that answered and those that failed."""
    results = {name: outcome.hosts.get(name, _NO_RESULT) for name in names}
    return Run(
        run_id=outcome.run_id,
        answered={name: each for name, each in results.items() if not each.get("failed")},
        failed={name: each for name, each in results.items() if each.get("failed")},
    )
