# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells policy of the object of each call: from the arguments, else from the platform.

Nothing is looked up unless a rule or a protection asks for what the arguments do not tell, and
the call writes. A look is a run like any other: judged, recorded, and cancelled with its call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import policy
from ..catalog import short_name
from ..runner.base import Job
from .ends import Denied, NoAnswer, Run
from .judging import Judge
from .objects import Subject, facts_found, subject_of
from .several import Ask, Several
from .spec import Call, Signals

Look = Callable[[Call, Sequence[Ask]], Several]


@dataclass(frozen=True)
class Seen:
    """A job, and the call that policy sees in it."""

    job: Job
    judged: policy.Call


def informed(call: Call, several: Sequence[Seen], judge: Judge, look: Look) -> list[policy.Call]:
    """Return the calls with what can be known of their objects.

    A preview is told the same as what it previews. Raises `NoAnswer` when an object must be
    looked up and its target does not answer.
    """
    subjects = [_subject(each) for each in several]
    calls = [_told(each.judged, subject) for each, subject in zip(several, subjects, strict=True)]
    wanted = [
        at
        for at, judged in enumerate(calls)
        if subjects[at].look and judge.lacks_facts(replace(judged, check=False))
    ]
    if not wanted:
        return calls
    asks = [
        Ask("vm_info", {"raw": True, "limit": 0, **(subjects[at].look or {})}, _target(several[at]))
        for at in wanted
    ]
    # The run that the caller asked for is another one.
    quiet = replace(call, signals=Signals(cancelled=call.signals.cancelled))
    try:
        found = look(quiet, asks)
    except Denied:
        # What may not be read stays unknown, and is judged so.
        return calls
    for at, result in zip(wanted, found.results, strict=True):
        rows = _rows(result, found.run_id, _target(several[at]))
        platform = calls[at].targets[0].platform
        about = facts_found(rows, subjects[at], platform)
        calls[at] = _told(calls[at], replace(subjects[at], about=about))
    return calls


def told(seen: Seen) -> policy.Call:
    """Return a call with what its arguments alone tell of its object."""
    return _told(seen.judged, _subject(seen))


def _subject(seen: Seen) -> Subject:
    if len(seen.judged.targets) != 1:
        return Subject()
    target = seen.judged.targets[0]
    return subject_of(
        short_name(seen.job.module),
        seen.job.args,
        target.name,
        target.platform,
        seen.judged.operation,
    )


def _told(judged: policy.Call, subject: Subject) -> policy.Call:
    return replace(judged, about=subject.about, after=subject.after(subject.about))


def _target(seen: Seen) -> str:
    return seen.judged.targets[0].name


def _rows(
    result: Mapping[str, Any] | Denied, run_id: str, target: str
) -> Sequence[Mapping[str, Any]]:
    if isinstance(result, Denied):
        raise result
    if result.get("failed"):
        raise NoAnswer(Run(run_id, {}, {target: result}))
    rows: Sequence[Mapping[str, Any]] = result.get("objects") or ()
    return rows
