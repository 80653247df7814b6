# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a planted defect is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """A piece of text that becomes another, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    also: tuple[tuple[str, str, str], ...] = ()
    """More changes (file, old, new), where further lines of defence would hide the first."""
    each_core: str = ""
    """On each core: which of the tests (as pytest's ``-k``), and not one of them may pass."""
