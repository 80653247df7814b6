# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person approves and denies on a real terminal; nothing else does."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any

import pexpect
import pyotp
import pytest
from mcp import Client

from tests.mcp.conftest import Bridge
from tests.mcp.inside import Inside, inside
from virtsim import SimServer

Lab = tuple[Bridge, SimServer]
GONE = {"ref": "lab/-/101"}
PHRASE = "correct horse battery"


def on_terminal(bridge: Bridge, *arguments: str, answers: tuple[str, ...] = ()) -> tuple[int, str]:
    """Return the exit code and the screen of a command whose questions are answered like this."""
    command = bridge.command(*arguments)
    child = pexpect.spawn(
        command[0], command[1:], env=bridge.environment, cwd=str(bridge.folder),
        encoding="utf-8", timeout=200, dimensions=(60, 200), maxread=65_536,
    )  # fmt: skip
    screen = ""
    for answer in answers:
        # The end of a question, and not of what was read so far.
        child.expect(
            [r"(?:[Pp]assphrase|authenticator|before\)|more|now|remove it): $", pexpect.EOF]
        )
        screen += str(child.before)
        found = re.search(r"secret: ([A-Z2-7]+)", screen)
        # What an authenticator would show now.
        child.sendline(pyotp.TOTP(found[1]).now() if answer == "totp" and found else answer)
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus or 0), screen + str(child.before)


def enrol(bridge: Bridge) -> None:
    code, screen = on_terminal(
        bridge, "approve", "--enroll", "passphrase", answers=(PHRASE, PHRASE)
    )
    assert (code, "enrolled" in screen, PHRASE in screen) == (0, True, False), screen
    assert [row["factor"] for row in bridge.audit("enrolled")] == ["passphrase"]


def waiting(one: Inside, **arguments: Any) -> dict[str, Any]:
    """Ask for what only a person can approve, and return what the answer says of its plan."""
    body = one.answer("vm_delete", **GONE, **arguments)
    assert body["status"] == "approval_required", body
    assert f"virtbridge approve {body['data']['plan']['code']}" in body["error"]["next"]
    return dict(body["data"]["plan"])


@pytest.mark.timeout(300)
def test_a_person_approves_what_a_client_asked_for(lab: Lab) -> None:
    """Red when the second factor is not looked at, or the plan runs without an approval."""
    bridge, sim = lab
    enrol(bridge)

    async def talk(client: Client) -> list[dict[str, Any]]:
        asked = await bridge.answer(client, "vm_delete", **GONE)
        plan = asked["data"]["plan"]
        early = await bridge.answer(client, "plan_apply", plan_id=plan["id"])
        assert early["status"] == "approval_required"
        assert early["data"]["plan"]["code"] == plan["code"]
        listed = subprocess.run(
            bridge.command("approvals", "--json"), env=bridge.environment, cwd=bridge.folder,
            capture_output=True, text=True, timeout=200, check=True,
        )  # fmt: skip
        (row,) = json.loads(listed.stdout)["approvals"]
        assert (row["code"], row["digest"]) == (plan["code"], plan["digest"])
        wrong = on_terminal(bridge, "approve", plan["code"], answers=("wrong horse battery",))
        assert (wrong[0], "That is wrong" in wrong[1]) == (1, True), wrong
        assert (await bridge.answer(client, "plan_apply", plan_id=plan["id"]))["status"] == (
            "approval_required"
        )
        assert sim.control.writes() == []
        code = f"{plan['code'][:4]}-{plan['code'][4:]}".lower()
        right = on_terminal(bridge, "approve", code, answers=(PHRASE,))
        for shown in ('"stopped" -> "absent"', "destructive", '"lab/-/101"', plan["digest"]):
            assert shown in right[1], right
        assert (right[0], "approved" in right[1]) == (0, True)
        late = on_terminal(bridge, "approve", plan["code"])
        assert (late[0], "No plan waits" in late[1]) == (1, True)
        return [await bridge.answer(client, "plan_apply", plan_id=plan["id"]) for _turn in "ab"]

    done, again = bridge.session(talk)
    assert done["status"] == "changed"
    assert again["error"]["code"] == "plan_used"
    (approved,) = bridge.audit("approved")
    assert (approved["channel"], approved["approver"][:3]) == ("person", "os:")
    (run,) = [row for row in bridge.audit("intent") if not row["check"]]
    assert (run["channel"], run["plan_id"]) == ("person", approved["plan_id"])
    assert len(sim.control.writes()) == 1


