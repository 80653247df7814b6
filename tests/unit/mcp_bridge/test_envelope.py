# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelope: one shape, within its budget, without secrets or control characters."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_bridge import envelope
from mcp_bridge.plaintext import LONGEST, clean_text
from mcp_bridge.redact import Redactor

ROOT = Path(__file__).parents[3]
SHAPE = {"ok", "status", "run_id", "data", "diff", "page", "warnings", "error"}


def size(body: Any) -> int:
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def kinds_of_the_collection() -> set[str]:
    source = (ROOT / "plugins" / "module_utils" / "engine" / "errors.py").read_text()
    return {
        str(node.value.value)
        for parent in ast.walk(ast.parse(source))
        if isinstance(parent, ast.ClassDef)
        for node in parent.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def test_every_kind_of_the_collection_has_a_code() -> None:
    kinds = kinds_of_the_collection()
    assert len(kinds) > 15
    assert kinds == set(envelope.CODE_OF_KIND)
    assert set(envelope.CODE_OF_KIND.values()) <= set(envelope.CODES)
    assert all(code.next.endswith(".") for code in envelope.CODES.values())


def test_every_kind_of_answer_has_the_same_shape() -> None:
    bodies = [
        envelope.ok({"a": 1}, run_id="r", warnings=["w"], diff={"before": {}, "after": {}}),
        envelope.changed({}, run_id="r", was_changed=True, check=False),
        envelope.changed({}, run_id="r", was_changed=False, check=False),
        envelope.changed({}, run_id="r", was_changed=True, check=True),
        envelope.running("r"),
        envelope.failed("conflict", "it changed"),
        envelope.denied("no"),
        envelope.rows([{"a": 1}], total=1),
    ]
    good = ["ok", "changed", "unchanged", "planned", "running"]
    assert [body["status"] for body in bodies] == [*good, "failed", "denied", "ok"]
    for body in bodies:
        assert set(body) <= SHAPE
        assert body["ok"] is (body["status"] not in ("failed", "denied"))
        assert ("error" in body) is not body["ok"]
        if not body["ok"]:
            assert set(body["error"]) == {"code", "message", "retryable", "next"}


def test_a_module_failure_becomes_its_code() -> None:
    result = {"error": {"kind": "locked", "message": "backup runs", "retryable": True}}
    body = envelope.module_failed(result, run_id="r")
    assert body["error"]["code"] == "busy" and body["error"]["message"] == "backup runs"
    body = envelope.module_failed({"msg": "boom"}, run_id="r")
    assert (body["error"]["code"], body["error"]["message"]) == ("module_failed", "boom")
    assert envelope.module_failed({}, run_id="r")["error"]["message"]
    assert envelope.failed("no such code", "x")["error"]["code"] == "internal"


def test_uncertain_is_never_retryable_whatever_the_module_says() -> None:
    result = {"error": {"kind": "uncertain", "message": "lost", "retryable": True}}
    body = envelope.module_failed(result, run_id="r")
    assert body["status"] == "failed"
    assert body["error"]["code"] == "uncertain" and body["error"]["retryable"] is False


def test_few_rows_are_objects_and_many_of_one_shape_are_a_table() -> None:
    few = [{"ref": str(n), "state": "x"} for n in range(5)]
    assert envelope.rows(few, total=5)["data"] == {"rows": few}
    many = [*few, {"ref": "5", "state": "y"}]
    data = envelope.rows(many, total=6)["data"]
    assert data["cols"] == ["ref", "state"] and data["rows"][5] == ["5", "y"]
    mixed = [*few, {"ref": "5"}]
    assert envelope.rows(mixed, total=6)["data"] == {"rows": mixed}


def test_pages_of_five_thousand_rows_give_each_row_once_within_the_budget() -> None:
    every = [{"ref": f"lab/-/{n}", "name": "ü" * (n % 60), "tags": ["a"] * 3} for n in range(5000)]
    seen: list[str] = []
    while len(seen) < len(every):
        body = envelope.rows(
            every[len(seen) :], total=5000, offset=len(seen), cursor=lambda at: f"at {at}"
        )
        body = envelope.close(body)
        assert size(body) <= envelope.MAX_BYTES
        seen += [row[0] for row in body["data"]["rows"]]
        after = None if len(seen) == 5000 else f"at {len(seen)}"
        assert body["page"] == {"next": after, "total": 5000, "truncated": after is not None}
    assert seen == [row["ref"] for row in every]


def test_a_row_larger_than_the_budget_is_cut_and_not_dropped() -> None:
    body = envelope.rows([{"ref": "a", "notes": "x" * 100_000, "l": list(range(9999))}], total=1)
    body = envelope.close(body, budget=8192)
    assert size(body) <= 8192
    (row,) = body["data"]["rows"]
    assert row["ref"] == "a" and row["notes"].endswith("(100000 characters)")


def test_what_fits_no_budget_leaves_without_its_content() -> None:
    content: Any = "x" * 50
    for _level in range(5):
        content = dict.fromkeys(("one", "two", "three"), content)
    body = envelope.ok(content, run_id="run-1")
    closed = envelope.close(body, budget=600)
    assert "data" not in closed
    assert (closed["ok"], closed["status"], closed["run_id"]) == (True, "ok", "run-1")
    assert "cut to fit 600 bytes" in closed["warnings"][-1]


def test_no_rows_are_an_answer_too() -> None:
    body = envelope.rows([], total=0)
    assert body["data"] == {"rows": []}
    assert body["page"] == {"next": None, "total": 0, "truncated": False}


def test_the_exit_masks_cleans_and_keeps_the_cursor() -> None:
    cursor = "0123456789secret"
    body = envelope.rows(
        [{"name": "a\x1b[31mb\u202e", "password": "x", "note": "token 0123456789"}],
        total=9,
        cursor=lambda _at: cursor,
        warnings=[f"warning {n}" for n in range(30)],
    )
    body = envelope.close(body, Redactor(["0123456789"]))
    assert body["data"]["rows"] == [
        {"name": "ab", "password": "(secret)", "note": "token (secret)"}
    ]
    assert body["page"]["next"] == cursor
    assert len(body["warnings"]) == 21 and body["warnings"][-1] == "and 10 more warnings"


@pytest.mark.parametrize(
    ("given_text", "clean"),
    [
        ("plain", "plain"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x\x1b]8;;http://x\x1b\\y", "xy"),
        ("a\x00b\x07c\x7fd\x85e", "abcde"),
        ("\u202eevil\u202c \u2066x\u2069 \u200b\ufeff", "evil x "),
        ("\U000e0041\U000e0042tagged", "tagged"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("\ud800", "\ufffd"),
        ("\u4e2d\u6587 \u00fc", "\u4e2d\u6587 \u00fc"),
        ("\x1b", ""),
    ],
)
def test_text_of_others_is_made_harmless(given_text: str, clean: str) -> None:
    assert clean_text(given_text) == clean


@given(st.text(alphabet=st.characters(), max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode()


def test_long_text_is_clipped_and_says_so() -> None:
    clipped = clean_text("x" * 20_000)
    assert len(clipped) == LONGEST and clipped.endswith("(20000 characters)")
    assert clean_text(clipped) == clipped


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=30, deadline=None)
@given(values, st.integers(min_value=4096, max_value=80_000))
def test_every_answer_is_json_within_its_budget(content: Any, budget: int) -> None:
    big = [content] * 40 + ["x" * 9000] * 5
    body = envelope.close(
        envelope.ok(big, run_id="r", warnings=["w" * 500] * 40, diff={"before": {"a": big}}),
        budget=budget,
    )
    assert size(body) <= budget
    assert body["ok"] is True and body["status"] == "ok" and body["run_id"] == "r"
