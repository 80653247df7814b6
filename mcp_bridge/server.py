# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MCP protocol adapter: with `serving` and `provider`, all that imports the MCP SDK.

It turns protocol messages into calls of the `Surface` and answers back into messages, for both
protocol eras (2026-07-28 without a session, 2025-11-25 and older with a handshake).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp import MCPError, types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server

from .auth import Identity
from .bearer import KEY
from .elicit import ask, boundary, can_ask, reply_of
from .instructions import INSTRUCTIONS
from .provider import Context, Provider
from .scopes import APPROVE, LOCAL
from .surface import Surface
from .tools.spec import Answer, Caller, Signals, Tool, UnknownTool

NAME = "virtbridge"
_HEARTBEAT = 5.0
_LIST_TTL_MS = 300_000
_CONCURRENT_CALLS = 32

_log = logging.getLogger(__name__)


class _Progress:
    """Carries what a running call reports from its thread to the client.

    A client that stopped listening must not break the run, so nothing here raises.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._message = "started"
        self._count = 0
        self._changed = anyio.Event()

    def report(self, message: str) -> None:
        """Note what the run does now; called from the thread of the call."""
        self._message = message
        try:
            anyio.from_thread.run_sync(self._wake)
        except RuntimeError:
            _log.debug("progress after the end of the call: %s", message)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def pump(self) -> None:
        """Send each report, and a sign of life when there was none for some seconds."""
        while True:
            with anyio.move_on_after(_HEARTBEAT):
                await self._changed.wait()
            self._count += 1
            with suppress(MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                await self._context.session.report_progress(self._count, None, self._message)


class _Protocol:
    """The request functions of the server, over one surface."""

    def __init__(self, surface: Surface, principal: str | None, extra: Provider) -> None:
        self._surface = surface
        self._tools = [(tool.least_scope, _wire(tool)) for tool in surface.tools]
        self._extra = extra
        self._principal = principal
        self._limiter = anyio.CapacityLimiter(_CONCURRENT_CALLS)

    async def list_tools(
        self, context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        scopes = self._caller(context).scopes
        mine = [tool for least, tool in self._tools if least in scopes]
        return types.ListToolsResult(tools=[*mine, *self._extra.tools])

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if any(tool.name == params.name for tool in self._extra.tools):
            return await self._extra.call_tool(context, params)
        caller = self._caller(context)
        # Whoever logs in needs the scope, too; a user of this machine is asked by its own client.
        asked = self._principal is not None or APPROVE in caller.scopes
        caller = replace(caller, can_ask=asked and can_ask(context))
        reply = reply_of(params)
        if reply is None:
            name, arguments = params.name, params.arguments or {}
            answer = await self._worked(
                context, name, lambda wires: self._surface.call(name, arguments, caller, wires)
            )
            if answer.question is None:
                return _result(answer)
            given = await ask(context, answer.question)
            if isinstance(given, types.InputRequiredResult):
                return given
            reply = given
        plan, decision = reply.plan_id, reply.decision
        return _result(
            await self._worked(
                context,
                params.name,
                lambda wires: self._surface.decide(plan, decision, caller, wires),
            )
        )

    async def _worked(
        self, context: Context, name: str, work: Callable[[Signals], Answer]
    ) -> Answer:
        """Do it in a thread, with its progress sent to the client."""
        progress = _Progress(context)
        cancelled = threading.Event()
        signals = Signals(
            progress=progress.report, cancelled=cancelled, patience=self._surface.patience
        )
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(progress.pump)
                answer = await anyio.to_thread.run_sync(
                    self._answer,
                    name,
                    lambda: work(signals),
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
                group.cancel_scope.cancel()
        except BaseException:
            # The client cancelled, or is gone. A call that is answered with its run's id goes on.
            cancelled.set()
            raise
        if isinstance(answer, MCPError):
            raise answer
        return answer

    def _caller(self, context: Context) -> Caller:
        """Return who sent this very request: a session may go on with another token."""
        client = _client_name(context)
        if self._principal is not None:
            return Caller(self._principal, client, LOCAL)
        if context.request is None:
            raise LookupError("the gate lets no request through without its caller")
        identity: Identity = context.request.scope[KEY]
        return Caller(identity.principal, client, identity.scopes)

    @staticmethod
    def _answer(name: str, work: Callable[[], Answer]) -> Answer | MCPError:
        try:
            return work()
        except UnknownTool as error:
            return MCPError(types.INVALID_PARAMS, str(error))
        except Exception:
            # The SDK would send the exception's text, which may hold anything.
            _log.exception("tool %s failed inside the bridge", name)
            return MCPError(
                types.INTERNAL_ERROR,
                f"{name} failed inside the bridge; its log on stderr has the traceback.",
            )

    async def list_resources(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=list(self._extra.resources))

    async def list_resource_templates(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=list(self._extra.templates))

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        found = await self._extra.read_resource(context, params)
        if found is not None:
            return found
        uri = str(params.uri)
        message = f"There is no resource {uri}; resources/list names those that exist."
        raise MCPError(types.INVALID_PARAMS, message, {"uri": uri})

    async def list_prompts(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=list(self._extra.prompts))

    async def get_prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        found = await self._extra.get_prompt(context, params)
        if found is not None:
            return found
        message = f"There is no prompt {params.name}; prompts/list names those that exist."
        raise MCPError(types.INVALID_PARAMS, message)

    async def complete(
        self, _context: Context, _params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        return types.CompleteResult(completion=types.Completion(values=[], has_more=False))


def build_server(
    surface: Surface, version: str, principal: str | None, extra: Provider | None = None
) -> Server[dict[str, Any]]:
    """Return the protocol server of one surface, not yet bound to a transport.

    ``principal`` is who its callers are to policy and audit, None when the gate before it says so
    for each request; ``extra`` is what the server offers beside the surface.
    """
    extra = extra or Provider()
    protocol = _Protocol(surface, principal, extra)
    listed = CacheHint(ttl_ms=_LIST_TTL_MS, scope="private")
    schemas = {tool.name: tool.input_schema for tool in surface.tools}
    schemas |= {tool.name: tool.input_schema for tool in extra.tools}
    server = Server(
        NAME,
        version=version,
        title="virtbridge",
        description="Virtual machines on KubeVirt, Proxmox VE and CloudStack, through Ansible.",
        instructions=INSTRUCTIONS,
        cache_hints={
            "tools/list": listed,
            "prompts/list": listed,
            "resources/list": listed,
            "resources/templates/list": listed,
        },
        get_tool_input_schema=schemas.get,
        on_list_tools=protocol.list_tools,
        on_call_tool=protocol.call_tool,
        on_list_resources=protocol.list_resources,
        on_list_resource_templates=protocol.list_resource_templates,
        on_read_resource=protocol.read_resource,
        on_list_prompts=protocol.list_prompts,
        on_get_prompt=protocol.get_prompt,
        on_completion=protocol.complete,
    )
    server.middleware.append(boundary(NAME))
    return server


def _wire(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.input_schema),
        output_schema=dict(tool.output_schema),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            # What the bridge answers from its own memory reaches nothing outside.
            open_world_hint=tool.starts_run,
        ),
    )


def _result(answer: Answer) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=_compact(answer.body))],
        structured_content=dict(answer.body),
        is_error=not answer.ok,
    )


def _client_name(context: Context) -> str:
    params = context.session.client_params
    return f"{params.client_info.name} {params.client_info.version}" if params else "unknown"


def _compact(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
