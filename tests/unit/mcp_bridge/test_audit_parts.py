# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is done to a part of an audit is found, and whoever reads an audit reads all parts."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit
from mcp_bridge.audit_export import export
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_parts import closed
from mcp_bridge.audit_proof import Signer
from mcp_bridge.audit_read import Wanted, decisions
from mcp_bridge.errors import AuditFailed
from tests.unit.mcp_bridge.audit_changes import fill
from tests.unit.mcp_bridge.part_changes import (
    LINES,
    PART_CHANGES,
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


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return in_parts(tmp_path_factory.mktemp("good"))


def seeded(count: int) -> Iterator[Any]:
    names = sorted(PART_CHANGES)
    for seed in range(count):
        yield pytest.param(names[seed % len(names)], seed, id=f"{names[seed % len(names)]}-{seed}")


@pytest.mark.parametrize(("change", "seed"), list(seeded(210)))
def test_every_change_of_a_part_is_found(
    good: Places, tmp_path: Path, change: str, seed: int
) -> None:
    """Red when parts are not looked at, or not in their order."""
    places = copied(good, tmp_path / "copy")
    PART_CHANGES[change](places, random.Random(seed))
    if files(places) == files(good):
        pytest.skip("the change is none")
    for checked in both(places):
        assert not checked.ok, f"{change}, seed {seed}"
        assert checked.problem


@pytest.mark.parametrize(
    "change",
    ["the file that is written now taken for a part", "an empty part", "all parts removed",
     "the end cut", "another user may read it"],
)  # fmt: skip
def test_no_line_is_added_after_a_part_that_was_changed(
    good: Places, tmp_path: Path, change: str
) -> None:
    """Else the next line's head would cover the traces."""
    places = copied(good, tmp_path / "copy")
    newest = part(places, PARTS + 1)
    if change == "the file that is written now taken for a part":
        places.log.rename(newest)
    else:
        Audit(places).rotate("os:me")
        places.log.write_bytes(b"")
    if change == "the end cut":
        newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-1]))
    elif change == "another user may read it":
        newest.chmod(0o644)
    elif change == "an empty part":
        newest.write_bytes(b"")
    elif change == "all parts removed":
        for _number, path in closed(places.log):
            path.unlink()
    with pytest.raises(AuditFailed, match="cannot be written"):
        fill(places, 1)
    assert not places.log.exists() or places.log.read_bytes() == b""


def test_the_oldest_parts_may_be_elsewhere_when_that_is_said(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    for number in range(1, PARTS + 1):
        part(places, number).unlink()
        missing = both(places)
        assert [each.problem for each in missing] == ["audit.0001.jsonl is missing"] * 2
        for checked in both(places, archived=True):
            assert checked.ok, (number, checked)
            assert checked.lines == WHOLE + LINES - number * (LINES + 2) + 1
            (note,) = checked.notes
            assert note.endswith("what is before it is not looked at")
    fill(places, 1)
    assert both(places, archived=True)[0].ok
    assert Audit(places).rotate("os:me") == part(places, PARTS + 1)
    assert both(places, archived=True)[0].ok
    whole = copied(good, tmp_path / "whole")
    assert both(whole, archived=True) == both(whole)


@pytest.mark.parametrize(
    "change",
    ["first line removed", "checkpoints removed", "a part between", "no line", "begin forged",
     "proofs restored", "another number"],
)  # fmt: skip
def test_what_is_said_to_be_elsewhere_hides_nothing_else(
    good: Places, tmp_path: Path, change: str
) -> None:
    """Red when the first part here begins wherever it says."""
    places = copied(good, tmp_path / "copy")
    part(places, 1).unlink()
    second = part(places, 2)
    content = second.read_bytes().splitlines(keepends=True)
    if change == "first line removed":
        second.write_bytes(b"".join(content[1:]))
    elif change == "checkpoints removed":
        places.checkpoints.unlink()
    elif change == "a part between":
        part(places, 3).unlink()
    elif change == "another number":
        second.unlink()
        part(places, 3).rename(part(places, 8))
    elif change == "proofs restored":
        # Those of a time before the second part began.
        early = Places.beside(tmp_path / "early" / "audit.jsonl", key=places.key)
        fill(early, 1)
        Audit(early).close()
        for name in ("audit.head", "audit.checkpoints"):
            shutil.copy(early.log.with_name(name), places.log.with_name(name))
    elif change == "no line":
        second.write_bytes(b"")
    else:
        first = json.loads(content[0])
        content[0] = json.dumps(first | {"prev": "0" * 64}).encode() + b"\n"
        second.write_bytes(b"".join(content))
    for checked in both(places, archived=True):
        assert not checked.ok


def test_a_part_that_lost_its_first_line_begins_nowhere(tmp_path: Path) -> None:
    """Red when any line that has a checkpoint before it is taken for the first of a part."""
    places = Places.beside(tmp_path / "audit.jsonl", every=1)
    fill_parts(places, 2)
    part(places, 1).unlink()
    assert both(places, archived=True)[0].ok
    second = part(places, 2)
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[1:]))
    for checked in both(places, archived=True):
        assert checked.problem == "audit.0002.jsonl: line 1 is not where a part begins"


def test_readers_see_all_parts_page_by_page(good: Places) -> None:
    """Red when a page, or the outcome of a run, ends with its part."""
    every = [row["seq"] for row in reversed(rows(good))]
    for limit in (1, 7, 1000):
        seen: list[int] = []
        before: int | None = None
        while before is not None or not seen:
            found = decisions(good.log, Wanted(), limit, before)
            seen += [row["seq"] for row in found.rows]
            before = found.more
            if before is None:
                break
        assert seen == every


def test_an_outcome_in_the_next_part_belongs_to_its_run(tmp_path: Path) -> None:
    places = Places.beside(tmp_path / "audit.jsonl")
    fill(places, 3)
    Audit(places).rotate("os:me")
    Audit(places).outcome("run-2", "successful", changed=True)
    fill(places, 1)
    assert {
        row["run_id"]: row.get("status")
        for row in decisions(places.log, Wanted(event="intent"), 9).rows
    } == {"run-0": None, "run-1": None, "run-2": "successful"}
    first = decisions(places.log, Wanted(), 3)
    assert [row["event"] for row in first.rows] == ["intent", "continued", "rotated"]
    second = decisions(places.log, Wanted(), 1, first.more)
    assert [(row["run_id"], row["status"]) for row in second.rows] == [("run-2", "successful")]


def test_a_copy_has_every_part(good: Places, tmp_path: Path) -> None:
    witness = Signer.of_file(good.key)
    checked, count = export(good, tmp_path / "copy", witness, Wanted(event="rotated"), "jsonl")
    assert (checked.ok, checked.lines, count) == (True, WHOLE + LINES, PARTS)
    copy = Places.beside(tmp_path / "copy" / "audit.jsonl", key=good.key)
    assert {name for name in files(copy) if name.endswith("1.jsonl")} == {"audit.0001.jsonl"}
    for path in (*(part(good, number) for number in (1, 2, 3)), good.log):
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()
    copy.head.unlink()
    lost = export(copy, tmp_path / "lost", witness, Wanted(), "jsonl")[0]
    assert lost.problem == "the head is missing"
    shutil.copy(good.head, copy.head)
    part(copy, 1).unlink()
    again = export(copy, tmp_path / "again", witness, Wanted(), "jsonl", archived=True)[0]
    assert again.ok and again.notes
