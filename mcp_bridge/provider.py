# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam for what a server offers beside the tools of its surface, in the SDK's own types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp import types
from mcp.server.context import ServerRequestContext

Context = ServerRequestContext[dict[str, Any], Any]


class Provider:
    """Further tools, resources and prompts; this one has none.

    The lists are read at each request. A function that returns None says that what is asked for
    is not its own; `call_tool` is asked only for the tools of the list.
    """

    tools: Sequence[types.Tool] = ()
    resources: Sequence[types.Resource] = ()
    templates: Sequence[types.ResourceTemplate] = ()
    prompts: Sequence[types.Prompt] = ()

    async def call_tool(
        self, _context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Answer a call of one of the tools."""
        raise NotImplementedError(params.name)

    async def read_resource(
        self, _context: Context, _params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult | None:
        """Return what a resource holds."""
        return None

    async def get_prompt(
        self, _context: Context, _params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult | None:
        """Return a prompt with its arguments put in."""
        return None
