# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is done to an audit afterwards is found, with the key and with its public half alone.

Red when, for example, the head or the checkpoints are not looked at, or not their signatures.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_proof import (
    SLOT,
    Head,
    Mark,
    Signer,
    Witness,
    canonical,
    head_file,
    heads_of,
)
from mcp_bridge.audit_verify import Checked, public_key, verify
from tests.unit.mcp_bridge.audit_changes import CHANGES, EVERY, LINES, MADE, fill, lines, rewritten


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Return an audit of some lines and checkpoints, with an older copy beside it."""
    folder = tmp_path_factory.mktemp("good")
    places = Places.beside(folder / "audit.jsonl", every=EVERY)
    fill(places, LINES // 2)
    shutil.copytree(folder, folder / "older")
    fill(places, LINES - LINES // 2)
    return places


def copied(good: Places, folder: Path) -> Places:
    shutil.copytree(good.log.parent, folder)
    return Places.beside(folder / "audit.jsonl", every=EVERY)


def both(places: Places) -> list[Checked]:
    """Return what is found with the key, and with the public key alone."""
    signer = Signer.of_file(places.key)
    return [verify(places, signer), verify(places, Witness.of_pem(signer.pem.encode()))]


def seeded(count: int) -> Iterator[Any]:
    names = sorted(CHANGES)
    for seed in range(count):
        yield pytest.param(names[seed % len(names)], seed, id=f"{names[seed % len(names)]}-{seed}")


@pytest.mark.parametrize(("change", "seed"), list(seeded(210)))
def test_every_change_is_found(good: Places, tmp_path: Path, change: str, seed: int) -> None:
    places = copied(good, tmp_path / "copy")
    before = [path.read_bytes() for path in (places.log, places.head, places.checkpoints)]
    CHANGES[change](places, random.Random(seed))
    paths = [path for path in (places.log, places.head, places.checkpoints) if path.exists()]
    if [path.read_bytes() for path in paths] == before:
        pytest.skip("the change is none")
    for checked in both(places):
        assert not checked.ok, f"{change}, seed {seed}"
        assert checked.problem


def test_what_was_not_changed_holds(good: Places, tmp_path: Path) -> None:
    assert both(good) == [Checked(LINES, "", MADE)] * 2
    empty = Places.beside(tmp_path / "audit.jsonl")
    assert verify(empty, Signer.of_file(good.key)) == Checked(0)
    empty.log.touch(0o600)
    assert verify(empty, Signer.of_file(good.key)) == Checked(0)


def test_every_bit_of_a_head_and_of_a_checkpoint_counts(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    signer = Signer.of_file(places.key)
    for path, length in ((places.head, 2 * SLOT), (places.checkpoints, 400)):
        content = path.read_bytes()
        for position in range(0, length * 8, 11):
            bad = bytearray(content)
            bad[position // 8] ^= 1 << position % 8
            path.write_bytes(bad)
            assert not verify(places, signer).ok, (path.name, position)
        path.write_bytes(content)
    assert verify(places, signer).ok


def test_a_head_fits_its_place_whatever_it_says() -> None:
    signer = Signer(b"k" * 32)
    digits = "f" * 64
    huge = Head(
        digits, 10**12, digits, Mark(10**12, 10**12, digits, "2026-11-28T21:00:00.000+00:00")
    )
    content = head_file(huge, signer)
    assert len(content) == 2 * SLOT
    assert heads_of(content, signer) == (huge, huge)


def test_a_crash_between_the_line_and_the_head_is_no_change(good: Places, tmp_path: Path) -> None:
    """The line was marked by the key; with the public key alone nothing can be said of it."""
    places = copied(good, tmp_path / "copy")
    head = places.head.read_bytes()
    fill(replace(places, every=1000), 2)
    places.head.write_bytes(head)
    places.checkpoints.write_bytes(good.checkpoints.read_bytes())
    with_key, without = both(places)
    assert with_key.ok and with_key.notes == (
        f"a crash came before the head could name line {LINES + 1}",
    )
    assert "only the key itself can prove it" in without.problem
    fill(places, 1)
    assert [each.ok for each in both(places)] == [True, True]


def test_a_line_in_the_place_of_one_that_the_head_does_not_know_is_found(
    good: Places, tmp_path: Path
) -> None:
    """Red when marks are not looked at: then anybody may write the line after a crash."""
    places = copied(good, tmp_path / "copy")
    CHANGES["a line forged at the end"](places, random.Random(1))
    assert verify(places, Signer.of_file(places.key)) == Checked(
        LINES, f"line {LINES + 1} was not written by virtbridge", MADE
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tool": "x"}, f"line {LINES} is not the one that the head speaks of"),
        ({"seq": 7}, f"line {LINES} has the number 7, expected {LINES}"),
    ],
)
def test_the_last_line_replaced_is_told(
    good: Places, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    places = copied(good, tmp_path / "copy")
    lines(lambda all_, _chance: rewritten(all_, LINES - 1, lambda row: row.update(change)))(
        places, random.Random(1)
    )
    for checked in both(places):
        assert checked.lines < LINES and checked.problem.startswith(problem)


def test_closing_twice_signs_once(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    audit = Audit(places)
    audit.outcome("run-1", "successful")
    for _ in range(2):
        audit.close()
    assert verify(places, Signer.of_file(places.key)).checkpoints == MADE + 1


def test_a_part_that_cannot_be_read_is_an_error_and_no_verdict(
    good: Places, tmp_path: Path
) -> None:
    places = copied(good, tmp_path / "copy")
    places.head.unlink()
    places.head.mkdir()
    with pytest.raises(IsADirectoryError):
        both(places)


def test_one_head_of_two_may_be_older_after_a_power_cut(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    older = places.head.read_bytes()
    fill(places, 1)
    newer = places.head.read_bytes()
    for content in (older[:SLOT] + newer[SLOT:], newer[:SLOT] + older[SLOT:]):
        places.head.write_bytes(content)
        assert [each.ok for each in both(places)] == [True, True]


def test_a_torn_checkpoint_is_noted_and_the_next_one_follows(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    with places.checkpoints.open("ab") as file:
        file.write(b'{"number": 9, "fi')
    assert [each.ok for each in both(places)] == [True, True]
    fill(places, 1)
    for checked in both(places):
        assert checked == Checked(
            LINES + 1,
            "",
            MADE + 1,
            ("a line of the checkpoints is cut off, as by a crash",),
        )


def test_a_checkpoint_that_the_head_does_not_know_yet_is_taken(
    good: Places, tmp_path: Path
) -> None:
    places = replace(copied(good, tmp_path / "copy"), every=1000)
    fill(places, 1)
    head = places.head.read_bytes()
    before = places.checkpoints.read_bytes()
    places.checkpoints.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    shutil.copy(good.head, places.head)
    # As a crash leaves it: the line is there, its checkpoint too, and the head of the line alone.
    signer = Signer.of_file(places.key)
    known = heads_of(head, signer)[-1]
    old = heads_of(places.head.read_bytes(), signer)[-1]
    places.head.write_bytes(head_file(replace(known, checkpoint=old.checkpoint), signer))
    places.checkpoints.write_bytes(before)
    assert verify(places, signer).ok
    Audit(places).close()
    lately = copied(places, tmp_path / "lately")
    fill(replace(places, every=1), 1)
    # One that speaks of another line than the last is followed by one that does.
    fill(replace(lately, every=1000), 1)
    for each in (places, lately):
        assert verify(each, signer) == Checked(LINES + 2, "", MADE + 2)


def test_checkpoints_that_two_crashes_kept_out_of_the_head_are_taken(
    good: Places, tmp_path: Path
) -> None:
    """Red when only one more than the head knows is looked for; killed writers showed it."""
    places = replace(copied(good, tmp_path / "copy"), every=1)
    fill(places, 1)
    first = heads_of(places.head.read_bytes(), Signer.of_file(places.key))[-1]
    fill(places, 2)
    signer = Signer.of_file(places.key)
    last = heads_of(places.head.read_bytes(), signer)[-1]
    places.head.write_bytes(head_file(replace(last, checkpoint=first.checkpoint), signer))
    fill(places, 2)
    assert verify(places, signer).ok


def test_no_line_is_added_where_lines_were_removed(good: Places, tmp_path: Path) -> None:
    """Else the next line's head would cover the traces."""
    for number, change in enumerate(
        ("the last line removed", "the log emptied", "a line forged at the end", "the head removed",
         "a bit of the head", "all replaced, with another key", "the head emptied",
         "log and head restored from an older copy")
    ):  # fmt: skip
        places = copied(good, tmp_path / str(number))
        CHANGES[change](places, random.Random(1))
        before = places.log.read_bytes()
        if change.startswith("log and head"):
            continue  # Only the checkpoints show it, and they are not read for each line.
        with pytest.raises(Exception, match="cannot be written: "):
            fill(places, 1)
        assert places.log.read_bytes() == before, change


