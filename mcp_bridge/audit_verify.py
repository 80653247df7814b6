# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves an audit from its first line to its last, in the memory of one line.

The chain shows a change inside; the head shows lines that were cut off; the checkpoints show a
file that was written anew, also when they were kept elsewhere. With the key itself each line's
mark is checked too, which shows lines that were added.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .audit_file import Places, record
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

# Longer than any line that is ever written.
_LONGEST = 1 << 20
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
    torn: str = ""
    time: str = ""
    checkpoints: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep what is odd and no proof of a change; not without end."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(text)


def verify(places: Places, witness: Witness) -> Checked:
    """Check an audit as it is when this begins; what is added meanwhile is not looked at.

    ``witness`` is the public key, or the `Signer` itself, which proves more. A line that a crash
    cut off is accepted only where the next line says so by its hash.
    """
    walk, problem = _Walk(""), ""
    try:
        _prove(places, walk, witness)
    except _Wrong as error:
        problem = str(error)
    return Checked(walk.number, problem, walk.checkpoints, tuple(walk.notes))


def _prove(places: Places, walk: _Walk, witness: Witness) -> None:
    with ExitStack() as files:
        view = _opened(places, files)
        if view is not None:
            _check(view, walk, witness)


def public_key(places: Places, given: Path | None) -> Witness:
    """Return who proves an audit: a public key that was given, or the key itself.

    Raises OSError and ValueError; nothing is ever made.
    """
    if given is not None:
        return Witness.of_pem(given.read_bytes())
    descriptor = open_private(places.key, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        return Signer(file.read())


@dataclass
class _View:
    """The files as they were at one moment."""

    log: IO[bytes]
    size: int
    head: bytes
    checkpoints: IO[bytes] | None
    checkpoints_size: int


def _opened(places: Places, files: ExitStack) -> _View | None:
    log = _file(places.log, files)
    if log is None:
        if places.head.exists() or places.checkpoints.exists():
            raise _Wrong(f"{places.log} is missing, and was there")
        return None
    # Shared: who only reads must not keep anybody from writing for long.
    fcntl.flock(log, fcntl.LOCK_SH)
    checkpoints = _file(places.checkpoints, files)
    head = places.head.read_bytes() if places.head.exists() else b""
    sizes = [os.fstat(each.fileno()).st_size if each else 0 for each in (log, checkpoints)]
    fcntl.flock(log, fcntl.LOCK_UN)
    return _View(log, sizes[0], head, checkpoints, sizes[1])


def _file(path: Path, files: ExitStack) -> IO[bytes] | None:
    try:
        return files.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None


def _check(view: _View, walk: _Walk, witness: Witness) -> None:
    try:
        heads = heads_of(view.head, witness)
    except ValueError as error:
        raise _Wrong(str(error)) from error
    if not heads:
        if view.size or view.checkpoints_size:
            raise _Wrong("the head is missing")
        return
    head = heads[-1]
    walk.previous = head.file
    checkpoints = _checkpoints(view, head, walk, witness)
    due = next(checkpoints, None)
    for number, row in _rows(view, walk):
        _hold(row, number, head, witness)
        while due is not None and due["seq"] == row["seq"]:
            if due["sha256"] != row["sha256"]:
                raise _Wrong(
                    f"line {number} is not the one that checkpoint {due['number']} speaks of"
                )
            due = next(checkpoints, None)
    if walk.number < head.seq or due is not None:
        last = max(head.seq, due["seq"] if due else 0)
        raise _Wrong(f"the lines from {walk.number + 1} to {last} were removed")
    if walk.number > head.seq:
        walk.note(f"a crash came before the head could name line {head.seq + 1}")
    if walk.torn:
        raise _Wrong("the last line is cut off, as by a crash; the next line will name it")


def _hold(row: Mapping[str, Any], number: int, head: Head, witness: Witness) -> None:
    """Hold a line against its mark and against the head."""
    if row["seq"] == head.seq and row["sha256"] != head.sha256:
        raise _Wrong(f"line {number} is not the one that the head speaks of: lines were replaced")
    if isinstance(witness, Signer):
        if row.get("mac") != witness.line(row):
            raise _Wrong(f"line {number} was not written by virtbridge")
    elif row["seq"] > head.seq:
        raise _Wrong(f"line {number} comes after the head, so only the key itself can prove it")


def _rows(view: _View, walk: _Walk) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines that follow each other, with their numbers in the file."""
    for line, content in enumerate(_lines(view.log, view.size), start=1):
        row = record(content)
        if row is None:
            if walk.torn:
                raise _Wrong(f"line {line} is not a record")
            walk.torn = hashlib.sha256(content.rstrip(b"\n")).hexdigest()
            continue
        problem = _problem(row, walk) or ("" if content == written(row) else "was changed")
        if problem:
            raise _Wrong(f"line {line} {problem}")
        if str(row.get("time")) < walk.time:
            walk.note(f"the clock was set back before line {line}")
        yield line, row
        walk.previous, walk.number, walk.torn = row["sha256"], row["seq"], ""
        walk.time = str(row.get("time"))


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
    view: _View, head: Head, walk: _Walk, witness: Witness
) -> Iterator[dict[str, Any]]:
    """Yield the checkpoints in their order, each checked; a torn one proves nothing."""
    previous, reached = head.file, -1
    for content in _lines(view.checkpoints, view.checkpoints_size):
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


def _lines(file: IO[bytes] | None, size: int) -> Iterator[bytes]:
    """Yield the lines of the first ``size`` bytes; what is too long for a line comes in parts."""
    while file is not None and (content := file.readline(min(size, _LONGEST))):
        size -= len(content)
        yield content
