# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refused tokens, and the life of a bridge, in the audit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_bridge.audit import EVENTS, Audit
from mcp_bridge.audit_export import COLUMNS
from mcp_bridge.audit_refusals import MOST, NO_LOGIN, Refusals
from mcp_bridge.auth import open_verifier
from mcp_bridge.bearer import BearerGate
from mcp_bridge.cli_audit import _EVENTS
from mcp_bridge.config_auth import Auth
from mcp_bridge.errors import AuditFailed
from tests.mcp.conftest import until

WHY = "it has expired"


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.jsonl")


@pytest.fixture
def refusals(audit: Audit) -> Iterator[Refusals]:
    made = Refusals(audit)
    yield made
    made.flush()


def rows(audit: Audit) -> list[dict[str, Any]]:
    # What is after the last end of a line is being written.
    return [json.loads(line) for line in audit.path.read_text().split("\n")[:-1]]


def told(audit: Audit) -> list[tuple[str, str, int]]:
    return [(row["reason"], row["source"], row["count"]) for row in rows(audit)]


def test_the_first_of_a_kind_is_a_line_and_the_others_are_one_more(
    audit: Audit, refusals: Refusals
) -> None:
    """Red when each is a line, or the first waits for the others."""
    for _turn in range(1000):
        refusals.note(WHY, "192.0.2.1")
    assert told(audit) == [(WHY, "192.0.2.1", 1)]
    refusals.note(WHY, "192.0.2.2")
    refusals.note("it is no such token", "192.0.2.1", "oauth:x#a")
    assert len(rows(audit)) == 3
    assert "principal" not in rows(audit)[0] and rows(audit)[2]["principal"] == "oauth:x#a"
    refusals.flush()
    assert told(audit)[3:] == [(WHY, "192.0.2.1", 999)]
    refusals.note(WHY, "192.0.2.1")
    assert told(audit)[4:] == [(WHY, "192.0.2.1", 1)]


def test_whoever_has_many_addresses_writes_few_lines(audit: Audit, refusals: Refusals) -> None:
    """Red when there are as many kinds as an attacker has addresses."""
    for number in range(5000):
        refusals.note(WHY, f"2001:db8:0:{number:x}::/64")
    assert len(rows(audit)) == MOST + 1
    assert told(audit)[-1] == (WHY, "others", 1)
    refusals.flush()
    assert sum(count for _why, _source, count in told(audit)) == 5000
    assert len(rows(audit)) == MOST + 2


def test_a_flood_without_a_login_is_few_lines_and_hides_no_token(
    audit: Audit, refusals: Refusals
) -> None:
    """Red when each is a line, or those of many addresses take the places of refused tokens."""
    for number in range(5000):
        refusals.note(NO_LOGIN, f"2001:db8:0:{number:x}::/64")
    assert len(rows(audit)) == MOST + 1
    refusals.note(WHY, "192.0.2.1", "oauth:x#a")
    assert told(audit)[-1] == (WHY, "192.0.2.1", 1)
    for _turn in range(3):
        refusals.note(NO_LOGIN, "2001:db8:0:0::/64")
    refusals.flush()
    found = [(row["event"], row["count"]) for row in rows(audit)]
    assert sum(count for event, count in found if event == "login_missing") == 5003
    assert [row for row in found if row[0] != "login_missing"] == [("token_refused", 1)]
    assert len(found) == MOST + 1 + 1 + 2


def test_a_request_without_a_login_is_one_of_them(audit: Audit, refusals: Refusals) -> None:
    """Red when the gate tells the caller alone."""
    auth = Auth(issuer="https://id.example.org", jwks_url="https://id.example.org/jwks")
    sent: list[Any] = []

    async def never(*_arguments: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: Any) -> None:
        sent.append(message)

    gate = BearerGate(
        never, open_verifier(auth, "https://vb.example.org/mcp"), auth,
        "https://vb.example.org/mcp", needs=lambda _name, _arguments: None, largest=1,
        marks=lambda _identity: {}, noted=refusals.note,
    )  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": [],
             "client": ("192.0.2.1", 1)}  # fmt: skip
    for _turn in range(3):
        anyio.run(gate, scope, never, send)
    assert [each["status"] for each in sent if "status" in each] == [401] * 3
    (row,) = rows(audit)
    assert (row["event"], row["source"], row["count"]) == ("login_missing", "192.0.2.1", 1)


def test_what_cannot_be_written_stays_counted(audit: Audit, refusals: Refusals) -> None:
    """Red when it raises, or is forgotten, or many lines that failed are kept."""
    audit.path.touch(mode=0o644)
    for number in range(100):
        refusals.note(WHY, f"192.0.2.{number}")
        refusals.note(WHY, "192.0.2.1")
    refusals.flush()
    assert audit.path.stat().st_size == 0
    audit.path.chmod(0o600)
    refusals.flush()
    assert len(rows(audit)) == MOST + 1
    assert sum(count for _why, _source, count in told(audit)) == 200


def test_what_was_counted_is_written_by_itself(audit: Audit) -> None:
    """Red when a count waits for the next refusal."""
    refusals = Refusals(audit, 0.05)
    for _turn in range(3):
        refusals.note(WHY, "192.0.2.1")
    until(lambda: sum(count for _why, _source, count in told(audit)) == 3)


def test_a_bridge_has_a_beginning_and_one_end(audit: Audit) -> None:
    audit.started("os:me", "stdio", "1.2.3")
    for _turn in range(2):
        audit.close()
    first, last = rows(audit)
    assert (first["event"], last["event"]) == ("started", "ended")
    for row in (first, last):
        said = (row["principal"], row["transport"], row["version"], row["pid"])
        assert said == ("os:me", "stdio", "1.2.3", os.getpid())


def test_a_bridge_whose_start_is_not_recorded_has_no_end(audit: Audit) -> None:
    audit.path.touch(mode=0o644)
    with pytest.raises(AuditFailed):
        audit.started("os:me", "stdio", "1.2.3")
    audit.path.chmod(0o600)
    audit.close()
    assert rows(audit) == []


def test_every_event_can_be_asked_for_and_every_part_of_it_exported(audit: Audit) -> None:
    assert _EVENTS == EVENTS
    audit.started("os:me", "stdio", "1.2.3")
    audit.factor("enrolled", "os:me", "totp", replaced="passphrase", plan_id="p")
    audit.at_the_door("token_refused", WHY, "192.0.2.1", "oauth:x#a", 1)
    audit.close()
    parts = {name for row in rows(audit) for name in row}
    assert parts - set(COLUMNS) == {"mono", "prev", "mac"}
