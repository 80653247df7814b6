# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user of a client that logged in is asked: who may answer, and with which token."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx2
import pytest
import requests
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

from tests.auth.conftest import META, REVISION, Guarded, Idp, Session, result
from tests.mcp.conftest import Bridge, until
from tests.mcp.test_approve import PHRASE, enrol, on_terminal
from virtsim import SimServer

Starter = Callable[..., Guarded]
Lab = tuple[Bridge, SimServer]
STOP = {"ref": "lab/-/100", "state": "stopped"}
ASKED = {"match": {"risk": "disruptive"}, "verdict": "approve", "by": "client"}
MAY = "vb:apply vb:approve"
YES = {"action": "accept", "content": {"approve": True}}
FORMS = {"elicitation": {"form": {}}}
KEY = "io.modelcontextprotocol/clientCapabilities"
SKEW = 30  # for so many seconds after its end a token is still taken


@pytest.fixture
def lab(bridge: Bridge, proxmox_sim: Callable[..., SimServer]) -> Lab:
    sim = proxmox_sim()
    bridge.add("lab", sim)
    bridge.allow(ASKED)
    return bridge, sim


class Forms(Session):
    """What a client with forms sends, in the revision without sessions."""

    def stop(self, state: str | None = None, **more: Any) -> requests.Response:
        """Ask for the machine to be stopped, or answer the question that came of it."""
        answer = {"requestState": state, "inputResponses": {"approve": YES}} if state else {}
        params = {"name": "vm_power", "arguments": STOP, "_meta": META | {KEY: FORMS}}
        return requests.post(
            self.url,
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                  "params": params | answer | more},
            headers={
                "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call",
                "MCP-Protocol-Version": REVISION, "Mcp-Name": "vm_power",
                "Authorization": f"Bearer {self.token}",
            },
            timeout=60,
        )  # fmt: skip


class Old:
    """A session in the older revision, whose client has forms; each request has its own token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25",
        }  # fmt: skip
        hello = {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "test", "version": "1"},
        }  # fmt: skip
        answer = self.send(token, {"id": 0, "method": "initialize", "params": hello})
        self.headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
        assert self.send(token, {"method": "notifications/initialized"}).status_code == 202

    def send(self, token: str, message: Any, *, stream: bool = False) -> requests.Response:
        login = {"Authorization": f"Bearer {token}"}
        return requests.post(
            self.url, json={"jsonrpc": "2.0", **message}, headers=self.headers | login, timeout=60,
            stream=stream,
        )  # fmt: skip

    def stop(self, token: str) -> Iterator[dict[str, Any]]:
        """Yield what comes of a call that stops the machine, apart from its progress."""
        params = {"name": "vm_power", "arguments": STOP}
        call = {"id": 1, "method": "tools/call", "params": params}
        with self.send(token, call, stream=True) as answer:
            assert answer.status_code == 200, answer.text
            for line in answer.iter_lines():
                if line.startswith(b"data:") and line != b"data: ":
                    message = json.loads(line.removeprefix(b"data:"))
                    if message.get("method") != "notifications/progress":
                        yield message


def _short(idp: Idp, server: Guarded) -> str:
    """Return a token of alice that is good for some seconds more, and for some requests."""
    begin = time.monotonic()
    for _request in range(3):
        assert server.session(idp.token(MAY)).tools()
    slow = time.monotonic() - begin
    return idp.forged(scope=MAY, exp=round(time.time() + 5 + 5 * slow) - SKEW)


def _plan(bridge: Bridge) -> str:
    return str(bridge.audit("planned")[-1]["plan_id"])


@pytest.mark.parametrize("mode", ["legacy", REVISION])
def test_who_answers_is_who_logged_in(lab: Lab, idp: Idp, guarded: Starter, mode: Any) -> None:
    """Red when the client's own name stands in the audit for who approved."""
    bridge, sim = lab
    server = guarded(bridge, idp)
    asked: list[str] = []

    async def answer(_context: Any, params: Any) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"approve": True})

    async def main(scope: str) -> dict[str, Any]:
        login = {"Authorization": f"Bearer {idp.token(scope)}"}
        async with httpx2.AsyncClient(headers=login, timeout=60) as http:
            transport = streamable_http_client(server.url, http_client=http)
            with anyio.fail_after(200):
                async with Client(transport, mode=mode, elicitation_callback=answer) as client:
                    return await bridge.answer(client, "vm_power", **STOP)

    # An agent has the scope to apply and not the one to approve: its client is not even asked.
    assert anyio.run(main, "vb:apply")["status"] == "denied"
    assert (asked, sim.control.writes()) == ([], [])
    body = anyio.run(main, MAY)
    assert body["status"] == "changed", body
    assert f"oauth:{idp.issuer}#alice" in asked[0]
    (row,) = bridge.audit("approved")
    assert (row["approver"], row["channel"]) == (f"oauth:{idp.issuer}#alice", "client")
    assert len(sim.control.writes()) == 1


