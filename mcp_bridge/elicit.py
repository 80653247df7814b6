# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the user of a client about a plan, in both protocol eras, in the SDK's types.

In the older era the question is a request of its own while the call goes on. In the newer one the
call ends with the question, and comes again with the reply and with the state that it was given:
sealed for this server, principal, tool and arguments. That a reply counts once is the plan's doing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import MCPError, types
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

from .plan_text import question
from .plans import Plan
from .provider import Context
from .tools.applying import Decision

_KEY, _FIELD = "approve", "approve"
_SCHEMA: types.ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        _FIELD: {
            "type": "boolean",
            "title": "Approve",
            "description": "Do exactly this, once",
            "default": False,
        }
    },
    "required": [_FIELD],
}
_STATELESS = "2026-07-28"
# The plan ends long before; then the answer says so, which a refused state cannot.
_STATE_SECONDS = 86_400.0


@dataclass(frozen=True)
class Reply:
    """What came of a question about a plan."""

    plan_id: str
    decision: Decision


def can_ask(context: Context) -> bool:
    """Whether the client says that it shows forms to its user."""
    offered = getattr(context.session.client_capabilities, "elicitation", None)
    # An empty object means forms; one that names only URLs does not.
    return offered is not None and (offered.form is not None or offered.url is None)


def boundary(name: str) -> RequestStateBoundary:
    """Return what seals the state of a question and opens it when the call comes again."""
    security = RequestStateSecurity.ephemeral(ttl=_STATE_SECONDS)
    return RequestStateBoundary(security, default_audience=name)


def reply_of(params: types.CallToolRequestParams) -> Reply | None:
    """Return the reply that a call brings; None when it is the first of its kind."""
    if params.request_state is None:
        return None
    replies = params.input_responses or {}
    return Reply(params.request_state, _decision(replies.get(_KEY)))


async def ask(context: Context, plan: Plan) -> Reply | types.InputRequiredResult:
    """Put the question; return the reply, or what the call ends with until it has one."""
    if context.protocol_version >= _STATELESS:
        form = types.ElicitRequestFormParams(message=question(plan), requested_schema=_SCHEMA)
        return types.InputRequiredResult(
            input_requests={_KEY: types.ElicitRequest(params=form)}, request_state=plan.id
        )
    reply: Any = None
    with anyio.move_on_after(max(0.0, plan.expires - time.time())):
        try:
            reply = await context.session.elicit_form(
                question(plan), _SCHEMA, related_request_id=context.request_id
            )
        except (MCPError, ValueError):
            # The client answered with an error, or with what is no reply: nobody has decided.
            reply = None
    return Reply(plan.id, _decision(reply))


def _decision(reply: Any) -> Decision:
    action = getattr(reply, "action", None)
    if action == "decline":
        return "declined"
    content = getattr(reply, "content", None)
    chosen = content.get(_FIELD) if isinstance(content, dict) else None
    if action != "accept" or not isinstance(chosen, bool):
        return "undecided"
    return "approved" if chosen else "declined"
