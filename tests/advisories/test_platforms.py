# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong between other servers and their platforms; each test names the advisory."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from mcp import Client

import virtsim
from plugins.module_utils.engine.errors import ValidationFailed
from plugins.module_utils.kubevirt.kinds import VM, subresource
from plugins.module_utils.paths import straight
from plugins.module_utils.proxmox.api import path
from tests.mcp.conftest import Bridge, Http

_NAMES = ("a/b", "../a", "a?b", "a#b", "a%2fb", "a%2e%2e", "a;b", "a\\b", "a b", "é", "...", "a\nb")
_DOTS = ("..", ".", "../..", "..\\..", "a/../b", "./a")


@pytest.mark.parametrize("name", _NAMES)
def test_cve_2026_32871_a_name_stays_one_segment_of_the_path(name: str) -> None:
    """CVE-2026-32871 (FastMCP): a path parameter was not encoded."""
    assert path("/nodes/{node}/x", node=name).count("/") == 3
    assert VM.path(name, name).count("/") == VM.path("a", "a").count("/")
    assert subresource(VM, name, name, "x").count("/") == subresource(VM, "a", "a", "x").count("/")
    for built in (path("/a/{x}", x=name), VM.path("ns", name)):
        assert "?" not in built and "#" not in built and "\n" not in built


@pytest.mark.parametrize("name", _DOTS)
def test_cve_2026_32871_two_dots_are_refused_and_not_resolved(name: str) -> None:
    for built in (path("/access/users/{userid}", userid=name), VM.path("ns", name)):
        with pytest.raises(ValidationFailed, match="must not be"):
            straight(built, "GET x")
    straight(path("/a/{x}", x="a..b/...") + "?next=../x", "GET x")


def test_cve_2026_32871_two_dots_reach_no_other_operation(bridge: Bridge) -> None:
    """Red when `straight` is not called: the answer is then that of another path."""

    async def talk(client: Client) -> None:
        for operation, name in (
            ("proxmox:GET /access/users/{userid}", "userid"),
            ("proxmox:GET /access/roles/{roleid}", "roleid"),
        ):
            body = await bridge.answer(
                client, "tool_read", operation=operation, target="lab", args={name: ".."}
            )
            assert body["error"]["code"] == "invalid_args", body

    with virtsim.start("proxmox", seed="small") as sim:
        bridge.add("lab", sim)
        bridge.session(talk)
        assert sim.control.journal() == []


def test_cve_2025_66416_a_page_of_another_host_is_refused(bridge: Bridge) -> None:
    """CVE-2025-66416, GHSA-9h52-p55h-vw2f: DNS rebinding; CVE-2025-49596, CVE-2026-33032: a local
    server that any page could call. Every path is behind the same checks."""
    with Http(bridge, "--no-auth") as server:
        base = server.url.removesuffix("/mcp")
        for place in ("/mcp", "/mcp/", "/", "/health", "/docs", "/messages", "/sse"):
            for headers, status in (
                ({"Host": "evil.example.org"}, (404, 421)),
                ({"Origin": "http://evil.example.org"}, (403, 404)),
            ):
                answer = requests.post(
                    base + place, json={}, headers=headers, timeout=40, allow_redirects=False
                )
                assert answer.status_code in (*status, 307), (place, answer.status_code)
                assert place != "/mcp" or answer.status_code != 404


@pytest.mark.parametrize("fault", ["hostile_json", "html", "truncate"])
@pytest.mark.parametrize("platform", ["proxmox", "cloudstack", "kubevirt"])
def test_cve_2023_54391_the_platform_itself_may_be_hostile(
    bridge: Bridge, platform: str, fault: str
) -> None:
    """CVE-2023-54391 (a login bypass of Proxmox VE): what it answers is input like any other."""
    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        sim.control.fault(fault, count=0)
        body: dict[str, Any] = bridge.call("vm_list")
        assert not body["ok"] and body["error"]["code"] != "internal", body
