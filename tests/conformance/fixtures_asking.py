# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test tools of the conformance suite that ask their client something, in both eras."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp import MCPError, types

from mcp_bridge.provider import Context

Result = types.CallToolResult | types.InputRequiredResult
Function = Callable[[Context, types.CallToolRequestParams], Awaitable[Result]]
STRING = {"type": "string"}


def _form(message: str, properties: Mapping[str, Any], *required: str) -> types.ElicitRequest:
    schema = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return types.ElicitRequest(params=params)


def _sample(text: str, most: int = 100) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))
    params = types.CreateMessageRequestParams(messages=[message], max_tokens=most)
    return types.CreateMessageRequest(params=params)


def _done(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


NAME = _form("What is your name?", {"name": STRING}, "name")
CONFIRM = _form("Please confirm", {"ok": {"type": "boolean"}}, "ok")
ROOTS = types.ListRootsRequest()
NEEDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling"}


def _in_rounds(*rounds: Mapping[str, Any], state: bool = False, filtered: bool = False) -> Function:
    """Return a tool that asks each round's questions, and then says what it was told."""

    async def answer(context: Context, params: types.CallToolRequestParams) -> Result:
        given = params.input_responses or {}
        at = int(params.request_state or 0) if state else 0
        if at < len(rounds) and all(key in given for key in rounds[at]):
            at += 1
            if at == len(rounds):
                told = {key: value.model_dump(mode="json") for key, value in given.items()}
                return _done(f"state-ok: {json.dumps(told)}")
        wanted = {
            key: each for key, each in rounds[at].items() if not filtered or _may(context, each)
        }
        return types.InputRequiredResult(
            input_requests=wanted, request_state=str(at) if state else None
        )

    return answer


def _may(context: Context, request: Any) -> bool:
    declared = context.session.client_capabilities
    need = NEEDS.get(request.method, "roots")
    return declared is not None and getattr(declared, need) is not None


def _asking_live(make: Callable[[Mapping[str, Any]], Any]) -> Function:
    """Return a tool that asks its client while the call is open: the era with a handshake."""

    async def answer(context: Context, params: types.CallToolRequestParams) -> Result:
        request = make(params.arguments or {})
        if not _may(context, request):
            raise MCPError(types.INVALID_REQUEST, "The client cannot be asked for this.")
        if context.protocol_version >= "2026-07-28":
            return types.InputRequiredResult(input_requests={"asked": request})
        if isinstance(request, types.ElicitRequest):
            told = await context.session.elicit_form(
                request.params.message, request.params.requested_schema, context.request_id
            )
            return _done(f"Elicitation completed: action={told.action}, content={told.content}")
        told = await context.session.create_message(
            request.params.messages, max_tokens=100, related_request_id=context.request_id
        )
        return _done(f"LLM response: {told.content.text}")

    return answer


def asked_prompt(
    _context: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    """Answer the prompt that asks for its context."""
    told = (params.input_responses or {}).get("user_context")
    if told is None:
        form = _form("What context should the prompt use?", {"context": STRING}, "context")
        return types.InputRequiredResult(input_requests={"user_context": form})
    text = types.TextContent(type="text", text=f"In the context of {told.content}.")
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])


DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
OPTIONS = ["option1", "option2", "option3"]
TITLED = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
ENUMS = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": OPTIONS, "enumNames": ["One", "Two", "Three"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}
USER = {"username": STRING, "email": STRING}
ASKING: dict[str, Function] = {
    "test_sampling": _asking_live(lambda given: _sample(given["prompt"])),
    "test_elicitation": _asking_live(lambda given: _form(given["message"], USER, *USER)),
    "test_streaming_elicitation": _asking_live(lambda _given: CONFIRM),
    "test_elicitation_sep1034_defaults": _asking_live(lambda _given: _form("All?", DEFAULTS)),
    "test_elicitation_sep1330_enums": _asking_live(lambda _given: _form("Which?", ENUMS)),
    "test_input_required_result_elicitation": _in_rounds({"user_name": NAME}),
    "test_input_required_result_sampling": _in_rounds(
        {"capital_question": _sample("What is the capital of France?")}
    ),
    "test_input_required_result_list_roots": _in_rounds({"client_roots": ROOTS}),
    "test_input_required_result_request_state": _in_rounds({"confirm": CONFIRM}, state=True),
    "test_input_required_result_tampered_state": _in_rounds({"confirm": CONFIRM}, state=True),
    "test_input_required_result_multiple_inputs": _in_rounds(
        {"user_name": NAME, "greeting": _sample("Generate a greeting", 50), "client_roots": ROOTS},
        state=True,
    ),
    "test_input_required_result_multi_round": _in_rounds(
        {"step1": _form("Step 1: What is your name?", {"name": STRING}, "name")},
        {"step2": _form("Step 2: Your favorite color?", {"color": STRING}, "color")},
        state=True,
    ),
    "test_input_required_result_capabilities": _in_rounds(
        {"name": NAME, "question": _sample("Which one?")}, filtered=True
    ),
}
