# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge audit`: proven, shown and copied as an operator does it."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mcp_bridge.audit import Audit, PlanFacts
from mcp_bridge.audit_file import Places
from mcp_bridge.cli import cli
from mcp_bridge.policy import Call, Flags, TargetFacts, decide

HOSTILE = "\x1b]0;owned\x07=cmd|'/c calc'!A1 \u202e"
CALL = Call(
    "vm_power",
    "vm_power",
    "write",
    (TargetFacts("lab"),),
    "i",
    principal="os:alice",
    client=HOSTILE,
)
VERDICT = decide(CALL, (), Flags())


class Operator:
    """Types commands, with a home of his own."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.state = home / "virtbridge"
        for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(home))
        patch.setenv("COLUMNS", "300")
        self.places = Places.beside(self.state / "audit.jsonl")

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(cli, ["audit", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    def fill(self) -> None:
        audit = Audit(self.places)
        audit.intent(CALL, VERDICT, {"name": HOSTILE}, "run-1")
        audit.outcome("run-1", "successful", changed=True, milliseconds=5)
        audit.refused(CALL, decide(CALL, (), Flags(read_only=True)), {})
        audit.plan("approved", HOSTILE, PlanFacts("p1", "ab" * 32, HOSTILE, "terminal"))
        audit.close()


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(tmp_path, monkeypatch)


def test_where_nothing_was_audited_nothing_is_wrong_and_nothing_is_made(operator: Operator) -> None:
    assert operator("verify").exit_code == 0
    assert operator("show").stdout == "nothing was audited yet\n"
    for words in (("key",), ("export", str(operator.state / "copy"))):
        result = operator(*words)
        assert result.exit_code == 1 and "it is made with the first line" in result.stderr
    assert not operator.state.exists()


def test_a_good_audit_holds_and_a_changed_one_does_not(operator: Operator) -> None:
    operator.fill()
    assert operator("verify").stdout.startswith("ok: 4 lines and 1 checkpoints hold")
    said = json.loads(operator("verify", "--json").stdout)
    assert said["ok"] is True and (said["lines"], said["checkpoints"]) == (4, 1)
    content = operator.places.log.read_bytes()
    operator.places.log.write_bytes(content.replace(b"os:alice", b"os:mallo", 1))
    result = operator("verify")
    assert result.exit_code == 1 and "line 1 was changed" in result.stderr
    said = json.loads(operator("verify", "--json").stdout)
    assert said["ok"] is False and said["problem"] == "line 1 was changed"


def test_a_crash_is_noted(operator: Operator) -> None:
    operator.fill()
    head, checkpoints = operator.places.head.read_bytes(), operator.places.checkpoints.read_bytes()
    Audit(operator.places).outcome("run-2", "successful")
    operator.places.head.write_bytes(head)
    operator.places.checkpoints.write_bytes(checkpoints)
    result = operator("verify")
    assert result.exit_code == 0 and "a crash came before the head" in result.stderr


def test_what_is_shown_cannot_command_a_terminal(operator: Operator) -> None:
    """Red when the table takes texts as they are."""
    operator.fill()
    for words in (("show",), ("show", "--json"), ("show", "--run-id", "run-1")):
        output = operator(*words).stdout
        assert "run-1" in output or "approved" in output
        assert not set(output) & {"\x1b", "\x07", "\u202e"}
    lines = json.loads(operator("show", "--json").stdout)["lines"]
    assert [row["event"] for row in lines] == ["intent", "refused", "approved"]
    assert lines[0]["status"] == "successful" and lines[0]["arguments"] == {"name": HOSTILE}
    assert operator("show", "--decision", "deny", "--limit", "1").stdout.count("refused") == 1
    assert operator("show", "--since", "2099-01-01").stdout == "no such line\n"
    assert operator("show", "--since", "soon").exit_code == 2


def test_a_copy_can_be_proven_elsewhere(operator: Operator, tmp_path: Path) -> None:
    operator.fill()
    copy = tmp_path / "copy"
    result = operator("export", str(copy), "--format", "csv", "--tool", "vm_power")
    assert result.exit_code == 0, result.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    said = json.loads((copy / "verification.json").read_text())
    assert said["ok"] is True and said["lines"] == 4 and said["selected"] == 3
    with (copy / "selected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event"] for row in rows] == ["intent", "outcome", "refused"]
    assert all(not set(text) & {"\x1b", "\x07"} for row in rows for text in row.values())
    assert rows[0]["client"].startswith("'=cmd")
    # Somewhere without the key: the copy alone, and the public key as it came with it.
    shutil.rmtree(operator.state)
    path = ("--path", str(copy / "audit.jsonl"))
    assert operator("verify", *path, "--public-key", str(copy / "public.pem")).exit_code == 0
    assert "There is no key" in operator("verify", *path).stderr
    (copy / "audit.checkpoints").rename(copy / "kept")
    proof = (*path, "--public-key", str(copy / "public.pem"))
    assert operator("verify", *proof).exit_code == 1
    assert operator("verify", *proof, "--checkpoints", str(copy / "kept")).exit_code == 0


def test_lines_that_were_chosen_are_copied_as_they_are(operator: Operator, tmp_path: Path) -> None:
    operator.fill()
    copy = tmp_path / "copy"
    assert operator("export", str(copy), "--run-id", "run-1", "--json").exit_code == 0
    chosen = (copy / "selected.jsonl").read_bytes().splitlines(keepends=True)
    assert chosen == operator.places.log.read_bytes().splitlines(keepends=True)[:2]
    assert operator("export", str(copy)).stderr.startswith(f"Error: {copy}: File exists")
    whole = tmp_path / "whole"
    assert operator("export", str(whole)).exit_code == 0
    assert sorted(each.name for each in whole.iterdir()) == [
        "audit.checkpoints", "audit.head", "audit.jsonl", "public.pem", "verification.json",
    ]  # fmt: skip


def test_a_file_is_closed_and_all_parts_are_one_audit(operator: Operator, tmp_path: Path) -> None:
    """Red when a command reads the newest part alone."""
    assert operator("rotate").stdout == "there is no line to close; nothing was done\n"
    assert not operator.state.exists()
    operator.fill()
    result = operator("rotate")
    first = operator.state / "audit.0001.jsonl"
    assert result.exit_code == 0 and f"closed {first}; the next lines are in" in result.stdout
    assert json.loads(operator("rotate", "--json").stdout)["closed"] is None
    operator.fill()
    closed = json.loads(operator("rotate", "--json").stdout)["closed"]
    assert closed == str(operator.state / "audit.0002.jsonl")
    assert operator("verify").stdout.startswith("ok: 12 lines")
    lines = json.loads(operator("show", "--json").stdout)["lines"]
    assert [row["event"] for row in lines].count("intent") == 2
    assert [row["event"] for row in lines][-2:] == ["rotated", "continued"]
    copy = tmp_path / "copy"
    assert operator("export", str(copy), "--event", "intent").exit_code == 0
    assert len((copy / "selected.jsonl").read_text().splitlines()) == 2
    first.rename(tmp_path / first.name)
    result = operator("verify")
    assert result.exit_code == 1 and "audit.0001.jsonl is missing" in result.stderr
    result = operator("verify", "--archived")
    assert result.exit_code == 0 and "what is before it is not looked at" in result.stderr
    kept = ("--archived", "--format", "csv")
    assert operator("export", str(tmp_path / "short"), *kept).exit_code == 0
    operator.places.log.chmod(0o644)
    result = operator("rotate")
    assert result.exit_code == 1 and "other users may use it" in result.stderr


def test_what_is_damaged_is_copied_too(operator: Operator, tmp_path: Path) -> None:
    operator.fill()
    operator.places.checkpoints.unlink()
    result = operator("export", str(tmp_path / "copy"), "--event", "refused")
    assert result.exit_code == 1 and "the checkpoints from 1 on were removed" in result.stderr
    assert len((tmp_path / "copy/selected.jsonl").read_text().splitlines()) == 1


def test_a_key_that_is_none_and_a_wrong_configuration_are_told(
    operator: Operator, tmp_path: Path
) -> None:
    operator.fill()
    assert operator("key").stdout.startswith("-----BEGIN PUBLIC KEY-----\n")
    bad = tmp_path / "bad.pem"
    bad.write_text("none")
    result = operator("verify", "--public-key", str(bad))
    assert result.exit_code == 1 and f"The key {bad} cannot be used" in result.stderr
    bad.write_text("audit: []\n")
    assert operator("verify", "--config", str(bad)).exit_code == 2
    operator.places.log.unlink()
    operator.places.log.mkdir()
    assert "Is a directory" in operator("verify").stderr
