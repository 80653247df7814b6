# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user of a client is asked: both transports, both eras, with and without the capability."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters, types

from tests.mcp.conftest import Bridge, Http
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
Reply = Callable[[Any], types.ElicitResult | types.ErrorData]
STOP = {"ref": "lab/-/100", "state": "stopped"}
ERAS = ("legacy", "2026-07-28")
ASKED = {"name": "asked", "match": {"risk": "disruptive"}, "verdict": "approve", "by": "client"}
PERSON = {"name": "person", "match": {"risk": "disruptive"}, "verdict": "approve", "by": "person"}


def accept(_params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"approve": True})


class Talk:
    """Sessions over one transport, in one era."""

    def __init__(self, bridge: Bridge, transport: str, era: str) -> None:
        self.bridge, self.transport, self.era = bridge, transport, era
        self.asked: list[str] = []

    def __call__(
        self, use: Callable[[Client], Awaitable[Any]], reply: Reply | None = accept
    ) -> Any:
        """Return what `use` gives with a client whose user replies like this, or has no form."""

        async def answer(_context: Any, params: Any) -> types.ElicitResult | types.ErrorData:
            self.asked.append(params.message)
            assert reply is not None
            return reply(params)

        async def main(server: Any) -> Any:
            callback = answer if reply else None
            with anyio.fail_after(200):
                async with Client(server, mode=self.era, elicitation_callback=callback) as client:
                    return await use(client)

        with self._server() as server:
            return anyio.run(main, server)

    @contextmanager
    def _server(self) -> Iterator[Any]:
        if self.transport == "http":
            with Http(self.bridge) as http:
                yield http.url
            return
        command = self.bridge.command("serve")
        yield StdioServerParameters(
            command=command[0],
            args=command[1:],
            env=self.bridge.environment,
            cwd=self.bridge.folder,
        )


@pytest.fixture(params=[f"{way}-{era}" for way in ("stdio", "http") for era in ERAS])
def talk(request: pytest.FixtureRequest, lab: Lab) -> Talk:
    """Return the ways in which a client can come."""
    way, era = request.param.split("-", 1)
    lab[0].allow(ASKED)
    return Talk(lab[0], way, era)


def test_what_the_user_accepts_is_done_once(talk: Talk, lab: Lab) -> None:
    """With the capability, first and second use. Red when the reply is taken for no reply."""
    bridge, sim = lab

    async def use(client: Client) -> list[dict[str, Any]]:
        direct = await bridge.answer(client, "vm_power", **STOP)
        started = await bridge.answer(client, "vm_power", ref="lab/-/100", state="started")
        planned = await bridge.answer(client, "vm_power", **STOP, check=True)
        plan = planned["data"]["plan"]["id"]
        applied = await bridge.answer(client, "plan_apply", plan_id=plan)
        again = await bridge.answer(client, "plan_apply", plan_id=plan)
        return [direct, started, applied, again]

    direct, started, applied, again = talk(use)
    assert [direct["status"], started["status"], applied["status"]] == ["changed"] * 3
    assert again["error"]["code"] == "plan_used"
    assert len(talk.asked) == 2
    assert '"stopped"' in talk.asked[0]
    assert '"running" -> "stopped"' in talk.asked[0]
    assert len(sim.control.writes()) == 3
    approved = bridge.audit("approved")
    assert [row["channel"] for row in approved] == ["client", "client"]
    assert approved[0]["approver"].startswith("os:" if talk.transport == "stdio" else "http:")
    stop = next(row for row in bridge.audit("intent") if not row["check"])
    assert (stop["channel"], stop["plan_id"]) == ("client", approved[0]["plan_id"])


def test_a_client_without_forms_is_told_what_to_do(talk: Talk, lab: Lab) -> None:
    """Without the capability, first and second use. Red when such a client is asked, or allowed."""
    bridge, sim = lab

    async def use(client: Client) -> list[dict[str, Any]]:
        first = await bridge.answer(client, "vm_power", **STOP)
        planned = await bridge.answer(client, "vm_power", **STOP, check=True)
        plan = planned["data"]["plan"]["id"]
        return [first, *[await bridge.answer(client, "plan_apply", plan_id=plan) for _ in "ab"]]

    for body in talk(use, reply=None):
        assert body["status"] == "denied"
        assert "virtbridge approve --enroll" in body["error"]["next"]
    assert sim.control.writes() == []


