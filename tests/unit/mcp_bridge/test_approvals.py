# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may approve what, how often one may guess, and how a plan reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest

from mcp_bridge.approvals import ALPHABET, Approvals, plan_facts
from mcp_bridge.approvals_factor import Factors, new_passphrase, new_totp
from mcp_bridge.audit import Audit
from mcp_bridge.errors import ApprovalRefused, AuditFailed
from mcp_bridge.plan_store import PlanStore
from mcp_bridge.plan_text import lines_of, question
from mcp_bridge.plans import Plan, digest_of
from mcp_bridge.policy import Approval, identity_of
from mcp_bridge.sealed import Sealer
from mcp_bridge.store import Store
from tests.unit.mcp_bridge.test_plan_store import CALL, PARTS, a_plan

PHRASE = "correct horse battery"


class Desk:
    """Approvals over a store of their own, with a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_700_000_000.0
        self.folder = folder
        self.store = Store(folder / "state.db", PARTS)
        self.plans = PlanStore(self.store, Sealer(folder / "seal.key"))
        self.factors = Factors(self.store, Sealer(folder / "seal.key"), lambda: self.now)
        self.audit = Audit(folder / "audit.jsonl")
        self.approvals = Approvals(self.plans, self.factors, self.audit, 300, lambda: self.now)

    def events(self) -> list[dict[str, Any]]:
        path = self.folder / "audit.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines]
        return [row for row in rows if row["event"] != "checkpoint"]

    def pending(self, name: str = "one", **verdict: Any) -> Plan:
        """Keep a plan that waits."""
        begin = int(self.now)
        plan = a_plan(name, created=begin, expires=begin + 900, **verdict)
        said = [plan.verdict, plan.by, plan.four_eyes]
        terms = {**plan.terms, "expires": begin + 900, "verdict": said}
        plan = replace(plan, terms=terms, digest=digest_of(terms))
        self.plans.add(plan, CALL)
        return self.approvals.ask(plan)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.audit.close()
    made.store.close()


def test_a_plan_that_waits_has_a_code_that_is_read_without_doubt(desk: Desk) -> None:
    plan = desk.pending()
    assert plan.state == "pending"
    assert len(str(plan.code)) == 8
    assert set(str(plan.code)) <= set(ALPHABET) and not set("01OIUL") & set(ALPHABET) - {"U"}
    assert desk.approvals.ask(plan) == plan
    assert desk.approvals.find(f" {str(plan.code).lower()} ").id == "one"
    assert [each.id for each in desk.approvals.waiting()] == ["one"]


def test_asking_for_a_plan_that_was_decided_meanwhile_gives_it_as_it_is(desk: Desk) -> None:
    plan = desk.pending()
    before = replace(plan, state="planned")
    desk.approvals.reject(plan, "person", "os:you")
    assert desk.approvals.ask(before).state == "rejected"
    assert desk.approvals.ask(replace(before, id="gone")) == replace(before, id="gone")


def test_an_approval_is_recorded_before_it_counts(desk: Desk) -> None:
    """Red when an approval that the audit does not have can be used."""
    plan = desk.pending(by="person")
    done = desk.approvals.approve(plan, "person", "os:you")
    assert done.approval == Approval("person", "os:you", plan.digest)
    assert plan_facts(done).approver == "os:you"
    assert not desk.approvals.is_over(done, desk.now + 299)
    assert desk.approvals.is_over(done, desk.now + 300)
    (row,) = desk.events()
    assert (row["event"], row["channel"], row["plan_id"]) == ("approved", "person", "one")
    other = desk.pending("two", by="person")
    (desk.folder / "audit.jsonl").chmod(0o644)
    with pytest.raises(AuditFailed):
        desk.approvals.approve(other, "person", "os:you")
    kept = desk.plans.get("two")
    assert kept is not None and kept.state == "pending"
    (desk.folder / "audit.jsonl").chmod(0o600)


@pytest.mark.parametrize(
    ("verdict", "channel", "approver", "said"),
    [
        ({"by": "person"}, "client", "client:x", "asks for a person"),
        ({"by": "client", "four_eyes": True}, "client", "client:x", "asks for a person"),
        ({"by": "person", "four_eyes": True}, "person", "os:me", "second person"),
    ],
)
def test_who_may_not_approve_is_refused(
    desk: Desk, verdict: Any, channel: Any, approver: str, said: str
) -> None:
    """Red when a client approves for a person, or one person for two."""
    plan = desk.pending(**verdict)
    with pytest.raises(ApprovalRefused, match=said):
        desk.approvals.approve(plan, channel, approver)
    assert desk.events() == []


@pytest.mark.parametrize(
    ("verdict", "channel"),
    [
        ({"by": "client"}, "client"),
        ({"by": "client"}, "person"),
        ({"by": "person", "four_eyes": True}, "person"),
    ],
)
def test_who_may_approve_does(desk: Desk, verdict: Any, channel: Any) -> None:
    assert desk.approvals.approve(desk.pending(**verdict), channel, "os:you").state == "approved"


def test_what_is_over_decided_or_edited_cannot_be_approved(desk: Desk) -> None:
    plan = desk.pending()
    with pytest.raises(ApprovalRefused, match="No plan waits"):
        desk.approvals.find("NOSUCH11")
    done = desk.approvals.approve(plan, "person", "os:you")
    with pytest.raises(ApprovalRefused, match="does not wait"):
        desk.approvals.approve(done, "person", "os:you")
    for decide in (desk.approvals.approve, desk.approvals.reject):
        with pytest.raises(ApprovalRefused, match="by somebody else"):
            decide(plan, "person", "os:you")
    late, edited = desk.pending("two"), desk.pending("three")
    with desk.store.writing() as connection:
        connection.execute("UPDATE plans SET shown = '{}' WHERE id = 'three'")
    with pytest.raises(ApprovalRefused, match="was changed"):
        desk.approvals.find(str(edited.code))
    assert [each.id for each in desk.approvals.waiting()] == ["two"]
    desk.now += 900
    assert desk.approvals.waiting() == []
    with pytest.raises(ApprovalRefused, match="No plan waits"):
        desk.approvals.find(str(late.code))
    with pytest.raises(ApprovalRefused, match="does not wait"):
        desk.approvals.approve(late, "person", "os:you")


def test_a_bridge_starts_also_when_its_audit_cannot_be_written(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.plans.move(desk.pending(name), "applying", owner="dead")
        desk.approvals.settle(lambda _owner: False, 60)
        (desk.folder / "audit.jsonl").chmod(0o644)
        kept = desk.plans.get(name)
        assert kept is not None and kept.state == "uncertain"
    (desk.folder / "audit.jsonl").chmod(0o600)
    assert [row["reason"] for row in desk.events()] == ["uncertain"]


def test_a_plan_that_expires_is_recorded_once_and_before_it_ends(desk: Desk) -> None:
    """Red when plans expire without a line, or although the line cannot be written."""
    waits, planned = desk.pending("one"), desk.pending("two")
    with desk.store.writing() as connection:
        connection.execute("UPDATE plans SET state = 'planned', shown = 'x' WHERE id = 'two'")
    desk.now += 899
    desk.approvals.settle(lambda _owner: True, 60)
    assert desk.events() == []
    desk.now += 1
    log = desk.folder / "audit.jsonl"
    log.touch(mode=0o644)
    desk.approvals.settle(lambda _owner: True, 60)
    with pytest.raises(AuditFailed):
        desk.approvals.expire(waits)
    assert [plan.id for plan in desk.plans.pending()] == ["one"]
    log.unlink()
    desk.approvals.expire(waits)
    for _turn in range(2):
        desk.approvals.settle(lambda _owner: True, 60)
    rows = [(row["event"], row["plan_id"], row["reason"]) for row in desk.events()]
    assert rows == [("expired", "one", "it was pending"), ("expired", "two", "it was planned")]
    assert {row["plan_sha256"] for row in desk.events()} == {waits.digest, planned.digest}
    assert {row["principal"] for row in desk.events()} == {"os:me"}


def test_a_second_factor_is_recorded_before_it_counts(desk: Desk) -> None:
    """Red when a factor is enrolled, replaced or guessed without a line."""
    log = desk.folder / "audit.jsonl"
    log.touch(mode=0o644)
    with pytest.raises(AuditFailed):
        desk.approvals.enrol(new_passphrase(PHRASE), PHRASE, "os:you")
    assert desk.factors.kind() is None
    log.unlink()
    with pytest.raises(ApprovalRefused):
        desk.approvals.enrol(new_passphrase(PHRASE), "something else", "os:you")
    assert desk.events() == []
    desk.approvals.enrol(new_passphrase(PHRASE), PHRASE, "os:you")
    totp = new_totp("os:you")
    desk.approvals.prove(PHRASE, "os:you")
    desk.approvals.enrol(totp, pyotp.TOTP(totp.secret).at(int(desk.now)), "os:you")
    plan = desk.pending()
    for given in (None, plan):
        with pytest.raises(ApprovalRefused):
            desk.approvals.prove("000000", "os:eve", given)
    with desk.store.writing() as connection:
        connection.execute("DELETE FROM factor")
    with pytest.raises(ApprovalRefused, match="No second factor"):
        desk.approvals.prove("000000", "os:eve")
    told = ("event", "principal", "factor", "replaced", "plan_id")
    assert [tuple(row.get(name) for name in told) for row in desk.events()] == [
        ("enrolled", "os:you", "passphrase", None, None),
        ("enrolled", "os:you", "totp", "passphrase", None),
        ("factor_refused", "os:eve", "totp", None, None),
        ("factor_refused", "os:eve", "totp", None, "one"),
        ("factor_refused", "os:eve", "none", None, None),
    ]
    content = log.read_text()
    assert totp.secret not in content and PHRASE not in content and "000000" not in content


def test_a_second_factor_is_removed_once_its_line_is_written(desk: Desk) -> None:
    """Red when a factor goes without a line, or takes along what waits."""
    with pytest.raises(ApprovalRefused, match="none to remove"):
        desk.approvals.unenrol("os:you", lost=True)
    desk.factors.enrol(new_passphrase(PHRASE), PHRASE)
    plan, log = desk.pending(), desk.folder / "audit.jsonl"
    log.touch(mode=0o644)
    with pytest.raises(AuditFailed):
        desk.approvals.unenrol("os:you", lost=True)
    assert desk.factors.kind() == "passphrase"
    log.unlink()
    desk.approvals.unenrol("os:you", lost=True)
    with pytest.raises(ApprovalRefused, match="No second factor"):
        desk.approvals.prove(PHRASE, "os:you", plan)
    desk.approvals.enrol(new_passphrase(PHRASE), PHRASE, "os:you")
    desk.approvals.unenrol("os:you", lost=False)
    told = ("event", "principal", "factor", "replaced", "reason")
    assert [tuple(row.get(name) for name in told) for row in desk.events()] == [
        ("unenrolled", "os:you", "passphrase", None, "it was lost, so nobody proved it"),
        ("factor_refused", "os:you", "none", None, None),
        ("enrolled", "os:you", "passphrase", None, None),
        ("unenrolled", "os:you", "passphrase", None, None),
    ]
    assert [each.id for each in desk.approvals.waiting()] == [plan.id]


def test_a_passphrase_is_checked_and_never_stored(desk: Desk) -> None:
    assert desk.approvals.person_can() is False
    with pytest.raises(ApprovalRefused, match="No second factor"):
        desk.factors.check(PHRASE)
    with pytest.raises(ApprovalRefused, match="at least 10"):
        new_passphrase("short")
    with pytest.raises(ApprovalRefused, match="does not match"):
        desk.factors.enrol(new_passphrase(PHRASE), "something else")
    assert desk.factors.kind() is None
    desk.factors.enrol(new_passphrase(PHRASE), PHRASE)
    assert (desk.factors.kind(), desk.approvals.person_can()) == ("passphrase", True)
    for _turn in range(2):
        desk.factors.check(PHRASE)
    with pytest.raises(ApprovalRefused, match="wrong"):
        desk.factors.check(PHRASE + " ")
    content = b"".join(path.read_bytes() for path in desk.folder.glob("state.db*"))
    assert PHRASE.encode() not in content


def test_a_time_code_is_good_once_and_for_a_step_around_now(desk: Desk) -> None:
    """Red when a used step is taken again, or one that is further away."""
    enrolment = new_totp("os:you")
    totp = pyotp.TOTP(enrolment.secret)
    assert enrolment.uri.startswith("otpauth://totp/virtbridge:os%3Ayou?secret=")
    desk.factors.enrol(enrolment, totp.at(int(desk.now)))

    def right(moved: int) -> bool:
        try:
            desk.factors.check(totp.at(int(desk.now) + moved))
        except ApprovalRefused:
            return False
        return True

    assert not right(0), "the code of the enrolment was used"
    assert right(30)
    assert not right(30)
    desk.now += 300
    assert [right(moved) for moved in (-60, 60, -30, -30, 0)] == [False, False, True, False, True]


def test_wrong_answers_lock_for_longer_each_time(desk: Desk) -> None:
    """Red when tries are counted after they were looked at, or a right answer gets through."""
    desk.factors.enrol(new_passphrase(PHRASE), PHRASE)

    def said(answer: str) -> str:
        try:
            desk.factors.check(answer)
        except ApprovalRefused as error:
            return str(error)
        return ""

    assert [said("no")[:13] for _turn in range(5)] == ["That is wrong"] * 5
    assert said(PHRASE).startswith("Locked after 5 wrong answers; try again in 61 s")
    desk.now += 60
    assert said("no").startswith("That is wrong")
    desk.now += 119
    assert said(PHRASE).startswith("Locked after 6")
    desk.now += 1
    assert said(PHRASE) == ""
    assert said("no").startswith("That is wrong"), "a right answer starts the count anew"
    with desk.store.writing() as connection:
        connection.execute("UPDATE factor SET failures = 100")
    said("no")
    desk.now += 3599
    assert said(PHRASE).startswith("Locked")
    desk.now += 1
    assert said(PHRASE) == ""


def test_a_factor_that_is_replaced_while_it_is_checked_approves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.factors.enrol(new_passphrase(PHRASE), PHRASE)
    opened = desk.factors._sealer.open

    def slow(sealed: bytes, context: bytes) -> bytes:
        content = opened(sealed, context)
        with desk.store.writing() as connection:
            connection.execute("UPDATE factor SET sealed = x'00'")
        return content

    monkeypatch.setattr(desk.factors._sealer, "open", slow)
    with pytest.raises(ApprovalRefused, match="somebody else"):
        desk.factors.check(PHRASE)


def test_a_plan_reads_as_plain_lines_that_nothing_can_forge() -> None:
    """Red when a name of a guest makes a line of its own, or hides what follows."""
    evil = "web\nrisk        read\x1b[2K\u202e"
    shown = {
        "calls": [{"operation": "vm", "arguments": {"ref": evil, "long": "x" * 999}}],
        "objects": [{"name": evil, "tags": [evil], "cpus": 2}],
        "diff": [
            {"before": {"state": "on"}, "after": {"state": evil}},
            None,
            {"before": "a", "after": 1},
        ],
    }  # fmt: skip
    terms = {
        **a_plan().terms, "client": evil, "operation": evil, "shown": identity_of(shown),
        "targets": [{"name": "lab", "platform": "proxmox", "urls": []}],
    }  # fmt: skip
    plan = a_plan(shown=shown, terms=terms)
    lines = lines_of(plan)
    assert [line for line in lines if line.startswith("risk")] == ["risk        destructive"]
    assert all(line.isprintable() for line in lines)
    assert 'change      state: "on" -> "web\\nrisk        read"' in lines
    assert "change      (none is shown)" in lines
    assert 'change      "a" -> 1' in lines
    assert any(line.endswith("characters)") and len(line) < 400 for line in lines)
    assert question(plan).startswith("virtbridge asks")
    many = {"calls": [], "objects": [{"name": str(number)} for number in range(99)], "diff": []}
    assert "... and 39 more lines" in question(a_plan(shown=many, terms=terms)).splitlines()
    assert len(lines_of(a_plan(shown=many, terms=terms))) == 99 + 6
