# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's server with the conformance suite's fixtures beside its own tools.

Everything but the fixtures is what `virtbridge serve --http` is made of.
"""

from __future__ import annotations

import warnings
from typing import Any

from mcp import types
from mcp.server.subscriptions import ListenHandler

from mcp_bridge.cli_open import open_surface
from mcp_bridge.config_auth import HttpServer
from mcp_bridge.server import build_server
from mcp_bridge.serving import listen, run_http

from .fixtures import BUS, Fixtures


async def _accept(_context: Any, _params: Any) -> types.EmptyResult:
    return types.EmptyResult()


def main() -> None:
    """Serve on a free port until told to end; the address is on standard error."""
    warnings.simplefilter("ignore")  # what the newer revision deprecates the older one asks for
    with open_surface(None, None, False, False, lasting=True) as surface:
        server = build_server(surface, "0", "http:loopback", Fixtures())
        server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _accept)
        server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, _accept)
        server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, _accept)
        server.add_request_handler(
            "subscriptions/listen", types.SubscriptionsListenRequestParams, ListenHandler(BUS)
        )
        with listen("127.0.0.1:0") as listener:
            run_http(server, surface, listener, HttpServer())


if __name__ == "__main__":
    main()
