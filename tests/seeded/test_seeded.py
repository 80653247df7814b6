# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests themselves are tested: each known defect must turn them red."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.seeded import DEFECTS, Defect, caught


@pytest.mark.timeout(200)
@pytest.mark.long
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_a_planted_defect_is_caught(defect: Defect, tmp_path: Path) -> None:
    assert caught(defect, tmp_path)
