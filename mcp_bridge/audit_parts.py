# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an audit: those that were closed, and the file that lines are added to.

A closed part has the audit's name with its number (`audit.0001.jsonl`). All parts are one chain:
the last line of a part says that it is the last, the first line of the next one has its hash.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .audit_proof import parsed
from .private import open_private

CLOSED, CONTINUED = "rotated", "continued"
"""The events of the last line of a closed part, and of the first line of the one after it."""
_TAIL = 65_536
# Longer than any line that is ever written.
LONGEST = 1 << 20


@dataclass(frozen=True)
class Part:
    """One part, open to be read; ``size`` is how much of it there was when it was opened."""

    number: int
    path: Path
    file: IO[bytes]
    size: int

    def lines(self) -> Iterator[bytes]:
        """Yield its lines from the first."""
        self.file.seek(0)
        yield from lines_of(self.file, self.size)


@dataclass(frozen=True)
class View:
    """All files of an audit as they were at one moment; ``log`` is where it is written now."""

    log: Path
    parts: tuple[Part, ...]
    head: bytes
    checkpoints: IO[bytes] | None
    checkpoints_size: int


def closed_path(log: Path, number: int) -> Path:
    """Return where a part is once it is closed."""
    return log.with_name(f"{log.stem}.{number:04d}{log.suffix}")


def closed(log: Path) -> list[tuple[int, Path]]:
    """Return the closed parts of an audit file with their numbers, the oldest first."""
    form = re.compile(rf"{re.escape(log.stem)}\.([0-9]{{4,9}}){re.escape(log.suffix)}")
    try:
        found = [form.fullmatch(path.name) for path in log.parent.iterdir()]
    except FileNotFoundError:
        return []
    numbers = sorted({int(each[1]) for each in found if each})
    # Of several forms of a number one is a name that a part is given.
    paths = [(number, closed_path(log, number)) for number in numbers]
    return [(number, path) for number, path in paths if path.exists()]


def opened(log: Path, files: ExitStack) -> tuple[Part, ...]:
    """Open all parts to read them; one that is closed meanwhile comes once."""
    now = _file(log, files)
    parts = _closed_parts(log, files)
    if now is not None and not any(_same(now, part.file) for part in parts):
        parts.append(_part(number_of(now, _next(parts)), log, now))
    return tuple(parts)


def view(log: Path, head: Path, checkpoints: Path, files: ExitStack) -> View:
    """Open all files as they are at one moment, between two lines; writers wait for that."""
    while True:
        with ExitStack() as tried:
            now = _file(log, tried)
            if now is not None:
                # Shared: who only reads must not keep anybody from writing for long.
                fcntl.flock(now, fcntl.LOCK_SH)
            names = closed(log)
            parts = _closed_parts(log, tried)
            if now is not None:
                parts.append(_part(number_of(now, _next(parts)), log, now))
            signed = _file(checkpoints, tried)
            size = os.fstat(signed.fileno()).st_size if signed else 0
            content = head.read_bytes() if head.exists() else b""
            # Nobody closes a part that is locked; without one the next may have been begun.
            if names == closed(log) and is_at(now, log):
                if now is not None:
                    fcntl.flock(now, fcntl.LOCK_UN)
                files.enter_context(tried.pop_all())
                return View(log, tuple(parts), content, signed, size)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Give the file at a path, locked; not one that was closed while its lock was waited for."""
    while True:
        descriptor = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def is_at(file: IO[bytes] | int | None, path: Path) -> bool:
    """Whether an open file is still the one at a path; None is where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return file is None
    return file is not None and os.path.samestat(os.stat(_descriptor(file)), status)


def number_of(log: IO[bytes] | int, otherwise: int = 1) -> int:
    """Return the number of the part that an open file holds, where its first line says it."""
    row = first_line(log)
    part = row.get("part") if row and row.get("event") == CONTINUED else None
    return part if isinstance(part, int) else otherwise


def first_line(log: IO[bytes] | int) -> dict[str, Any] | None:
    """Return the first whole record of an open file."""
    content = os.pread(_descriptor(log), LONGEST, 0)
    # What a crash left may stand before it.
    return next((row for line in content.splitlines() if (row := record(line))), None)


def last_line(log: int) -> tuple[dict[str, Any] | None, bytes]:
    """Return the last whole record of an open file, and what a crash left after it."""
    size, reach = os.fstat(log).st_size, _TAIL
    while size:
        start = max(0, size - reach)
        lines = os.pread(log, size - start, start).split(b"\n")
        tail, whole = lines[-1], lines[1 if start else 0 : -1]
        for index in range(len(whole) - 1, -1, -1):
            row = record(whole[index])
            if row is not None:
                return row, b"\n".join([*whole[index + 1 :], tail])
        if start == 0:
            return None, b"\n".join([*whole, tail])
        reach *= 4
    return None, b""


def last_closed(log: Path) -> tuple[int, dict[str, Any] | None]:
    """Return the number and the last line of the newest closed part, 0 where there is none.

    Raises OSError, and ValueError when its last line is not that of a closed part.
    """
    parts = closed(log)
    if not parts:
        return 0, None
    number, path = parts[-1]
    place = open_private(path, os.O_RDONLY)
    try:
        row = last_line(place)[0]
    finally:
        os.close(place)
    if row is None or row.get("event") != CLOSED:
        raise ValueError(f"{path} has lost its end")
    return number, row


def record(line: bytes) -> dict[str, Any] | None:
    """Return the record that a line holds, or None when it holds none."""
    row = parsed(line)
    if row is None or not isinstance(row.get("sha256"), str) or not isinstance(row.get("seq"), int):
        return None
    return row


def lines_of(file: IO[bytes] | None, size: int) -> Iterator[bytes]:
    """Yield the lines of the first ``size`` bytes; what is too long for a line comes in pieces."""
    while file is not None and (content := file.readline(min(size, LONGEST))):
        size -= len(content)
        yield content


def _closed_parts(log: Path, files: ExitStack) -> list[Part]:
    return [
        _part(number, path, files.enter_context(path.open("rb"))) for number, path in closed(log)
    ]


def _next(parts: list[Part]) -> int:
    return parts[-1].number + 1 if parts else 1


def _part(number: int, path: Path, file: IO[bytes]) -> Part:
    return Part(number, path, file, os.fstat(file.fileno()).st_size)


def _file(path: Path, files: ExitStack) -> IO[bytes] | None:
    try:
        return files.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None


def _descriptor(file: IO[bytes] | int) -> int:
    return file if isinstance(file, int) else file.fileno()


def _same(one: IO[bytes], other: IO[bytes]) -> bool:
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))