def test_a_wrong_answer_is_recorded_with_its_plan(lab: Lab) -> None:
    bridge, _sim = lab
    enrol(bridge)
    with inside(bridge) as one:
        plan = waiting(one)
        assert on_terminal(bridge, "approve", plan["code"], answers=("no",))[0] == 1
    (guessed,) = bridge.audit("factor_refused")
    assert (guessed["plan_id"], guessed["factor"]) == (plan["id"], "passphrase")


def test_what_a_person_denies_is_never_run(lab: Lab) -> None:
    bridge, sim = lab
    enrol(bridge)
    with inside(bridge) as one:
        plan = waiting(one)
        code, screen = on_terminal(bridge, "deny", plan["code"])
        assert (code, "can never be applied" in screen) == (0, True)
        body = one.answer("plan_apply", plan_id=plan["id"])
        assert body["error"]["code"] == "denied_by_policy"
        assert on_terminal(bridge, "deny", plan["code"])[0] == 1
    assert bridge.audit("rejected")[0]["channel"] == "person"
    assert sim.control.writes() == []


def test_wrong_answers_lock_the_factor(lab: Lab) -> None:
    """Red when tries are not counted, or only in the process that makes them."""
    bridge, _sim = lab
    enrol(bridge)
    with inside(bridge) as one:
        code = waiting(one)["code"]
        for _turn in range(5):
            assert "That is wrong" in on_terminal(bridge, "approve", code, answers=("no",))[1]
        exit_code, screen = on_terminal(bridge, "approve", code, answers=(PHRASE,))
        assert (exit_code, "Locked after 5 wrong answers" in screen) == (1, True), screen
    assert bridge.audit("approved") == []


def test_a_code_of_the_authenticator_is_good_once(lab: Lab) -> None:
    """Red when the step of a used code is not kept."""
    bridge, _sim = lab
    code, screen = on_terminal(bridge, "approve", "--enroll", "totp", answers=("totp",))
    assert (code, "otpauth://totp/virtbridge" in screen) == (0, True), screen
    found = re.search(r"secret: ([A-Z2-7]+)", screen)
    assert found
    with inside(bridge) as one:
        first, second = waiting(one)["code"], waiting(one)["code"]
        # Not the one that the enrolment took, and good for a minute from now.
        following = pyotp.TOTP(found[1]).at(int(time.time()) + 30)
        assert on_terminal(bridge, "approve", first, answers=(following,))[0] == 0
        again = on_terminal(bridge, "approve", second, answers=(following,))
        assert (again[0], "used before" in again[1]) == (1, True)
    # The factor is replaced only by who has it.
    replaced = on_terminal(bridge, "approve", "--enroll", "passphrase", answers=("000000",))
    assert (replaced[0], "That is wrong" in replaced[1]) == (1, True)
    state = b"".join(path.read_bytes() for path in (bridge.folder.parent / "state").rglob("*.db*"))
    assert found[1].encode() not in state


