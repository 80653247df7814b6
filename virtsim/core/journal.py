# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what a simulator received and applied, the oracle that no client can argue with."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MASK = "********"
SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token(?!_?id)|ticket|api_?key|private|signature|otp$|csrf",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Row:
    """One request: what it was, whether it is a write, whether it took effect.

    ``status`` is None when no answer was sent, ``fault`` names the generic fault it met.
    """

    time: float
    method: str
    path: str
    params: Mapping[str, Any]
    status: int | None
    write: bool
    applied: bool
    user: str | None = None
    fault: str | None = None


class Journal:
    """Rows of requests, oldest first; ``limit`` keeps only the newest (None: all)."""

    def __init__(self, limit: int | None = None) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=limit)
        self._n = 0

    def record(self, row: Row) -> None:
        """Add one row: number it, and make what its keys name secret unreadable."""
        self._n += 1
        self._rows.append({"n": self._n, **vars(row), "params": mask(row.params)})

    def rows(self, *, writes: bool = False) -> list[dict[str, Any]]:
        """Return all rows, or only those of writes (applied or not)."""
        return [row for row in self._rows if row["write"] or not writes]

    def clear(self) -> None:
        """Forget all rows; numbering goes on."""
        self._rows.clear()


def mask(value: Any) -> Any:
    """Return a copy of ``value`` in which what a secret's key names is not readable."""
    if isinstance(value, Mapping):
        return {
            str(key): MASK if SECRET_KEY.search(str(key)) else mask(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask(inner) for inner in value]
    return value
