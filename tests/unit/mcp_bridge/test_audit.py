# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: written before a run, chained, and loud about every change of it."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit, verify
from mcp_bridge.errors import AuditFailed
from mcp_bridge.policy import Call, Flags, TargetFacts, decide
from mcp_bridge.redact import Redactor

CALL = Call("vm_power", "vm_power", "write", (TargetFacts("lab"),), "i", principal="os:alice")
VERDICT = decide(CALL, (), Flags())


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def filled(path: Path, count: int = 5) -> Audit:
    audit = Audit(path)
    for number in range(count):
        audit.intent(CALL, VERDICT, {"number": number}, f"run-{number}")
    return audit


def test_a_run_has_a_line_before_and_a_line_after(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "new" / "audit.jsonl")
    arguments = {"ref": "lab/-/100", "password": "hunter2hunter2", "note": "say hunter2hunter2"}
    audit.intent(CALL, VERDICT, arguments, "run-1", Redactor(["hunter2hunter2"]))
    audit.outcome("run-1", "successful", changed=True, diff={"after": 1}, milliseconds=7)
    denied = decide(Call("t", "o", "destructive", (TargetFacts("lab"),), "i"), (), Flags())
    audit.refused(CALL, denied, {})
    before, after, refused = rows(audit.path)
    assert before["event"] == "intent" and before["run_id"] == after["run_id"] == "run-1"
    assert before["principal"] == "os:alice" and before["targets"] == ["lab"]
    assert before["rule"] == "default" and before["allowed"] is True
    assert before["arguments"]["password"] == "(secret)"
    assert after["changed"] is True and len(after["diff_sha256"]) == 64
    assert refused["event"] == "refused" and refused["allowed"] is False
    assert "hunter2" not in audit.path.read_text()
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(audit.path.parent.stat().st_mode) == 0o700
    assert verify(audit.path).ok and verify(audit.path).lines == 3


def test_huge_arguments_are_kept_as_their_digest(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    audit.intent(CALL, VERDICT, {"user_data": "x" * 1_000_000}, "run-1")
    (row,) = rows(audit.path)
    assert row["arguments"]["too_large"] > 1_000_000
    assert audit.path.stat().st_size < 2000


def change(line: int, old: bytes, new: bytes) -> Callable[[list[bytes]], None]:
    def apply(lines: list[bytes]) -> None:
        assert old in lines[line]
        lines[line] = lines[line].replace(old, new, 1)

    return apply


DAMAGES: dict[str, Callable[[list[bytes]], Any]] = {
    "another principal": change(1, b"alice", b"mallo"),
    "another number": change(1, b'"seq":2', b'"seq":3'),
    "line removed": lambda lines: lines.pop(2),
    "first line removed": lambda lines: lines.pop(0),
    "lines swapped": lambda lines: lines.insert(1, lines.pop(3)),
    "line doubled": lambda lines: lines.insert(2, lines[2]),
    "line cut": lambda lines: lines.__setitem__(2, lines[2][:40] + b"\n"),
    "line emptied": lambda lines: lines.__setitem__(2, b"\n"),
    "last line cut": lambda lines: lines.__setitem__(4, lines[4][:-20]),
    "noise at the end": lambda lines: lines.append(b"x\n"),
    "list instead of record": lambda lines: lines.__setitem__(2, b"[1]\n"),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_every_damage_is_found(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    DAMAGES[damage](lines)
    path.write_bytes(b"".join(lines))
    assert not verify(path).ok


def test_every_single_bit_counts(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path, 2)
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 7)
        path.write_bytes(bad)
        assert not verify(path).ok, position


@pytest.mark.parametrize("left", [b'{"event":"int', b"\xff\xfe", b'{"a":1}\n'])
def test_a_line_that_a_crash_cut_off_is_named_by_the_next(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path, 2)
    with path.open("ab") as file:
        file.write(left)
    assert not verify(path).ok
    Audit(path).outcome("run-1", "successful")
    assert verify(path).ok and verify(path).lines == 3
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[2]
    path.write_bytes(b"".join(lines))
    assert not verify(path).ok


def test_two_torn_lines_are_damage_that_no_crash_explains(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path, 2)
    with path.open("ab") as file:
        file.write(b"{torn\n{torn too\n")
    checked = verify(path)
    assert (checked.ok, checked.lines) == (False, 2)
    assert checked.problem == "line 4 is not a record"


def test_a_file_with_nothing_but_a_torn_line_begins_its_chain_after_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.touch(mode=0o600)
    path.write_bytes(b'{"seq": 1, "ev')
    filled(path, 2)
    assert verify(path).ok and verify(path).lines == 2


def test_a_long_last_line_does_not_hide_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = filled(path, 1)
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    audit.outcome("run-0", "successful")
    assert verify(path).ok


def test_what_cannot_be_audited_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    readable = tmp_path / "readable"
    readable.touch(mode=0o644)
    readable.chmod(0o644)
    for path in (folder, link, readable, Path("/dev/full"), Path("/proc/none/audit")):
        with pytest.raises(AuditFailed, match="cannot be written"):
            Audit(path).intent(CALL, VERDICT, {}, "run-1")
    assert not (tmp_path / "elsewhere").exists()


def _append_on_a_full_disk(path: Path, answers: Any) -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
    try:
        Audit(path).intent(CALL, VERDICT, {"a": "x" * 500}, "run-9")
        answers.put("written")
    except AuditFailed as error:
        answers.put(str(error))


def test_a_full_disk_refuses_and_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = filled(path)
    before = path.read_bytes()
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_append_on_a_full_disk, args=(path, answers))
    process.start()
    assert "cannot be written" in answers.get(timeout=20)
    process.join()
    assert path.read_bytes() == before
    audit.outcome("run-4", "successful")
    assert verify(path).ok


def _append_many(path: Path) -> None:
    filled(path, 25)
    os._exit(0)


def test_several_processes_share_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_many, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert verify(path).ok and verify(path).lines == 75
