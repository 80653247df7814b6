# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit read backwards: decisions with their outcomes, page by page, each caller its own."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge import audit_read
from mcp_bridge.audit import Audit
from mcp_bridge.audit_read import Wanted, decisions, every
from mcp_bridge.moments import moment_of
from mcp_bridge.policy import Call, Flags, TargetFacts, decide
from mcp_bridge.scopes import LOCAL, READ
from mcp_bridge.tools import audit as tool
from mcp_bridge.tools.spec import Call as ToolCall
from mcp_bridge.tools.spec import Caller, Refusal, Signals

CALL = Call("vm_power", "vm_power", "write", (TargetFacts("lab"),), "i", principal="os:alice")
VERDICT = decide(CALL, (), Flags())
RUNS = 30


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an audit of runs of two callers that overlap, one of them without an end."""
    audit = Audit(tmp_path_factory.mktemp("audit") / "audit.jsonl")
    for number in range(RUNS):
        who = "os:alice" if number % 2 else "os:bob"
        call = replace(CALL, principal=who, targets=(TargetFacts(f"t{number % 3}"),))
        audit.intent(call, VERDICT, {"number": number}, f"run-{number}")
        if number:
            audit.outcome(f"run-{number - 1}", "successful", changed=True, milliseconds=number)
    refused = replace(CALL, tool="vm_delete", risk="destructive", principal="os:bob")
    audit.refused(refused, decide(refused, (), Flags(no_destructive=True)), {})
    return audit.path


def asked(
    path: Path, *, scopes: frozenset[str] = LOCAL, budget: int = 24_576, **arguments: Any
) -> Any:
    caller = Caller("os:alice", "test", scopes)
    return tool.tools(path, budget)[0].answer(ToolCall("audit_query", arguments, caller, Signals()))


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    content = body["data"]
    if "cols" not in content:
        return list(content["rows"])
    return [dict(zip(content["cols"], row, strict=True)) for row in content["rows"]]


@pytest.mark.parametrize("block", [16, 300, 1 << 16])
def test_each_decision_comes_once_with_its_outcome(
    path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Red when the first line of a block is cut, or the outcomes behind a page are not read."""
    monkeypatch.setattr(audit_read, "_BLOCK", block)
    for limit in (1, 7, 1000):
        seen: list[dict[str, Any]] = []
        before = None
        while True:
            found = decisions(path, Wanted(event="intent"), limit, before)
            assert len(found.rows) <= limit
            seen += found.rows
            before = found.more
            if before is None:
                break
        assert [row["run_id"] for row in seen] == [f"run-{n}" for n in reversed(range(RUNS))]
        assert "status" not in seen[0]
        assert {row["status"] for row in seen[1:]} == {"successful"}
        assert [row["milliseconds"] for row in seen[1:]] == list(range(RUNS - 1, 0, -1))


def test_filters_narrow(path: Path) -> None:
    def count(**parts: Any) -> int:
        return len(decisions(path, Wanted(**parts), 1000).rows)

    assert count() == RUNS + 1
    assert count(principal="os:alice") == RUNS / 2
    assert count(target="t1") == RUNS / 3 and count(target="none") == 0
    assert count(tool="vm_delete") == count(risk="destructive") == count(decision="deny") == 1
    assert count(run_id="run-7") == 1 and count(event="outcome") == RUNS - 1
    now = datetime.datetime.now(datetime.UTC).timestamp()
    day = 86_400
    assert count(since=now - day) == RUNS + 1 and count(since=now + day) == 0
    assert count(until=now - day) == 0


def test_what_is_no_record_is_passed_over(tmp_path: Path, path: Path) -> None:
    bad = tmp_path / "audit.jsonl"
    noise = b'\xff\n[1]\n{"seq":1,"sha256":"x"}\n{"seq":1,"sha256":"x","event":"intent","time":5}\n'
    bad.write_bytes(noise + path.read_bytes() + noise + b'{"torn')
    assert len(decisions(bad, Wanted(), 1000).rows) == RUNS + 3
    assert len(decisions(bad, Wanted(since=1.0), 1000).rows) == RUNS + 1
    assert decisions(tmp_path / "none", Wanted(), 10).rows == ()
    assert decisions(bad, Wanted(), 10, 10**12).rows


def test_not_more_than_so_much_is_read_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_read, "_MOST_READ", 10)
    monkeypatch.setattr(audit_read, "_MOST_OPEN", 5)
    found = decisions(path, Wanted(run_id="run-3"), 5)
    pages = 1
    while found.more is not None and not found.rows:
        found = decisions(path, Wanted(run_id="run-3"), 5, found.more)
        pages += 1
    assert pages > 4 and found.rows[0]["status"] == "successful"


def test_every_line_comes_in_its_order_with_the_outcomes_of_its_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_read, "_MOST_OPEN", 5)
    bad = tmp_path / "audit.jsonl"
    bad.write_bytes(b"noise\n" + path.read_bytes())
    with bad.open("rb") as file:
        chosen = [row for _line, row in every(file, Wanted(principal="os:alice"))]
    assert [row["seq"] for row in chosen] == sorted(row["seq"] for row in chosen)
    runs = {row["run_id"] for row in chosen if row["event"] == "intent"}
    assert {row["run_id"] for row in chosen if row["event"] == "outcome"} == runs - {"run-29"}


def test_a_caller_sees_its_own_calls_and_an_administrator_all(path: Path) -> None:
    """Red when the filter of the caller can be given by the caller."""
    assert len(rows_of(asked(path, limit=200))) == RUNS + 1
    own = frozenset({READ})
    seen = rows_of(asked(path, limit=200, scopes=own))
    assert {row["principal"] for row in seen} == {"os:alice"} and len(seen) == RUNS / 2
    assert rows_of(asked(path, scopes=own, run_id="run-0")) == []
    assert len(rows_of(asked(path, scopes=own, principal="os:alice"))) == RUNS / 2
    with pytest.raises(Refusal, match="principal must be your own"):
        asked(path, scopes=own, principal="os:bob")


def test_one_run_is_shown_with_its_arguments(path: Path) -> None:
    (row,) = rows_of(asked(path, run_id="run-7"))
    assert row["arguments"] == {"number": 7} and row["status"] == "successful"
    assert "arguments" not in rows_of(asked(path))[0]


@pytest.mark.parametrize("budget", [4096, 24_576])
def test_pages_follow_each_other_within_the_budget(path: Path, budget: int) -> None:
    seen, body = [], asked(path, budget=budget, limit=13)
    while True:
        seen += [row["seq"] for row in rows_of(body)]
        cursor = body["page"]["next"]
        if cursor is None:
            break
        body = asked(path, budget=budget, limit=13, cursor=cursor)
    assert len(seen) == RUNS + 1 and seen == sorted(set(seen), reverse=True)


def test_since_takes_what_people_write(path: Path) -> None:
    assert rows_of(asked(path, since="2h")) and rows_of(asked(path, since="2026-01-01"))
    with pytest.raises(Refusal, match="since: 'tomorrow' is neither"):
        asked(path, since="tomorrow")
    assert moment_of("1m") - moment_of("61s") == pytest.approx(1, abs=0.5)