def test_a_factor_is_removed_by_who_has_it_or_says_that_it_is_lost(lab: Lab) -> None:
    """Red when a wrong answer or another word removes it, or what waits does not outlive it."""
    bridge, sim = lab
    enrol(bridge)
    with inside(bridge) as one:
        plan = waiting(one)
        for arguments, answer, said in (
            (("--unenroll",), "wrong horse battery", "That is wrong"),
            (("--unenroll", "--lost"), "yes", "Nothing was removed"),
        ):
            code, screen = on_terminal(bridge, "approve", *arguments, answers=(answer,))
            assert (code, said in screen) == (1, True), screen
        assert bridge.audit("unenrolled") == []
        for more in ((), ("--lost",)):
            answer = "lost" if more else PHRASE
            code, screen = on_terminal(bridge, "approve", "--unenroll", *more, answers=(answer,))
            assert (code, "removed" in screen) == (0, True), screen
            late = on_terminal(bridge, "approve", "--unenroll", *more)
            assert (late[0], "none to remove" in late[1]) == (1, True), late
            code, screen = on_terminal(bridge, "approve", plan["code"])
            assert (code, "No second factor" in screen) == (1, True), screen
            on_terminal(bridge, "approve", "--enroll", "passphrase", answers=(PHRASE, PHRASE))
        assert on_terminal(bridge, "approve", plan["code"], answers=(PHRASE,))[0] == 0
        one.clock.now = time.time()
        assert one.answer("plan_apply", plan_id=plan["id"])["status"] == "changed"
    gone = [(row["factor"], row.get("reason")) for row in bridge.audit("unenrolled")]
    assert gone == [("passphrase", None), ("passphrase", "it was lost, so nobody proved it")]
    assert len(sim.control.writes()) == 1


def test_nobody_approves_in_a_pipe(lab: Lab) -> None:
    """Red when the command reads its answer from standard input."""
    bridge, _sim = lab
    enrol(bridge)
    with inside(bridge) as one:
        code = waiting(one)["code"]
        for arguments in (
            ("approve", code),
            ("deny", code),
            ("approve", "--enroll", "totp"),
            ("approve", "--unenroll"),
            ("approve", "--unenroll", "--lost"),
        ):
            typed = "lost" if arguments[-1] == "--lost" else PHRASE
            done = subprocess.run(
                bridge.command(*arguments), env=bridge.environment, cwd=bridge.folder, timeout=200,
                input=f"{typed}\n", capture_output=True, text=True, check=False,
                start_new_session=True,
            )  # fmt: skip
            assert (done.returncode, "needs a person on a terminal" in done.stderr) == (1, True)
        assert one.plans.by_code(code) is not None
        assert one.approvals.person_can()


def test_four_eyes_are_two_people(lab: Lab) -> None:
    """Red when the approver is not compared with who asked."""
    bridge, _sim = lab
    rule = {"match": {"risk": "destructive"}, "verdict": "approve", "four_eyes": True}
    bridge.allow(rule)
    enrol(bridge)

    async def talk(client: Client) -> tuple[int, str]:
        plan = (await bridge.answer(client, "vm_delete", **GONE))["data"]["plan"]
        return on_terminal(bridge, "approve", plan["code"], answers=(PHRASE,))

    code, screen = bridge.session(talk)
    assert (code, "asks for a second person" in screen) == (1, True), screen
    with inside(bridge) as one:
        assert on_terminal(bridge, "approve", waiting(one)["code"], answers=(PHRASE,))[0] == 0


def test_an_approval_ends_with_its_time(lab: Lab) -> None:
    """Red when an old approval still counts, or a clock set back makes it younger."""
    bridge, sim = lab
    with inside(bridge, approval={"approval_ttl": 60}) as one:
        one.enrol_passphrase(PHRASE)
        for moved in (60, -1):
            plan = waiting(one)
            one.approve(plan["code"])
            one.clock.now += moved
            body = one.answer("plan_apply", plan_id=plan["id"])
            expected = "approval_expired" if moved > 0 else ("approval_expired", "plan_stale")
            assert body["error"]["code"] in expected
        plan = waiting(one)
        one.approve(plan["code"])
        one.clock.now += 59
        assert one.answer("plan_apply", plan_id=plan["id"])["status"] == "changed"
    assert len(sim.control.writes()) == 1


@pytest.mark.parametrize("edit", ["state = 'approved'", "state = 'approved', approval = x'00'"])
def test_an_approval_cannot_be_written_into_the_store(lab: Lab, edit: str) -> None:
    """Red when an approval is not sealed."""
    bridge, sim = lab
    with inside(bridge) as one:
        one.enrol_passphrase(PHRASE)
        plan = waiting(one)
        with one.store.writing() as connection:
            connection.execute(f"UPDATE plans SET {edit} WHERE id = ?", (plan["id"],))
        body = one.answer("plan_apply", plan_id=plan["id"])
    assert body["error"]["code"] in ("approval_expired", "plan_stale")
    assert sim.control.writes() == []
