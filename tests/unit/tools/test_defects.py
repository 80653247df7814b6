# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known defects can still be planted: the text that each changes is still there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.defect import Defect
from tools.defects import DEFECTS

ROOT = Path(__file__).parents[3]
SAFETY = ("policy", "plan", "approv", "audit", "redact", "sealed", "private", "person", "gate")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_what_a_defect_changes_is_there(defect: Defect) -> None:
    """Red when code moves on and a defect does not: it would not be planted any more."""
    for file, old, _new in ((defect.file, defect.old, defect.new), *defect.also):
        assert old in (ROOT / file).read_text("utf-8"), file


def test_policy_plans_approvals_and_audit_have_forty() -> None:
    assert sum(any(word in each.file for word in SAFETY) for each in DEFECTS) >= 40
