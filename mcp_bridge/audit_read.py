# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an audit: the latest decisions with what became of them, or every line in its order.

Nothing is proven here, see `audit_verify`; what is no record is passed over.
"""

from __future__ import annotations

import datetime
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .audit_parts import Part, opened, record

# Of the lines behind a cursor so much is looked at for the outcomes of what is before it.
_BEHIND = 1 << 18
_BLOCK = 1 << 16
_MOST_OPEN = 10_000
_MOST_READ = 200_000
# A place is the number of a part and how far in it a line begins, in one number.
_PART = 36
_OUTCOME = ("status", "changed", "error", "milliseconds", "how", "diff_sha256", "parts")


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for; what is empty asks for all."""

    since: float = 0.0
    until: float = math.inf
    principal: str = ""
    tool: str = ""
    target: str = ""
    risk: str = ""
    event: str = ""
    run_id: str = ""
    decision: str = ""

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a line is one of these."""
        for part in ("principal", "tool", "risk", "event", "run_id", "decision"):
            asked = getattr(self, part)
            if asked and row.get(part) != asked:
                return False
        if self.target and self.target not in (row.get("targets") or ()):
            return False
        return self.since <= _time(row) <= self.until


@dataclass(frozen=True)
class Found:
    """Decisions, the latest first, each with its place; ``more`` is where to go on, if anywhere."""

    rows: tuple[dict[str, Any], ...]
    places: tuple[int, ...]
    more: int | None


def decisions(path: Path, wanted: Wanted, limit: int, before: int | None = None) -> Found:
    """Return the latest decisions and steps of plans, each with the outcome of its run.

    ``before`` is a place from `Found`. Not more than some hundred thousand lines are read at once.
    """
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    with ExitStack() as files:
        parts = opened(path, files)
        outcomes, last = _behind(parts, before), before
        for count, (place, row) in enumerate(_backwards(parts, before)):
            if len(rows) == limit or count == _MOST_READ:
                return Found(tuple(rows), tuple(places), last)
            last = place
            if row["event"] == "outcome":
                _keep(outcomes, row)
                if wanted.event != "outcome":
                    continue
            elif row["event"] == "intent":
                row.update(outcomes.get(str(row.get("run_id")), {}))
            if wanted.takes(row):
                rows.append(row)
                places.append(place)
    return Found(tuple(rows), tuple(places), None)


def every(lines: Iterable[bytes], wanted: Wanted) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield the lines that are asked for, in their order, with the outcomes of their runs."""
    runs: OrderedDict[str, None] = OrderedDict()
    for line in lines:
        row = record(line)
        if row is None:
            continue
        run_id = str(row.get("run_id"))
        if wanted.takes(row):
            runs[run_id] = None
            if len(runs) > _MOST_OPEN:
                runs.popitem(last=False)
        elif row.get("event") != "outcome" or run_id not in runs or wanted.event:
            continue
        yield line, row


def _keep(outcomes: OrderedDict[str, dict[str, Any]], row: Mapping[str, Any]) -> None:
    outcomes[str(row.get("run_id"))] = {key: row[key] for key in _OUTCOME if key in row}
    if len(outcomes) > _MOST_OPEN:
        outcomes.popitem(last=False)


def _behind(parts: Sequence[Part], place: int | None) -> OrderedDict[str, dict[str, Any]]:
    """Return the outcomes that stand right behind a place."""
    outcomes: OrderedDict[str, dict[str, Any]] = OrderedDict()
    left = 0 if place is None else _BEHIND
    for part in parts:
        offset = max(0, (place or 0) - _base(part))
        if offset >= part.size:
            continue
        part.file.seek(offset)
        content = part.file.read(left)
        left -= len(content)
        for line in content.split(b"\n"):
            row = record(line)
            if row is not None and row.get("event") == "outcome":
                _keep(outcomes, row)
    return outcomes


def _base(part: Part) -> int:
    return (part.number - 1) << _PART


def _backwards(parts: Sequence[Part], before: int | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the records before a place from the last to the first, with where each begins."""
    for part in reversed(parts):
        base = _base(part)
        end = part.size if before is None else min(before - base, part.size)
        for place, row in _backwards_in(part.file, end):
            yield base + place, row


def _backwards_in(file: IO[bytes], end: int) -> Iterator[tuple[int, dict[str, Any]]]:
    rest = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        file.seek(start)
        block = file.read(end - start) + rest
        lines = block.split(b"\n")
        # The first may have begun in the block before.
        rest = lines.pop(0) if start else b""
        place = start + len(block)
        for line in reversed(lines):
            place -= len(line)
            row = record(line)
            if row is not None and "event" in row:
                yield place, row
            place -= 1
        end = start


def _time(row: Mapping[str, Any]) -> float:
    try:
        return datetime.datetime.fromisoformat(str(row.get("time"))).timestamp()
    except ValueError:
        return 0.0
