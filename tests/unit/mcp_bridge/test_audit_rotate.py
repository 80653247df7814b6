# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit in several parts is one: nothing of it can be taken away, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_parts import closed, last_closed
from mcp_bridge.audit_proof import Signer
from mcp_bridge.audit_read import Wanted, decisions
from mcp_bridge.audit_verify import Checked, verify
from mcp_bridge.errors import AuditFailed
from tests.unit.mcp_bridge.audit_changes import fill
from tests.unit.mcp_bridge.part_changes import (
    LINES,
    PARTS,
    WHOLE,
    both,
    copied,
    files,
    fill_parts,
    in_parts,
    part,
    rows,
)
from tests.waiting import wait_for

CLOSES = ("audit.0001.jsonl", "audit.0002.jsonl", "audit.0003.jsonl")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return in_parts(tmp_path_factory.mktemp("good"))


def test_parts_are_one_chain(good: Places) -> None:
    assert [path.name for _number, path in closed(good.log)] == list(CLOSES)
    assert [each.ok for each in both(good)] == [True, True]
    assert both(good)[0].lines == WHOLE + LINES
    every = rows(good)
    assert [row["seq"] for row in every] == list(range(1, WHOLE + LINES + 1))
    ends = [row for row in every if row["event"] == "rotated"]
    begins = [row for row in every if row["event"] == "continued"]
    assert [(row["part"], row["next"]) for row in ends] == [(1, 2), (2, 3), (3, 4)]
    assert [(row["part"], row["prev"]) for row in begins] == [
        (row["next"], row["sha256"]) for row in ends
    ]
    assert {row["principal"] for row in ends} == {"os:me"}
    # The last line of each closed part is signed, so that a part proves itself.
    signed = [json.loads(line) for line in good.checkpoints.read_bytes().splitlines()]
    assert {row["sha256"] for row in ends} <= {row["sha256"] for row in signed}


def test_what_has_no_line_is_not_closed(tmp_path: Path) -> None:
    places = Places.beside(tmp_path / "audit.jsonl")
    audit = Audit(places)
    assert audit.rotate("os:me") is None
    assert not places.log.exists() and not places.head.exists()
    fill(places, 1)
    assert audit.rotate("os:me") == part(places, 1)
    before = files(places)
    for _turn in range(2):
        assert audit.rotate("os:me") is None
    assert files(places) == before and both(places)[0].lines == 3


def test_a_file_that_is_full_is_closed_by_the_next_line(tmp_path: Path) -> None:
    places = Places.beside(tmp_path / "audit.jsonl", rotate_bytes=5000)
    fill(places, 40)
    found = closed(places.log)
    assert len(found) > 3
    assert all(5000 <= path.stat().st_size < 8000 for _number, path in found)
    assert both(places)[0] == both(places)[1]
    assert both(places)[0].ok
    assert "principal" not in next(row for row in rows(places) if row["event"] == "rotated")
    tiny = Places.beside(tmp_path / "tiny" / "audit.jsonl", rotate_bytes=1)
    fill(tiny, 3)
    assert both(tiny)[0].ok and len(closed(tiny.log)) == 2


CALLS = ("write", "rename", "fdatasync", "fsync", "ftruncate")


