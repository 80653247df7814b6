# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges with the real proxy, sent byte by byte over TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from urllib.parse import quote

import pytest

from virtsim.core.clock import Clock
from virtsim.core.server import Listen, SimServer
from virtsim.proxmox import ProxmoxSimulator
from virtsim.proxmox.config_text import parse
from virtsim.proxmox.usercfg import parse as parse_users

USERS = """
user:root@pam:1:0:::::
user:bob@pve:1:0:::::
user:alice@pve:1:0:::::
user:off@pve:0:0:::::
token:bob@pve!t1:0:0::
token:bob@pve!exp:100:0::
acl:1:/:bob@pve:Administrator:
"""
CONF = "memory: 1024\nname: web1\nnet0: virtio=BC:24:11:00:00:01\n"
# Other parts of the product, limits of the HTTP library below, or words of a resolver.
SKIPPED = {
    "many headers",
    "bad request line",
    "http 1.0",
    "idle before",
    "multi-line error message",
    "DELETE with query",
}
HEADERS = ("connection", "server", "cache-control", "pragma", "content-type", "content-encoding")


@pytest.fixture(scope="module")
def lab():
    sim = ProxmoxSimulator(clock=Clock("jump"), offline=("pve2",))
    state = sim.state
    state.access = parse_users(USERS)
    for name in ("bob@pve", "alice@pve", "off@pve"):
        state.access.users[name]["password"] = "secret123"
    state.access.token("bob@pve!t1")["secret"] = "11111111-1111-1111-1111-111111111111"
    state.access.token("bob@pve!exp")["secret"] = "33333333-3333-3333-3333-333333333333"
    state.guests.clear()
    state.guests[100] = parse(100, "pve1", CONF)
    state.guests[200] = parse(200, "pve2", CONF)
    with SimServer(sim, Listen()) as server:
        yield server


def fresh(server, request):
    """Put a ticket of this simulator where the recording has one of the real server."""
    headers, body = dict(request["headers"]), request["body"]
    keys, now = server.simulator.keys, server.simulator.clock.now()
    cookie = headers.get("Cookie", "")
    user = "alice@pve" if "alice" in cookie else "bob@pve"
    if cookie == "PVEAuthCookie=<broken>":
        headers["Cookie"] = "PVEAuthCookie=PVE:bob@pve:6B00EE70::AAAA"
    elif "PVEAuthCookie" in cookie:
        headers["Cookie"] = f"PVEAuthCookie={keys.ticket(user, now)}"
    if headers.get("CSRFPreventionToken") == "<csrf>":
        headers["CSRFPreventionToken"] = keys.csrf(user, now)
    if body and "(428 chars)" in body:
        body = f"username=bob%40pve&password={quote(keys.ticket('bob@pve', now), safe='')}"
    if body and "(524300 chars)" in body:
        body = "description=" + "a" * (524300 - len("description="))
    return headers, body


def exchange(server, request):
    context = ssl.create_default_context(cafile=server.ca_file)
    headers, body = fresh(server, request)
    lines = [f"{request['method']} {request['path']} HTTP/1.1", "Host: pve1"]
    content = (body or "").encode()
    if headers.get("Transfer-Encoding") == "chunked":
        content = b"0\r\n\r\n"
    elif content or (body == "" and "Content-Length" not in headers):
        headers.setdefault("Content-Length", str(len(content)))
    lines += [f"{k}: {v}" for k, v in headers.items()]
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as channel,
    ):
        channel.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        answer = http.client.HTTPResponse(channel, method=request["method"])
        answer.begin()
        text = answer.read()
        found = {k.lower(): v for k, v in answer.getheaders()}
        closed = True
        if found.get("connection") == "Keep-Alive":
            channel.settimeout(0.05)
            try:
                closed = channel.recv(1) == b""
            except TimeoutError:
                closed = False
    return answer.status, answer.reason, found, text, closed


def differences(server, row):
    wanted = row["response"]
    status, reason, headers, text, closed = exchange(server, row["request"])
    found = []
    same_reason = reason == wanted["reason"] or "<resolver error>" in wanted["reason"]
    if status != wanted["status"] or not same_reason:
        found.append(f"{status} {reason!r}, not {wanted['status']} {wanted['reason']!r}")
    for name in HEADERS:
        if headers.get(name) != wanted["headers"].get(name):
            found.append(f"{name}: {headers.get(name)!r}, not {wanted['headers'].get(name)!r}")
    if ("content-length" in headers) != wanted["has_content_length"]:
        found.append(f"content-length is {headers.get('content-length')!r}")
    if closed != wanted["connection_closed_after"]:
        found.append(f"closed is {closed}")
    if "text" in wanted and text.decode() != wanted["text"]:
        found.append(f"text {text!r}, not {wanted['text']!r}")
    told = wanted.get("json") if wanted["status"] >= 400 else None
    if told and "<resolver" not in str(told) and json.loads(text) != told:
        found.append(f"{text!r}, not {told}")
    return found


def test_the_wire_looks_like_the_real_proxy(lab, vectors, capsys):
    wrong, good, skipped = [], 0, []
    for row in vectors("wire.jsonl"):
        title = row.get("title") or row.get("case")
        if title in SKIPPED or "request" not in row:
            skipped.append(title)
            continue
        if title == "cookie broken":
            row["request"]["headers"]["Cookie"] = "PVEAuthCookie=<broken>"
        found = differences(lab, row)
        good += not found
        if found:
            wrong.append(f"{row['id']} {title}: {found}"[:600])
    with capsys.disabled():
        print(f"\nwire: {good} agree, {len(skipped)} skipped {skipped}", *wrong, sep="\n")
    assert not wrong
