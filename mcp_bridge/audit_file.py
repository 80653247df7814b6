# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an audit, and how a line is added so that no line can be lost unseen.

Under one lock: the last line is read and held against the head, a checkpoint that is due is
written, then the line, then the head. Whatever fails, the file ends as it began. A file that is
shorter than its head says was cut, and gets no further line: that would cover the traces.

A part that is full gets a last line, a checkpoint of it, and another name, in this order. Whoever
finds a part with a last line, because its writer died, goes on from there.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .audit_parts import (
    CLOSED,
    CONTINUED,
    closed_path,
    last_closed,
    last_line,
    locked,
    number_of,
)
from .audit_proof import (
    SLOT,
    Head,
    Mark,
    Signer,
    canonical,
    head_file,
    heads_of,
    line_digest,
    mark_of,
    parsed,
    written,
)
from .private import open_private, sync_folder

_TAIL = 65_536
_CUT = (
    "it ends at line {found} but line {head} was written: lines were removed or replaced. Restore "
    "it, or move it, its .head and its .checkpoints away together to begin a new audit"
)


@dataclass(frozen=True)
class Places:
    """Where the files of an audit are, and when a checkpoint is made and a part is full."""

    log: Path
    head: Path
    checkpoints: Path
    key: Path
    every: int = 1000
    seconds: float = 3600.0
    rotate_bytes: int = 0

    @classmethod
    def beside(cls, log: Path, **given: Any) -> Places:
        """Return the places of an audit file with all other parts next to it, but those given."""
        parts = {part: log.with_suffix(f".{part}") for part in ("head", "checkpoints", "key")}
        return cls(log, **(parts | {name: each for name, each in given.items() if each}))


@dataclass
class _End:
    """How the audit ends now: its last line, what a crash left after it, and its head.

    ``event`` is that of the file's own last line; where it has none, ``part`` is the number of the
    closed part before it.
    """

    seq: int
    sha256: str
    torn: bytes
    head: Head
    event: str = ""
    part: int = 0


