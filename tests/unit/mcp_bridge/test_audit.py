# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: written before a run, chained, and loud about every change of it."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit, PlanFacts
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_proof import Signer
from mcp_bridge.audit_verify import Checked, verify
from mcp_bridge.errors import AuditFailed
from mcp_bridge.policy import Approval, Call, Flags, TargetFacts, decide
from mcp_bridge.redact import Redactor

CALL = Call("vm_power", "vm_power", "write", (TargetFacts("lab"),), "i", principal="os:alice")
VERDICT = decide(CALL, (), Flags())


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def broken(number: int) -> Callable[..., Any]:
    """Return a system call that fails; no disk of a test machine gives such an error."""

    def fail(*_arguments: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def check(audit: Audit) -> Checked:
    return verify(audit.places, Signer.of_file(audit.places.key))


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
    audit.refused(CALL, denied, arguments, Redactor(["hunter2hunter2"]))
    before, after, refused = rows(audit.path)
    assert before["event"] == "intent" and before["run_id"] == after["run_id"] == "run-1"
    assert before["principal"] == "os:alice" and before["targets"] == ["lab"]
    assert before["rule"] == "default" and before["decision"] == "allow"
    assert before["arguments"]["password"] == "(secret)"
    assert after["changed"] is True and len(after["diff_sha256"]) == 64
    assert refused["event"] == "refused" and refused["decision"] == "approve"
    assert before["args_hmac"] == refused["args_hmac"] and len(before["args_hmac"]) == 64
    other = Audit(tmp_path / "other.jsonl")
    other.intent(CALL, VERDICT, arguments, "run-1")
    assert rows(other.path)[0]["args_hmac"] != before["args_hmac"]
    assert before["mono"] <= after["mono"] <= refused["mono"]
    assert "hunter2" not in audit.path.read_text()
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(audit.path.parent.stat().st_mode) == 0o700
    assert check(audit).ok and check(audit).lines == 3


def test_a_plan_is_followed_from_its_preview_to_its_run(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    made = PlanFacts("plan-1", "ab" * 32)
    approved = replace(made, approver="os:bob", channel="terminal")
    audit.plan("planned", "os:alice", made, run_id="run-1")
    audit.plan("approved", "os:bob", approved, reason="ticket 7, password=hunter2hunter2")
    audit.intent(CALL, VERDICT, {}, "run-2", plan=approved)
    audit.outcome("run-2", "successful", parts=[{"changed": True, "error": None}])
    audit.plan("rejected", "os:" + "b" * 5000, made, reason="x" * 5000)
    first, second, third, ended, last = rows(audit.path)
    assert first["event"] == "planned" and first["plan_id"] == "plan-1" and "channel" not in first
    assert second["approver"] == third["approver"] == "os:bob" and third["channel"] == "terminal"
    assert third["event"] == "intent" and third["plan_sha256"] == "ab" * 32
    assert ended["parts"] == [{"changed": True, "error": None}]
    assert len(last["reason"]) == len(last["principal"]) == 1001
    assert check(audit).ok


def test_a_decision_says_whose_consent_it_has_or_lacks(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    missing = decide(replace(CALL, risk="destructive"), (), Flags())
    audit.refused(CALL, missing, {})
    consent = Approval("person", "os:bob", "cd" * 32)
    call = replace(CALL, risk="destructive", plan_digest="cd" * 32, approval=consent)
    audit.intent(call, decide(call, (), Flags()), {}, "run-1")
    without, given = rows(audit.path)
    assert (without["decision"], without["by"], without["four_eyes"]) == (
        "approve",
        "person",
        False,
    )
    assert "approver" not in without and "plan_sha256" not in without
    assert (given["decision"], given["approver"], given["channel"]) == ("allow", "os:bob", "person")
    assert given["plan_sha256"] == "cd" * 32


def test_huge_arguments_are_kept_as_their_digest(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    audit.intent(CALL, VERDICT, {"user_data": "x" * 1_000_000}, "run-1")
    (row,) = rows(audit.path)
    assert row["arguments"]["too_large"] > 1_000_000
    assert audit.path.stat().st_size < 2000


@pytest.mark.parametrize("left", [b'{"event":"int', b"\xff\xfe", b'{"a":1}\n'])
def test_a_line_that_a_crash_cut_off_is_named_by_the_next(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path, 2)
    with path.open("ab") as file:
        file.write(left)
    assert not check(Audit(path)).ok
    Audit(path).outcome("run-1", "successful")
    assert check(Audit(path)).ok and check(Audit(path)).lines == 3
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[2]
    path.write_bytes(b"".join(lines))
    assert not check(Audit(path)).ok


def test_two_torn_lines_are_damage_that_no_crash_explains(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    filled(path, 2)
    with path.open("ab") as file:
        file.write(b"{torn\n{torn too\n")
    checked = check(Audit(path))
    assert (checked.ok, checked.lines) == (False, 2)
    assert checked.problem == "line 4 is not a record"


def test_a_file_with_nothing_but_a_torn_line_begins_its_chain_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken(errno.EIO))
        with pytest.raises(AuditFailed, match="Input/output error"):
            filled(path, 1)
    assert path.read_bytes() == b""
    path.write_bytes(b'{"seq": 1, "ev')
    filled(path, 2)
    assert check(Audit(path)) == Checked(2)


def test_a_long_last_line_does_not_hide_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = filled(path, 1)
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    audit.outcome("run-0", "successful")
    assert check(Audit(path)).ok


@pytest.mark.parametrize("part", ["log", "head", "checkpoints", "key"])
def test_what_cannot_be_audited_is_refused(tmp_path: Path, part: str) -> None:
    """Red when links are followed (O_NOFOLLOW), or when modes are not looked at."""
    folder = tmp_path / "folder"
    folder.mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    readable = tmp_path / "readable"
    readable.touch(mode=0o644)
    readable.chmod(0o644)
    for path in (folder, link, readable, Path("/dev/full"), Path("/proc/none/audit")):
        good = Places.beside(tmp_path / "good" / "audit.jsonl", every=1)
        audit = Audit(replace(good, **{part: path}))
        with pytest.raises(AuditFailed, match="cannot be"):
            for number in range(2):
                audit.intent(CALL, VERDICT, {}, f"run-{number}")
        shutil.rmtree(tmp_path / "good", ignore_errors=True)
    assert not (tmp_path / "elsewhere").exists()
    assert readable.read_bytes() == b""


@pytest.mark.parametrize("part", ["checkpoints", "jsonl", "head"])
def test_each_part_that_fails_leaves_the_audit_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Red when the line stays although its head could not be written."""
    path = tmp_path / "audit.jsonl"
    for number in range(3):
        Audit(Places.beside(path, every=3)).outcome(f"run-{number}", "successful")
    before, write = path.read_bytes(), os.write

    def full(descriptor: int, content: bytes) -> int:
        if str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith(part):
            write(descriptor, content[:9] if part != "head" else b"")
            broken(errno.ENOSPC)()
        return write(descriptor, content)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for _ in range(2):
            with pytest.raises(AuditFailed, match="No space left"):
                Audit(Places.beside(path, every=3)).outcome("run-3", "successful")
    assert path.read_bytes() == before
    assert check(Audit(path)).ok
    Audit(Places.beside(path, every=3)).outcome("run-3", "successful")
    assert check(Audit(path)) == Checked(4, "", 1)


def test_a_last_checkpoint_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    audit = filled(tmp_path / "audit.jsonl", 1)
    audit.places.checkpoints.mkdir()
    with pytest.raises(AuditFailed, match="Is a directory"):
        audit.close()
    audit.places.log.unlink()
    audit.close()
    assert not audit.path.exists()
    Audit(tmp_path / "none" / "audit.jsonl").close()
    assert not (tmp_path / "none").exists()


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
    assert "cannot be written" in answers.get(timeout=120)
    process.join()
    assert path.read_bytes() == before
    audit.outcome("run-4", "successful")
    assert check(Audit(path)).ok


def _append_many(path: Path, together: Any) -> None:
    together.wait(30)
    filled(path, 40)
    os._exit(0)


def test_several_processes_share_one_chain(tmp_path: Path) -> None:
    """Red without the lock: two lines have the same number. They begin at the same moment."""
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    processes = [context.Process(target=_append_many, args=(path, together)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert check(Audit(path)).ok and check(Audit(path)).lines == 120
