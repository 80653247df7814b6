# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check of the installation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and what to do about it when it is not ok.

    ``fail`` means that calls do not work, or are not safe; ``warn`` that something is worse than
    it could be.
    """

    name: str
    verdict: Verdict
    words: str
    mend: str = ""


def ok(name: str, words: str) -> Finding:
    """Return that nothing is wrong."""
    return Finding(name, "ok", words)


def warn(name: str, words: str, mend: str) -> Finding:
    """Return that something could be better."""
    return Finding(name, "warn", words, mend)


def fail(name: str, words: str, mend: str) -> Finding:
    """Return that something is broken."""
    return Finding(name, "fail", words, mend)
