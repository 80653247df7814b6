# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several calls in one run: one form or the other of the arguments, and one answer of many rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..envelope import Envelope, denied, failed, module_failed, ok, shared
from ..runner.base import MOST_AT_ONCE, Job
from .ends import Denied
from .spec import Refusal

_NEXT = "Correct the arguments and call again; nothing was run."


@dataclass(frozen=True)
class Ask:
    """One of several calls: a module, its arguments and its target; the rest as for one call."""

    module: str
    arguments: Mapping[str, Any]
    target: str
    operation: tuple[str, str] | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Several:
    """What became of several calls, in their order: a module's result, or that it was denied."""

    run_id: str
    results: tuple[Mapping[str, Any] | Denied, ...]


def either(tool: str, given: Mapping[str, Any], one: Sequence[str], several: str) -> bool:
    """Return whether the arguments ask for ``several``.

    Raises `Refusal` unless they are of exactly one form; ``one`` names what the other needs.
    """
    if several in given:
        both = [name for name in (*one, "args") if name in given]
        if both:
            text = f"{tool}: give {several} or {both[0]}, not both."
            raise Refusal("invalid_args", text, _NEXT)
        return True
    missing = "; ".join(f"missing argument {name}" for name in one if name not in given)
    if missing:
        text = f"{tool}: {missing} (or {several}, for several at once)."
        raise Refusal("invalid_args", text, f"Call {tool} again with it; nothing was run.")
    return False


def together(jobs: Sequence[Job]) -> Job:
    """Return the one job of several, with the time that the slowest takes, in each round anew."""
    rounds = math.ceil(len(jobs) / MOST_AT_ONCE)
    return Job.together(jobs, rounds * max(job.timeout for job in jobs))


def answered(
    heads: Sequence[Mapping[str, Any]],
    several: Several,
    good: Callable[[Mapping[str, Any]], Envelope],
    budget: int,
) -> Envelope:
    """Return one envelope with a row for each call, which begins with its part of ``heads``.

    ``good`` gives the envelope of a result that is no failure.
    """
    rows = []
    for head, result in zip(heads, several.results, strict=True):
        body = _row(result, several.run_id, good)
        rows.append({**head, **{key: value for key, value in body.items() if key != "run_id"}})
    content = {"results": shared(rows, budget)}
    bad = [row for row in rows if not row["ok"]]
    statuses = [row["status"] for row in rows if row["ok"]]
    # Where one was changed, the whole was.
    status = "changed" if "changed" in statuses else statuses[0] if statuses else "failed"
    if not bad:
        return ok(content, status=status, run_id=several.run_id)
    codes = {row["error"]["code"] for row in bad}
    first = bad[0]["error"]
    body = failed(
        "partial" if statuses or len(codes) > 1 else first["code"],
        f"{len(bad)} of {len(rows)} failed; the first: {first['message']}",
        retryable=False if statuses else all(row["error"]["retryable"] for row in bad),
        run_id=several.run_id,
        content=content,
    )
    return body | {"status": status}


def _row(
    result: Mapping[str, Any] | Denied, run_id: str, good: Callable[[Mapping[str, Any]], Envelope]
) -> Envelope:
    if isinstance(result, Denied):
        return denied(result.reason)
    if result.get("failed"):
        return module_failed(result, run_id=run_id)
    return good(result)
