# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities of Kubernetes as numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: 1000**power for power, letter in enumerate("kMGTPE", 1)}
_SMALL = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)}
_UNITS = {**_BINARY, **_DECIMAL, **_SMALL}
_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+)(?:[eE]([+-]?[0-9]+)|([A-Za-z]*))")


def quantity(text: Any) -> float:
    """Return a quantity as a number; zero where there is none."""
    if text in (None, ""):
        return 0.0
    found = _QUANTITY.fullmatch(str(text))
    if found is None or (found[3] or "") not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    number = Decimal(found[1]).scaleb(int(found[2] or 0))
    return float(number * _UNITS[found[3] or ""])


def is_quantity(text: Any) -> bool:
    """Whether something can be read as a quantity."""
    try:
        quantity(text)
    except ValueError:
        return False
    return True
