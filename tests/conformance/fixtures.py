# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conformance suite asks a server for: its test tools, resources and prompts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import MCPError, types
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ToolsListChanged,
)

from mcp_bridge.provider import Context, Provider

from .fixtures_asking import ASKING, asked_prompt

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
Result = types.CallToolResult | types.InputRequiredResult
Function = Callable[[Context, types.CallToolRequestParams], Awaitable[Result]]
ANYTHING = {"type": "object", "properties": {}}
BUS = InMemorySubscriptionBus()


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _image() -> types.ImageContent:
    return types.ImageContent(type="image", data=PNG, mime_type="image/png")


def _embedded(uri: str, mime_type: str, text: str) -> types.EmbeddedResource:
    content = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return types.EmbeddedResource(type="resource", resource=content)


def _always(*content: Any, is_error: bool = False) -> Function:
    async def answer(_context: Context, _params: Any) -> Result:
        return types.CallToolResult(content=list(content), is_error=is_error)

    return answer


async def _logging(context: Context, _params: Any) -> Result:
    for message in ("started", "processing data", "execution completed"):
        await context.session.send_log_message(
            "info", f"Tool {message}", related_request_id=context.request_id
        )
        await anyio.sleep(0.05)
    return types.CallToolResult(content=[_text("Tool with logging executed successfully")])


async def _progress(context: Context, _params: Any) -> Result:
    for step in (0, 50, 100):
        await context.session.report_progress(step, 100, f"Completed step {step} of 100")
        await anyio.sleep(0.05)
    return types.CallToolResult(content=[_text("done")])


async def _missing(context: Context, _params: Any) -> Result:
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling.",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return types.CallToolResult(content=[_text("sampling is there")])


async def _change_tools(_context: Context, _params: Any) -> Result:
    await BUS.publish(ToolsListChanged())
    return types.CallToolResult(content=[_text("told")])


async def _change_prompts(_context: Context, _params: Any) -> Result:
    await BUS.publish(PromptsListChanged())
    return types.CallToolResult(content=[_text("told")])


FUNCTIONS: dict[str, Function] = {
    "test_simple_text": _always(_text("This is a simple text response for testing.")),
    "test_image_content": _always(_image()),
    "test_audio_content": _always(
        types.AudioContent(type="audio", data=WAV, mime_type="audio/wav")
    ),
    "test_embedded_resource": _always(
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": _always(
        _text("Multiple content types test:"),
        _image(),
        _embedded(
            "test://mixed-content-resource", "application/json", '{"test":"data","value":123}'
        ),
    ),
    "test_error_handling": _always(
        _text("This tool intentionally returns an error for testing"), is_error=True
    ),
    "test_tool_with_logging": _logging,
    "test_logging_tool": _logging,
    "test_tool_with_progress": _progress,
    "test_missing_capability": _missing,
    "test_trigger_tool_change": _change_tools,
    "test_trigger_prompt_change": _change_prompts,
    **ASKING,
}
ARGUMENTS = {
    "test_sampling": {"prompt": {"type": "string"}},
    "test_elicitation": {"message": {"type": "string"}},
}
TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "This one is watched.",
}
PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


class Fixtures(Provider):
    """All of it."""

    tools = tuple(
        types.Tool(
            name=name,
            description=f"A test tool: {name}.",
            input_schema=ANYTHING | {"properties": ARGUMENTS.get(name, {})},
        )
        for name in FUNCTIONS
    )
    resources = (
        *(
            types.Resource(uri=uri, name=uri, description="A text.", mime_type="text/plain")
            for uri in TEXTS
        ),
        types.Resource(
            uri="test://static-binary", name="binary", description="An image.",
            mime_type="image/png",
        ),
    )  # fmt: skip
    templates = (
        types.ResourceTemplate(
            uri_template="test://template/{id}/data", name="template", description="By its id.",
            mime_type="application/json",
        ),
    )  # fmt: skip
    prompts = tuple(
        types.Prompt(
            name=name,
            description=f"A test prompt: {name}.",
            arguments=[
                types.PromptArgument(name=each, description=each, required=True) for each in names
            ],
        )
        for name, names in PROMPTS.items()
    )

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Result:
        return await FUNCTIONS[params.name](context, params)

    async def read_resource(
        self, _context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | None:
        uri = str(params.uri)
        given = uri.removeprefix("test://template/").removesuffix("/data")
        if uri in TEXTS:
            content: Any = types.TextResourceContents(
                uri=uri, mime_type="text/plain", text=TEXTS[uri]
            )
        elif uri == "test://static-binary":
            content = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
        elif uri == f"test://template/{given}/data":
            text = {"id": given, "templateTest": True, "data": f"Data for ID: {given}"}
            content = types.TextResourceContents(
                uri=uri, mime_type="application/json", text=json.dumps(text)
            )
        else:
            return None
        return types.ReadResourceResult(contents=[content])

    async def get_prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult | None:
        given = params.arguments or {}
        match params.name:
            case "test_simple_prompt":
                return _prompt(_text("This is a simple prompt for testing."))
            case "test_prompt_with_arguments":
                words = f"arg1='{given['arg1']}', arg2='{given['arg2']}'"
                return _prompt(_text(f"Prompt with arguments: {words}"))
            case "test_prompt_with_embedded_resource":
                text = "Embedded resource content for testing."
                return _prompt(
                    _embedded(given["resourceUri"], "text/plain", text),
                    _text("Please process the embedded resource above."),
                )
            case "test_prompt_with_image":
                return _prompt(_image(), _text("Please analyze the image above."))
            case "test_input_required_result_prompt":
                return asked_prompt(context, params)
        return None


def _prompt(*content: Any) -> types.GetPromptResult:
    messages = [types.PromptMessage(role="user", content=each) for each in content]
    return types.GetPromptResult(messages=messages)