def killed_at(places: Places, moment: int) -> bool:
    """Rotate in a child that is gone at the so-manieth call that changes a file; say if it was."""
    child = os.fork()
    if child == 0:
        left, kept = [moment], {name: getattr(os, name) for name in CALLS}

        def dying(name: str, real: Any) -> Any:
            def call(*arguments: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    if name == "write":
                        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                    # What measures this process writes its file now.
                    vars(os).update(kept)
                    os._exit(9)
                return real(*arguments, **more)

            return call

        vars(os).update({name: dying(name, real) for name, real in kept.items()})
        try:
            Audit(places).rotate("os:me")
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("closed_before", [0, 1])
def test_whoever_is_killed_while_a_part_is_closed_leaves_a_whole_audit(
    tmp_path: Path, closed_before: int
) -> None:
    """Red when a part is moved before its end is signed, or nobody goes on with it."""
    good = Places.beside(tmp_path / "good" / "audit.jsonl", every=7)
    fill_parts(good, closed_before)
    known = [row["sha256"] for row in rows(good)]
    moment, alive = 0, False
    while not alive:
        places = copied(good, tmp_path / str(moment))
        alive = not killed_at(places, moment)
        left = both(places)[0]
        assert left.ok or "the next line will name it" in left.problem, (moment, left)
        signed = places.checkpoints.read_text()
        _number, end = last_closed(places.log)
        assert end is None or end["sha256"] in signed, moment
        # Another process goes on, with a line or with the same.
        for each in (copied(places, tmp_path / f"{moment}-a"), places):
            if each is places:
                Audit(each).rotate("os:other")
            Audit(each).outcome("after", "successful")
            assert both(each)[0].ok, (moment, both(each))
            fill(each, 1)
            assert [checked.ok for checked in both(each)] == [True, True]
            found = rows(each)
            assert [row["sha256"] for row in found][: len(known)] == known, moment
            assert [row["run_id"] for row in found if row["event"] == "outcome"][-1:] == ["after"]
            assert len(closed(each.log)) <= closed_before + 2
        moment += 1
    assert moment > 12


@pytest.mark.parametrize("call", ["rename", "fdatasync", "write"])
def test_a_part_that_cannot_be_closed_refuses_and_is_closed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Red when a line is added after the last one of a part."""
    places = Places.beside(tmp_path / "audit.jsonl", every=1000)
    fill(places, 3)

    def broken(*_arguments: Any, **_more: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, broken)
        with pytest.raises(AuditFailed, match="Read-only"):
            Audit(places).rotate("os:me")
    assert both(places)[0].ok
    fill(places, 1)
    assert both(places)[0].ok
    assert len(closed(places.log)) == (1 if call == "rename" else 0)


def test_a_part_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    places = Places.beside(tmp_path / "audit.jsonl")
    fill(places, 2)
    part(places, 1).write_bytes(b"of somebody else\n")
    for _turn in range(2):
        with pytest.raises(AuditFailed, match="is there already"):
            Audit(places).rotate("os:me")
    assert part(places, 1).read_bytes() == b"of somebody else\n"
    part(places, 1).unlink()
    assert Audit(places).rotate("os:me") == part(places, 1)
    assert both(places)[0].ok


def test_who_reads_waits_for_a_part_that_is_just_closed(good: Places, tmp_path: Path) -> None:
    """Red when the file that was opened is taken for the one that is written now."""
    import fcntl

    places = copied(good, tmp_path / "copy")
    found: list[Checked] = []
    with places.log.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        reading = threading.Thread(target=lambda: found.extend(both(places)))
        reading.start()
        inode = f":{places.log.stat().st_ino} "
        wait_for(lambda: [line for line in Path("/proc/locks").read_text().splitlines()
                          if "->" in line and inode in line])  # fmt: skip
        kept = places.log.read_bytes()
        closed_now = copied(places, tmp_path / "other")
        Audit(closed_now).rotate("os:me")
        fill(closed_now, 1)
        # As the writer leaves it: the part has its end, its name, and a file after it.
        for name in ("audit.head", "audit.checkpoints"):
            (places.log.parent / name).write_bytes((closed_now.log.parent / name).read_bytes())
        places.log.rename(part(places, PARTS + 1))
        part(places, PARTS + 1).write_bytes(part(closed_now, PARTS + 1).read_bytes())
        places.log.write_bytes(closed_now.log.read_bytes())
        assert len(part(places, PARTS + 1).read_bytes()) > len(kept)
    reading.join(60)
    assert [each.ok for each in found] == [True, True], found


def test_writers_and_readers_go_on_while_parts_are_closed(tmp_path: Path) -> None:
    """Red when a reader takes two moments for one, or a writer adds to a part that is closed."""
    places = Places.beside(tmp_path / "audit.jsonl", every=5, rotate_bytes=6000)
    fill(places, 1)
    signer = Signer.of_file(places.key)
    over = threading.Event()

    def write(name: str) -> None:
        audit = Audit(places)
        for number in range(60):
            audit.outcome(f"{name}-{number}", "successful")
            if number % 20 == 0:
                audit.rotate("os:me")

    writers = [threading.Thread(target=write, args=(str(each),)) for each in range(3)]
    for each in writers:
        each.start()
    seen: list[Checked] = []
    while not over.is_set():
        if not any(each.is_alive() for each in writers):
            over.set()
        seen.append(verify(places, signer))
        latest = [row["seq"] for row in decisions(places.log, Wanted(event="outcome"), 10).rows]
        assert latest == sorted(set(latest), reverse=True)
    assert [each.problem for each in seen if not each.ok] == []
    assert len(closed(places.log)) > 5
    told = {row["run_id"] for row in rows(places) if row["event"] == "outcome"}
    assert told == {f"{name}-{number}" for name in range(3) for number in range(60)}