def test_a_question_is_answered_by_its_caller_with_a_good_token_only(
    lab: Lab, idp: Idp, guarded: Starter
) -> None:
    """Red when the state of a question is good for another caller, or with any scope."""
    bridge, sim = lab
    server = guarded(bridge, idp)

    def by(token: str) -> Forms:
        return Forms(server.url, token)

    short = _short(idp, server)
    asked = result(by(short).stop())
    state = asked["requestState"]
    assert "oauth" in json.dumps(asked["inputRequests"])
    others = [idp.token(MAY, "bob"), idp.forged(scope=MAY, sub="bob", client_id="alice")]
    for token in others:
        refused = by(token).stop(state).json()
        assert refused["error"]["code"] == types.INVALID_PARAMS, refused
        assert by(token).call("plan_apply", plan_id=_plan(bridge))["error"]["code"] == "not_found"
        assert _plan(bridge) not in json.dumps(by(token).call("audit_query"))
    until(lambda: by(short).send("tools/list").status_code == 401)
    assert by(short).stop(state).status_code == 401
    assert by(idp.token("vb:plan vb:approve")).stop(state).status_code == 403
    lacking = result(by(idp.token("vb:apply")).stop(state))["structuredContent"]
    assert lacking["error"]["code"] == "approval_required"
    assert "vb:approve" in lacking["error"]["message"]
    assert (sim.control.writes(), bridge.audit("approved")) == ([], [])
    done = result(by(idp.token(MAY)).stop(state))["structuredContent"]
    assert done["status"] == "changed", done
    assert len(sim.control.writes()) == 1


def test_an_answer_in_a_session_needs_a_good_token_of_the_same_caller(
    lab: Lab, idp: Idp, guarded: Starter
) -> None:
    """Red when the gate lets an answer through with another scope than approving."""
    bridge, sim = lab
    server = guarded(bridge, idp)
    short = _short(idp, server)
    session = Old(server.url, short)
    messages = session.stop(short)
    question = next(messages)
    assert question["method"] == "elicitation/create", question
    answer = {"id": question["id"], "result": YES}
    until(lambda: session.send(short, {"id": 5, "method": "tools/list"}).status_code == 401)
    given = (
        (short, 401), (idp.token("vb:admin"), 403), (idp.token(MAY, "bob"), 404),
        (idp.forged(scope=MAY, sub="bob", client_id="alice"), 404),
    )  # fmt: skip
    for token, status in given:
        assert session.send(token, answer).status_code == status
    assert (sim.control.writes(), bridge.audit("approved")) == ([], [])
    assert session.send(idp.token(MAY), answer).status_code == 202
    body = next(messages)["result"]["structuredContent"]
    assert body["status"] == "changed", body
    (row,) = bridge.audit("approved")
    assert row["approver"] == f"oauth:{idp.issuer}#alice"
    assert len(sim.control.writes()) == 1


def test_four_eyes_are_never_those_of_the_requester(lab: Lab, idp: Idp, guarded: Starter) -> None:
    """Red when the caller's own client is asked for the second person's consent."""
    bridge, sim = lab
    bridge.config["policy"]["rules"] = [ASKED | {"by": "person", "four_eyes": True}]
    server = guarded(bridge, idp)
    alice = Forms(server.url, idp.token(MAY))
    nobody = result(alice.stop())["structuredContent"]
    assert nobody["status"] == "denied"
    enrol(bridge)
    waits = result(alice.stop())["structuredContent"]
    plan = waits["data"]["plan"]
    assert waits["status"] == "approval_required"
    assert alice.call("plan_apply", plan_id=plan["id"])["status"] == "approval_required"
    assert sim.control.writes() == []
    assert on_terminal(bridge, "approve", plan["code"], answers=(PHRASE,))[0] == 0
    assert alice.call("plan_apply", plan_id=plan["id"])["status"] == "changed"
    (row,) = bridge.audit("approved")
    assert (row["channel"], row["approver"][:3]) == ("person", "os:")
    assert len(sim.control.writes()) == 1
