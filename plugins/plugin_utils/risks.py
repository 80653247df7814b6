# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The risk class of a raw call: what the catalog says of it, raised by its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RISKS = ("read", "write", "disruptive", "destructive")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def truth(value: Any) -> bool | None:
    """Return what a spelling of yes or no means, None for anything else."""
    word = str(value).lower()
    return True if word in _TRUE else False if word in _FALSE else None


def risk_of(record: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return the risk class of a call with these parameters."""
    worst = RISKS.index(record["risk"])
    for rule in record.get("raise", ()):
        value = given.get(rule["param"])
        if value is not None and ("when" not in rule or _equal(value, rule["when"])):
            worst = max(worst, RISKS.index(rule["to"]))
    return RISKS[worst]


def _equal(value: Any, when: Any) -> bool:
    return truth(value) is when if isinstance(when, bool) else str(value) == str(when)