class Ledger:
    """Adds lines to an audit; several processes may share it when they share its key."""

    def __init__(self, places: Places, signer: Signer) -> None:
        self._places = places
        self._signer = signer
        # What this process wrote last needs no second look at its signatures.
        self._own: tuple[bytes, Head] | None = None

    def append(self, row: dict[str, Any]) -> None:
        """Add one line. Raises OSError or ValueError; then nothing was added."""
        with self._open_part() as (log, end):
            self._add(log, end, row)

    def rotate(self, row: dict[str, Any]) -> int | None:
        """Close the part that is written now and begin the next one; ``row`` is in its last line.

        Return the number of the closed part, None where there was no line to close. Raises OSError
        or ValueError; then the next line that is added goes on with it.
        """
        if not self._places.log.exists():
            return None
        with locked(self._places.log) as log:
            end = self._end(log)
            number = None if end.event in ("", CONTINUED) else self._close_part(log, end, row)
        with self._open_part():
            return number

    def close(self) -> None:
        """Make a checkpoint of what was added since the last one; nothing is made of nothing."""
        if not self._places.log.exists():
            return
        with locked(self._places.log) as log:
            self._sign(self._end(log))

    @contextmanager
    def _open_part(self) -> Iterator[tuple[int, _End]]:
        """Give the part that can have one more line, locked, and how it ends."""
        while True:
            with locked(self._places.log) as log:
                end = self._end(log)
                full = 0 < self._places.rotate_bytes <= os.fstat(log).st_size
                if end.event != CLOSED and not (full and end.event):
                    if end.part:
                        self._add(log, end, {"event": CONTINUED, "part": end.part + 1})
                        sync_folder(self._places.log.parent)
                    yield log, end
                    return
                self._close_part(log, end, {})

    def _close_part(self, log: int, end: _End, row: dict[str, Any]) -> int:
        """Give a part its last line, sign that, and move the part away."""
        number = number_of(log)
        path = closed_path(self._places.log, number)
        if path.exists():
            raise ValueError(f"{path} is there already; move it away")
        if end.event != CLOSED:
            self._add(log, end, {"event": CLOSED, **row, "part": number, "next": number + 1})
        self._sign(end)
        self._places.log.rename(path)
        sync_folder(path.parent)
        return number

    def _add(self, log: int, end: _End, row: dict[str, Any]) -> None:
        """Add a line to a locked file, and make ``end`` name it."""
        if self._due(end):
            self._checkpoint(end)
        before = os.fstat(log).st_size
        try:
            sha256 = self._write(log, end, row)
            head = replace(end.head, seq=end.seq + 1, sha256=sha256)
            self._put_head(head)
        except OSError:
            # Half a line would be read as damage; the file ends as it began.
            os.ftruncate(log, before)
            raise
        end.seq, end.sha256, end.torn, end.head = head.seq, sha256, b"", head
        end.event, end.part = row["event"], 0

    def _sign(self, end: _End) -> None:
        """Make a checkpoint of the last line, unless there is one."""
        if end.seq > end.head.checkpoint.seq:
            self._checkpoint(end)
            self._put_head(replace(end.head, seq=end.seq, sha256=end.sha256))

    def _write(self, log: int, end: _End, row: dict[str, Any]) -> str:
        whole = {
            **row,
            "seq": end.seq + 1,
            "time": _now(),
            # The clock may jump; within one boot this never goes back.
            "mono": round(time.monotonic(), 3),
            "prev": end.sha256,
        }
        if end.torn:
            whole["repaired"] = hashlib.sha256(end.torn.rstrip(b"\n")).hexdigest()
        whole["mac"] = self._signer.line(whole)
        whole["sha256"] = line_digest(whole)
        text = written(whole)
        _all(log, b"\n" + text if end.torn and not end.torn.endswith(b"\n") else text)
        os.fdatasync(log)
        return str(whole["sha256"])

    def _end(self, log: int) -> _End:
        last, torn = last_line(log)
        event, part = (last.get("event", ""), 0) if last else ("", 0)
        if last is None:
            part, last = last_closed(self._places.log)
        head = self._head()
        if head is None:
            if last is not None or torn:
                raise ValueError(f"{self._places.head} is missing, which says where it ends")
            return self._begun()
        seq, sha256 = (last["seq"], last["sha256"]) if last else (0, head.file)
        if seq < head.seq or (seq == head.seq and sha256 != head.sha256):
            raise ValueError(_CUT.format(found=seq, head=head.seq))
        # Beyond the head is what was written before a crash; only the key can have marked it.
        if seq > head.seq and last is not None and last.get("mac") != self._signer.line(last):
            raise ValueError(f"line {seq} was not written by virtbridge")
        return _End(seq, sha256, torn, head, event, part)

    def _begun(self) -> _End:
        """Give a new file its id, and its head before its first line."""
        name = secrets.token_hex(32)
        head = Head(name, 0, name, Mark(0, 0, name, _now()))
        self._put_head(head, os.O_CREAT)
        sync_folder(self._places.head.parent)
        sync_folder(self._places.log.parent)
        return _End(0, name, b"", head)

    def _head(self) -> Head | None:
        """Return the head, or None when there is none yet."""
        try:
            place = open_private(self._places.head, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(place, "rb") as file:
            content = file.read(2 * SLOT + 1)
        if self._own and content == self._own[0]:
            return self._own[1]
        heads = heads_of(content, self._signer)
        return heads[-1] if heads else None

    def _put_head(self, head: Head, flags: int = 0) -> None:
        content = head_file(head, self._signer)
        place = open_private(self._places.head, os.O_WRONLY | flags)
        try:
            _all(place, content)
        finally:
            os.close(place)
        self._own = content, head

    def _due(self, end: _End) -> bool:
        mark = end.head.checkpoint
        age = _seconds(_now()) - _seconds(mark.time)
        # A clock that was set back must not put checkpoints off.
        late = age >= self._places.seconds or age < -1
        return end.seq > mark.seq and (late or end.seq - mark.seq >= self._places.every)

    def _checkpoint(self, end: _End) -> None:
        """Add a checkpoint of the last line, and make ``end`` name it."""
        path = self._places.checkpoints
        place = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            mark, torn = self._last_checkpoint(place, end.head)
            if mark.seq == end.seq:
                end.head = replace(end.head, checkpoint=mark)
                return
            row = {"number": mark.number + 1, "file": end.head.file, "seq": end.seq}
            row |= {"sha256": end.sha256, "time": _now(), "prev": mark.sha256}
            row = self._signer.signed("checkpoint", row)
            before = os.fstat(place).st_size
            try:
                _all(place, (b"\n" if torn else b"") + canonical(row) + b"\n")
                os.fdatasync(place)
            except OSError:
                os.ftruncate(place, before)
                raise
        finally:
            os.close(place)
        end.head = replace(end.head, checkpoint=mark_of(row))

    def _last_checkpoint(self, place: int, head: Head) -> tuple[Mark, bool]:
        """Return the last checkpoint; several crashes may have kept several out of the head."""
        size = os.fstat(place).st_size
        tail = os.pread(place, _TAIL, max(0, size - _TAIL))
        *lines, torn = tail.split(b"\n")
        row = parsed(lines[-1]) if lines else None
        newer = (
            row is not None
            and self._signer.knows("checkpoint", row)
            and row["file"] == head.file
            and row["number"] > head.checkpoint.number
        )
        return (mark_of(row) if row and newer else head.checkpoint), bool(torn)


def _all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()
