# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves an audit from its first line to its last, over all its parts, in the memory of one line.

The chain shows a change inside; the head shows lines that were cut off; the checkpoints show a
file that was written anew, also when they were kept elsewhere. With the key itself each line's
mark is checked too, which shows lines that were added.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .audit_file import Places
from .audit_parts import (
    CLOSED,
    CONTINUED,
    Part,
    View,
    closed_path,
    first_line,
    lines_of,
    record,
    view,
)
from .audit_proof import (
    Head,
    Signer,
    Witness,
    canonical,
    heads_of,
    line_digest,
    mark_of,
    parsed,
    written,
)
from .private import open_private

_MOST_NOTES = 20


@dataclass(frozen=True)
class Checked:
    """What `verify` found: how many lines hold, and what is wrong with the first that fails."""

    lines: int
    problem: str = ""
    checkpoints: int = 0
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problem


class _Wrong(Exception):
    """The first thing that does not hold."""


@dataclass
class _Walk:
    """How far the check has come."""

    previous: str
    number: int = 0
    begin: int = 0
    torn: str = ""
    time: str = ""
    checkpoints: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep what is odd and no proof of a change; not without end."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(text)


def verify(places: Places, witness: Witness, *, archived: bool = False) -> Checked:
    """Check an audit as it is when this begins; what is added meanwhile is not looked at.

    ``witness`` is the public key, or the `Signer` itself, which proves more. A line that a crash
    cut off is accepted only where the next line says so by its hash. ``archived`` says that the
    oldest parts are elsewhere; then a checkpoint must prove where the first one here begins.
    """
    walk, problem = _Walk(""), ""
    try:
        with ExitStack() as files:
            found = view(places.log, places.head, places.checkpoints, files)
            if found.parts:
                _check(found, walk, witness, archived=archived)
            elif places.head.exists() or places.checkpoints.exists():
                raise _Wrong(f"{places.log} is missing, and was there")
    except _Wrong as error:
        problem = str(error)
    return Checked(walk.number - walk.begin, problem, walk.checkpoints, tuple(walk.notes))