REPLIES: dict[str, tuple[Reply, str]] = {
    "decline": (lambda _params: types.ElicitResult(action="decline"), "denied"),
    "unticked": (
        lambda _params: types.ElicitResult(action="accept", content={"approve": False}),
        "denied",
    ),
    "cancel": (lambda _params: types.ElicitResult(action="cancel"), "approval_required"),
    "nothing": (lambda _params: types.ElicitResult(action="accept"), "approval_required"),
    "garbage": (
        lambda _params: types.ElicitResult(action="accept", content={"approve": "yes", "x": 1}),
        "approval_required",
    ),
    "other": (
        lambda _params: types.ElicitResult(action="accept", content={"confirm": True}),
        "approval_required",
    ),
}


@pytest.mark.parametrize("kind", sorted(REPLIES))
def test_whatever_is_no_consent_runs_nothing(talk: Talk, lab: Lab, kind: str) -> None:
    """Red when any reply but a ticked form is taken for consent."""
    bridge, sim = lab
    reply, status = REPLIES[kind]

    async def use(client: Client) -> list[dict[str, Any]]:
        body = await bridge.answer(client, "vm_power", **STOP)
        plan = bridge.audit("planned")[0]["plan_id"]
        return [body, await bridge.answer(client, "plan_apply", plan_id=plan)]

    first, again = talk(use, reply=reply)
    assert first["status"] == status, first
    assert sim.control.writes() == []
    assert bridge.audit("approved") == []
    if status == "denied":
        assert bridge.audit("rejected")[0]["channel"] == "client"
        assert again["error"]["code"] == "denied_by_policy"
    else:
        assert again["status"] == "approval_required"
        assert len(talk.asked) == 2


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_client_that_answers_with_an_error_consents_to_nothing(lab: Lab, way: str) -> None:
    bridge, sim = lab
    bridge.allow(ASKED)

    async def use(client: Client) -> dict[str, Any]:
        return await bridge.answer(client, "vm_power", **STOP)

    body = Talk(bridge, way, "legacy")(
        use, lambda _params: types.ErrorData(code=-32603, message="no")
    )
    assert body["status"] == "approval_required"
    assert sim.control.writes() == []


def test_a_client_is_no_person(talk: Talk, lab: Lab) -> None:
    """Red when the consent of a client counts where the policy asks for a person."""
    bridge, sim = lab
    bridge.config["policy"]["rules"] = [PERSON]

    async def use(client: Client) -> list[dict[str, Any]]:
        planned = await bridge.answer(client, "vm_power", **STOP, check=True)
        plan = planned["data"]["plan"]["id"]
        return [
            await bridge.answer(client, "vm_power", **STOP),
            await bridge.answer(client, "plan_apply", plan_id=plan),
        ]

    for body in talk(use):
        assert body["status"] == "denied"
    assert talk.asked == []
    assert sim.control.writes() == []


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_reply_that_is_sent_again_does_nothing_more(lab: Lab, way: str) -> None:
    """Red when a replayed state runs the plan again, or one of another call is taken."""
    bridge, sim = lab
    bridge.allow(ASKED)
    yes = {"approve": types.ElicitResult(action="accept", content={"approve": True})}

    async def use(client: Client) -> list[Any]:
        first = await client.session.call_tool("vm_power", STOP, allow_input_required=True)
        assert isinstance(first, types.InputRequiredResult)
        assert first.request_state and "plan" not in first.request_state

        async def send(arguments: dict[str, Any], state: str | None) -> Any:
            return await client.session.call_tool(
                "vm_power", arguments, input_responses=yes, request_state=state,
                allow_input_required=True,
            )  # fmt: skip

        wrong = []
        for arguments, state in (
            ({**STOP, "ref": "lab/-/101"}, first.request_state),
            (STOP, first.request_state[:-4] + "AAAA"),
            (STOP, bridge.audit("planned")[0]["plan_id"]),
        ):
            with pytest.raises(MCPError) as caught:
                await send(arguments, state)
            wrong.append(caught.value.code)
        assert wrong == [types.INVALID_PARAMS] * 3
        assert sim.control.writes() == []
        # A reply to no question is none: the question is put again.
        assert isinstance(await send(STOP, None), types.InputRequiredResult)
        return [await send(STOP, first.request_state) for _turn in "abc"]

    answers = Talk(bridge, way, ERAS[1])(use)
    bodies = [answer.structured_content for answer in answers]
    assert bodies[0]["status"] == "changed"
    assert [body["error"]["code"] for body in bodies[1:]] == ["plan_used"] * 2
    assert len(sim.control.writes()) == 1
