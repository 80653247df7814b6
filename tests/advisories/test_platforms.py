# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong between other servers and their platforms; each test names the advisory."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from mcp import Client

import virtsim
from plugins.module_utils.engine.errors import ValidationFailed
from plugins.module_utils.kubevirt.kinds import VM, subresource
from plugins.module_utils.paths import straight
from plugins.module_utils.proxmox.api import path
from tests.mcp.conftest import Bridge, Http
from tests.mcp.test_process import INITIALIZE

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


_EVIL = "evil.example.org"
_FORMS = (
    "POST /mcp HTTP/1.1|Host: {evil}",
    "POST /mcp HTTP/1.1|Host: {evil}:{port}",
    "POST /mcp HTTP/1.1|Host: {here}.{evil}",
    "POST /mcp HTTP/1.1|Host: {here}@{evil}",
    "POST /mcp HTTP/1.1|Host: {evil}#{here}",
    "POST /mcp HTTP/1.1|Host: {evil}?{here}",
    "POST /mcp HTTP/1.1|Host: {evil}/{here}",
    "POST /mcp HTTP/1.1|Host: {here}/../{evil}",
    "POST /mcp HTTP/1.1|Host: {here},{evil}",
    "POST /mcp HTTP/1.1|Host: {evil}|X-Forwarded-Host: {here}",
    "POST /mcp HTTP/1.1|Host: {evil}|Forwarded: host={here}",
    "POST /mcp HTTP/1.1|Host: {evil}|Host: {here}",
    "POST /mcp HTTP/1.1|Host:",
    "POST /mcp HTTP/1.1|X-Host: {here}",
    "POST http://{here}/mcp HTTP/1.1|Host: {evil}",
    "POST //{here}/mcp HTTP/1.1|Host: {evil}",
    "POST /mcp HTTP/1.0|Host: {evil}",
)


def test_cve_2026_48710_no_form_of_a_host_gets_by_its_check(bridge: Bridge) -> None:
    """CVE-2026-48710 (starlette): the check of `Host` could be passed. Red when it is left out."""
    body = json.dumps(INITIALIZE).encode()
    more = ("Content-Type: application/json", "Accept: application/json, text/event-stream",
            f"Content-Length: {len(body)}", "Connection: close", "", "")  # fmt: skip
    with Http(bridge, "--no-auth") as server:
        address = urlsplit(server.url)
        said = {"evil": _EVIL, "here": address.netloc, "port": address.port}

        def status(form: str) -> int:
            head = "\r\n".join([*form.format(**said).split("|"), *more]).encode()
            assert address.hostname and address.port
            with socket.create_connection((address.hostname, address.port), 20) as connection:
                connection.sendall(head + body)
                return int(connection.recv(4096).split()[1])

        assert status("POST /mcp HTTP/1.1|Host: {here}") == 200
        found = {form: status(form) for form in _FORMS}
    assert {form: each for form, each in found.items() if not 400 <= each < 500} == {}


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
