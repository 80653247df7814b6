# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`audit_query`: what was asked for, decided and done; nobody but an administrator sees others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..audit_read import Found, Wanted, decisions
from ..envelope import rows
from ..moments import FORMS, moment_of
from ..scopes import ADMIN
from .spec import Call, Refusal, Tool, schema

_DEFAULT_LIMIT = 50
_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_FILTERS = ("tool", "target", "run_id", "principal", "decision")
_SHOWN = (
    "seq", "time", "event", "principal", "tool", "operation", "targets", "risk", "check",
    "decision", "rule", "run_id", "status", "changed", "error", "milliseconds", "plan_id",
    "approver", "channel", "reason", "source", "count", "factor", "transport", "part",
)  # fmt: skip
_SCHEMA = schema(
    {
        "since": {"type": "string", "maxLength": 40, "description": "30m, 2h, 7d, or a date"},
        "tool": _NAME,
        "target": _NAME,
        "run_id": _NAME | {"description": "one run, with its arguments"},
        "principal": _NAME,
        "decision": {"type": "string", "enum": ["allow", "approve", "deny"]},
        "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": _DEFAULT_LIMIT},
        "cursor": {
            "type": "string",
            "pattern": "^[0-9]{1,15}$",
            "description": "page.next of the last answer; repeat the filters",
        },
    }
)


def tools(path: Path, budget: int) -> tuple[Tool, ...]:
    """Return the one tool."""

    def answer(call: Call) -> Mapping[str, Any]:
        asked = call.arguments
        cursor = asked.get("cursor")
        before = None if cursor is None else int(cursor)
        limit = asked.get("limit", _DEFAULT_LIMIT)
        return _page(decisions(path, _wanted(call), limit, before), "run_id" in asked, budget)

    return (
        Tool(
            name="audit_query",
            title="Read the audit",
            description=(
                "Lists what was asked for, decided and done through this server, the latest first: "
                "who, tool, targets, decision and rule, outcome. Your own calls, or all for an "
                "administrator. Starts no run."
            ),
            input_schema=_SCHEMA,
            answer=answer,
            starts_run=False,
        ),
    )


def _wanted(call: Call) -> Wanted:
    """Return what the call may see of what it asks for."""
    chosen = {name: call.arguments[name] for name in _FILTERS if name in call.arguments}
    caller = call.caller
    if ADMIN not in caller.scopes:
        if chosen.get("principal", caller.principal) != caller.principal:
            raise Refusal(
                "invalid_args",
                "principal must be your own; the operator sees those of others.",
                "Leave principal out.",
            )
        chosen["principal"] = caller.principal
    return Wanted(since=_since(call.arguments.get("since")), **chosen)


def _page(found: Found, whole: bool, budget: int) -> Mapping[str, Any]:
    names = (*_SHOWN, "arguments") if whole else _SHOWN
    shown = [{name: row[name] for name in names if name in row} for row in found.rows]

    def cursor(after: int) -> str:
        return str(found.more if after == len(shown) else found.places[after - 1])

    # How many there are in all is not known without reading all.
    body = rows(shown, total=len(shown) + (found.more is not None), cursor=cursor, budget=budget)
    del body["page"]["total"]
    return body


def _since(text: str | None) -> float:
    try:
        return moment_of(text) if text else 0.0
    except ValueError as error:
        raise Refusal(
            "invalid_args", f"since: {error}.", f"Give {FORMS}, or leave since out."
        ) from None