def test_a_clock_that_jumps_changes_no_order_and_puts_off_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp_bridge import audit_file

    places = Places.beside(tmp_path / "audit.jsonl")
    moments = iter(f"2026-11-28T{hour:02}:{minute:02}:00.000+00:00" for hour, minute in
                   ((12, 0), (12, 1), (12, 10), (13, 30), (9, 0), (9, 1)))  # fmt: skip
    now = "2026-11-28T12:00:00.000+00:00"
    monkeypatch.setattr(audit_file, "_now", lambda: now)
    counts = []
    for now in moments:  # noqa: B007
        fill_one = Audit(places)
        fill_one.outcome("run", "successful")
        lines_ = places.checkpoints.read_bytes() if places.checkpoints.exists() else b""
        counts.append(lines_.count(b"\n"))
    assert counts == [0, 0, 0, 1, 2, 2]
    checked = verify(places, Signer.of_file(places.key))
    assert checked == Checked(6, "", 2, ("the clock was set back before line 5",))
    rows = [json.loads(line) for line in places.log.read_text().splitlines()]
    assert [row["mono"] for row in rows] == sorted(row["mono"] for row in rows)


def test_notes_have_an_end(good: Places, tmp_path: Path) -> None:
    places = copied(good, tmp_path / "copy")
    with places.checkpoints.open("ab") as file:
        file.write(b"{torn\n" * 25)
    checked = verify(places, Signer.of_file(places.key))
    assert checked.ok and len(checked.notes) == 20


def test_who_verifies_makes_nothing_and_needs_a_key_that_is_one(tmp_path: Path) -> None:
    places = Places.beside(tmp_path / "audit.jsonl")
    with pytest.raises(FileNotFoundError):
        public_key(places, None)
    assert list(tmp_path.iterdir()) == []
    fill(places, 1)
    pem = tmp_path / "public.pem"
    pem.write_text(Signer.of_file(places.key).pem)
    assert isinstance(public_key(places, None), Signer)
    assert verify(places, public_key(places, pem)).ok
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    for content in (b"nonsense", other.public_bytes(serialization.Encoding.PEM, kind)):
        pem.write_bytes(content)
        with pytest.raises(ValueError):
            public_key(places, pem)


def test_a_record_cannot_pass_as_one_of_another_kind() -> None:
    signer = Signer(b"k" * 32)
    row = signer.signed("head", {"seq": 1})
    assert signer.knows("head", row) and not signer.knows("checkpoint", row)
    assert not signer.knows("head", row | {"signature": "%"})
    assert not signer.knows("head", {"seq": 1})
    assert canonical(row) == canonical(dict(reversed(row.items())))
