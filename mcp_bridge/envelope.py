# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one shape of every answer, and the one exit through which it leaves.

A tool builds an envelope with `ok`, `failed` or `rows`, and hands it to `close`, which takes
secrets and control characters out and keeps the answer within its byte budget. What is too long
loses rows, list ends or text ends, always with a warning; it never becomes broken JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plaintext import clean_content
from .redact import Redactor

Envelope = dict[str, Any]

MAX_BYTES = 24 * 1024
# Room that `rows` leaves for status, page, warnings and the key names around the rows.
_MARGIN = 1024
_MOST_WARNINGS = 20
_TABLE_FROM = 6
_ROUNDS = ((8192, 1000), (2048, 200), (512, 50), (128, 10), (64, 3))


@dataclass(frozen=True)
class Code:
    """An error code: whether the same call may succeed later, and what to do about it."""

    retryable: bool
    next: str


CODES: Mapping[str, Code] = {
    "invalid_args": Code(False, "Correct the arguments that the message names and call again."),
    "not_found": Code(False, "Look the object up with vm_list and use its ref."),
    "ambiguous_ref": Code(False, "Use the ref of one object; vm_list shows them."),
    "unknown_target": Code(False, "target_list names the configured targets."),
    "unsupported": Code(False, "This platform or version cannot do it; choose another way."),
    "target_unreachable": Code(True, "Check the target with target_list probe: true, then retry."),
    "auth_failed": Code(False, "The operator must correct the credential of this target."),
    "forbidden_by_platform": Code(False, "The operator must give the credential that right."),
    "denied_by_policy": Code(False, "Do not retry; the operator may allow it in virtbridge.yml."),
    "insufficient_scope": Code(False, "Log in again with the scope that the message names."),
    "approval_required": Code(False, "Only a person can approve it; the message says how."),
    "approval_expired": Code(False, "Make a new plan with check: true; nothing was run."),
    "plan_stale": Code(False, "Make a new plan with check: true; nothing was run."),
    "plan_used": Code(False, "A plan is applied once; make a new one if it is still needed."),
    "audit_failed": Code(True, "The operator must make the audit file writable; nothing was run."),
    "conflict": Code(True, "Read the object again, then decide anew."),
    "exists": Code(False, "Read the object that is in the way, or choose another name."),
    "busy": Code(True, "Wait a little and call again."),
    "limit_reached": Code(True, "Wait, or free some of the quota that the message names."),
    "no_capacity": Code(False, "Choose a smaller size or another place, or free resources."),
    "timeout": Code(False, "It may still go on: read the object before you call again."),
    "cancelled": Code(False, "It may be half done: read the object before you call again."),
    "uncertain": Code(False, "Read the object before doing anything again."),
    "partial": Code(False, "Look at the rows of data.results that failed; the others are done."),
    "module_failed": Code(False, "Read the message and the log; the platform refused or failed."),
    "cursor_expired": Code(True, "Call again without cursor; that reads the list anew."),
    "internal": Code(False, "This is a defect of virtbridge; please report it with the run id."),
}

# Every `kind` of a module's error (design, contract 8); a test holds it against the collection.
CODE_OF_KIND: Mapping[str, str] = {
    "auth": "auth_failed",
    "permission": "forbidden_by_platform",
    "not_found": "not_found",
    "exists": "exists",
    "ambiguous": "ambiguous_ref",
    "locked": "busy",
    "conflict": "conflict",
    "validation": "invalid_args",
    "unsupported": "unsupported",
    "limit": "limit_reached",
    "capacity": "no_capacity",
    "unavailable": "target_unreachable",
    "timeout": "timeout",
    "operation_failed": "module_failed",
    "cancelled": "cancelled",
    "uncertain": "uncertain",
    "internal": "internal",
}