def public_key(places: Places, given: Path | None) -> Witness:
    """Return who proves an audit: a public key that was given, or the key itself.

    Raises OSError and ValueError; nothing is ever made.
    """
    if given is not None:
        return Witness.of_pem(given.read_bytes())
    descriptor = open_private(places.key, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        return Signer(file.read())


def _check(found: View, walk: _Walk, witness: Witness, *, archived: bool) -> None:
    try:
        heads = heads_of(found.head, witness)
    except ValueError as error:
        raise _Wrong(str(error)) from error
    if not heads:
        if found.checkpoints_size or any(part.size for part in found.parts):
            raise _Wrong("the head is missing")
        return
    head = heads[-1]
    walk.previous = head.file
    checkpoints = _checkpoints(found, head, walk, witness)
    if archived:
        _begin(found.parts[0], walk, checkpoints)
    due = next(checkpoints, None)
    for where, row in _rows(found, walk, archived=archived):
        _hold(row, where, head, witness)
        while due is not None and due["seq"] == row["seq"]:
            if due["sha256"] != row["sha256"]:
                raise _Wrong(f"{where} is not the one that checkpoint {due['number']} speaks of")
            due = next(checkpoints, None)
    if walk.number < head.seq or due is not None:
        last = max(head.seq, due["seq"] if due else 0)
        raise _Wrong(f"the lines from {walk.number + 1} to {last} were removed")
    if walk.number > head.seq:
        walk.note(f"a crash came before the head could name line {head.seq + 1}")
    if walk.torn:
        raise _Wrong("the last line is cut off, as by a crash; the next line will name it")


def _begin(part: Part, walk: _Walk, checkpoints: Iterator[dict[str, Any]]) -> None:
    """Begin where the first part that is here does, if a checkpoint knows the line before it."""
    first = first_line(part.file.fileno())
    if part.number == 1 or first is None:
        return
    before, name = first["seq"] - 1, part.path.name
    for row in checkpoints:
        if row["seq"] < before:
            continue
        if (row["seq"], row["sha256"]) != (before, first.get("prev")):
            break
        walk.previous, walk.number, walk.begin = row["sha256"], before, before
        walk.note(f"{name} begins with line {before + 1}; what is before it is not looked at")
        return
    raise _Wrong(f"no checkpoint says where {name} begins")


def _hold(row: Mapping[str, Any], where: str, head: Head, witness: Witness) -> None:
    """Hold a line against its mark and against the head."""
    if row["seq"] == head.seq and row["sha256"] != head.sha256:
        raise _Wrong(f"{where} is not the one that the head speaks of: lines were replaced")
    if isinstance(witness, Signer):
        if row.get("mac") != witness.line(row):
            raise _Wrong(f"{where} was not written by virtbridge")
    elif row["seq"] > head.seq:
        raise _Wrong(f"{where} comes after the head, so only the key itself can prove it")


def _rows(found: View, walk: _Walk, *, archived: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the lines that follow each other, with where they stand."""
    expected = found.parts[0].number if archived else 1
    for part in found.parts:
        if part.number != expected:
            raise _Wrong(f"{closed_path(found.log, expected).name} is missing")
        yield from _rows_of(part, walk, last=part.path == found.log)
        expected += 1


def _rows_of(part: Part, walk: _Walk, *, last: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    event = ""
    for line, content in enumerate(part.lines(), start=1):
        where = f"line {line}" if last else f"{part.path.name}: line {line}"
        row = record(content)
        if row is None:
            if walk.torn:
                raise _Wrong(f"{where} is not a record")
            walk.torn = hashlib.sha256(content.rstrip(b"\n")).hexdigest()
            continue
        problem = (
            _problem(row, walk)
            or ("" if content == written(row) else "was changed")
            or _misplaced(row, event, part.number)
        )
        if problem:
            raise _Wrong(f"{where} {problem}")
        if str(row.get("time")) < walk.time:
            walk.note(f"the clock was set back before {where}")
        yield where, row
        walk.previous, walk.number, walk.torn = row["sha256"], row["seq"], ""
        walk.time, event = str(row.get("time")), str(row.get("event"))
    if not last and event != CLOSED:
        raise _Wrong(f"{part.path.name} has lost its end")


def _misplaced(row: Mapping[str, Any], before: str, number: int) -> str:
    """Return what is wrong with the place of a line in its part; ``before`` is the event before."""
    if before == CLOSED:
        return "follows the last line of a part"
    if (row.get("event") == CONTINUED) != (number > 1 and not before):
        return "is not where a part begins"
    if row.get("event") in (CLOSED, CONTINUED) and row.get("part") != number:
        return "is of another part"
    return ""


def _problem(row: Mapping[str, Any], walk: _Walk) -> str:
    if row.get("prev") != walk.previous:
        return "does not follow the line before it: one was changed, moved or removed"
    if row.get("seq") != walk.number + 1:
        return f"has the number {row.get('seq')}, expected {walk.number + 1}"
    if row["sha256"] != line_digest(row):
        return "was changed"
    if walk.torn != row.get("repaired", ""):
        return "follows a damaged line that it does not name"
    return ""


def _checkpoints(
    found: View, head: Head, walk: _Walk, witness: Witness
) -> Iterator[dict[str, Any]]:
    """Yield the checkpoints in their order, each checked; a torn one proves nothing."""
    previous, reached = head.file, -1
    for content in lines_of(found.checkpoints, found.checkpoints_size):
        row = parsed(content)
        if row is None:
            walk.note("a line of the checkpoints is cut off, as by a crash")
            continue
        number = walk.checkpoints + 1
        signed = content == canonical(row) + b"\n" and witness.knows("checkpoint", row)
        if not signed or row["file"] != head.file:
            raise _Wrong(f"checkpoint {number} was changed, or is of another audit")
        if (row["number"], row["prev"]) != (number, previous) or row["seq"] <= reached:
            raise _Wrong(f"checkpoint {number} was removed or moved")
        walk.checkpoints, previous, reached = number, mark_of(row).sha256, row["seq"]
        yield row
    if walk.checkpoints < head.checkpoint.number:
        raise _Wrong(f"the checkpoints from {walk.checkpoints + 1} on were removed")