def ok(
    content: Any = None,
    *,
    status: str = "ok",
    run_id: str | None = None,
    diff: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Envelope:
    """Return the envelope of a call that did what was asked."""
    body: Envelope = {"ok": True, "status": status}
    return body | _parts(run_id=run_id, data=content, diff=diff, warnings=list(warnings))


def changed(content: Any, *, run_id: str, was_changed: bool, check: bool, **parts: Any) -> Envelope:
    """Return the envelope of a write: `planned` for a preview, else `changed` or `unchanged`."""
    status = "planned" if check else "changed" if was_changed else "unchanged"
    return ok(content, status=status, run_id=run_id, **parts)


def running(run_id: str, content: Any = None) -> Envelope:
    """Return the envelope of a run that has not ended yet."""
    return ok(content, status="running", run_id=run_id)


def failed(
    code: str,
    message: str,
    *,
    next_step: str | None = None,
    retryable: bool | None = None,
    run_id: str | None = None,
    content: Any = None,
    diff: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Envelope:
    """Return the envelope of a call that failed; a code of no table is a defect and becomes one."""
    known = CODES.get(code)
    if known is None:
        code, known = "internal", CODES["internal"]
    error = {
        "code": code,
        "message": message,
        "retryable": known.retryable if retryable is None else retryable,
        "next": next_step or known.next,
    }
    body: Envelope = {"ok": False, "status": "failed"}
    parts = _parts(run_id=run_id, data=content, diff=diff, warnings=list(warnings))
    return body | parts | {"error": error}


def denied(reason: str, *, next_step: str | None = None) -> Envelope:
    """Return the envelope of a call that policy refused; nothing was run."""
    body = failed("denied_by_policy", reason, next_step=next_step, retryable=False)
    return body | {"status": "denied"}


def module_failed(result: Mapping[str, Any], *, run_id: str, **parts: Any) -> Envelope:
    """Return the envelope of a failed module result, by the kind of its error.

    What was uncertain is never called retryable, whatever the module said.
    """
    error = result.get("error")
    error = error if isinstance(error, Mapping) else {}
    code = CODE_OF_KIND.get(str(error.get("kind")), "module_failed")
    message = str(error.get("message") or result.get("msg") or "the module failed and said nothing")
    retryable = error.get("retryable")
    if code == "uncertain" or not isinstance(retryable, bool):
        retryable = None
    return failed(
        code, message, retryable=retryable, run_id=run_id, diff=result.get("diff"), **parts
    )


def rows(
    chosen: Sequence[Mapping[str, Any]],
    *,
    total: int,
    offset: int = 0,
    cursor: Callable[[int], str] | None = None,
    budget: int = MAX_BYTES,
    run_id: str | None = None,
    warnings: Sequence[str] = (),
) -> Envelope:
    """Return one page: as many of ``chosen`` as fit the budget, at least one.

    ``offset`` is where they start among the ``total``; ``cursor`` makes the cursor of a position.
    """
    room = budget - _MARGIN - len(_compact(list(warnings)))
    cleaned = [{key: _clipped(value, _ROUNDS[1]) for key, value in row.items()} for row in chosen]
    content, count = _table(cleaned, room)
    after = offset + count
    truncated = after < total
    page = {
        "next": cursor(after) if truncated and cursor else None,
        "total": total,
        "truncated": truncated,
    }
    return ok(content, run_id=run_id, warnings=warnings) | {"page": page}


def shared(results: Sequence[Mapping[str, Any]], budget: int = MAX_BYTES) -> list[Envelope]:
    """Return all of the rows, in order, cut to fit a budget together; what was cut says so.

    What the short ones leave of it, the long ones get.
    """
    left = budget - _MARGIN
    kept: list[Envelope] = [dict(row) for row in results]
    shortest_first = sorted(range(len(kept)), key=lambda at: len(_compact(kept[at])))
    for done, at in enumerate(shortest_first):
        kept[at] = _fitted(kept[at], left // (len(kept) - done))
        left -= len(_compact(kept[at])) + 1
    return kept


def close(body: Envelope, redactor: Redactor | None = None, budget: int = MAX_BYTES) -> Envelope:
    """Return the envelope as it may leave: no secret, no control character, within the budget."""
    status = {"ok": body["ok"], "status": body["status"]}
    cursor = (body.get("page") or {}).get("next")
    safe: Envelope = clean_content((redactor or Redactor()).clean(body)) | status
    if cursor:
        # A signed text of our own that must come back unchanged.
        safe["page"]["next"] = cursor
    if len(safe.get("warnings", ())) > _MOST_WARNINGS:
        more = len(safe["warnings"]) - _MOST_WARNINGS
        safe["warnings"] = [*safe["warnings"][:_MOST_WARNINGS], f"and {more} more warnings"]
    if len(_compact(safe)) <= budget:
        return safe
    note = f"The answer was cut to fit {budget} bytes; ask for fewer fields or objects."
    cut = safe
    for limits in _ROUNDS:
        cut = {key: part if key == "page" else _clipped(part, limits) for key, part in safe.items()}
        cut["warnings"] = [*cut.get("warnings", ()), note]
        if len(_compact(cut)) <= budget:
            return cut
    return {key: part for key, part in cut.items() if key not in ("data", "diff")}


def _parts(**parts: Any) -> Envelope:
    return {key: value for key, value in parts.items() if value is not None and value != []}


def _table(chosen: Sequence[Mapping[str, Any]], room: int) -> tuple[dict[str, Any], int]:
    """Return the rows that fit, many of one shape as a table, and how many they are."""
    columns = list(chosen[0]) if chosen else []
    same = all(list(row) == columns for row in chosen)
    as_table = same and len(chosen) >= _TABLE_FROM
    kept: list[Any] = []
    used = len(_compact(columns))
    for row in chosen:
        shown = list(row.values()) if as_table else dict(row)
        used += len(_compact(shown)) + 1
        if kept and used > room:
            break
        kept.append(shown)
    return ({"cols": columns, "rows": kept} if as_table else {"rows": kept}), len(kept)


def _fitted(row: Envelope, room: int) -> Envelope:
    if len(_compact(row)) <= room:
        return row
    whole = {key: part for key, part in row.items() if key not in ("data", "diff")}
    diff = {"diff": row["diff"]} if "diff" in row else {}
    shorter = ({key: _clipped(part, limits) for key, part in row.items()} for limits in _ROUNDS)
    # What would change is worth more than what the object is.
    for cut in (*shorter, {**whole, **diff}, {**whole, **_clipped(diff, _ROUNDS[-1])}):
        if len(_compact({**cut, "truncated": True})) <= room:
            return {**cut, "truncated": True}
    return {**_clipped(whole, _ROUNDS[2]), "truncated": True}


def _clipped(value: Any, limits: tuple[int, int]) -> Any:
    """Return the value with long texts and long lists cut; their ends say so."""
    longest, most = limits
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {key: _clipped(part, limits) for key, part in list(value.items())[:most]}
    if isinstance(value, list):
        return [_clipped(part, limits) for part in value[:most]]
    return value


def _compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
