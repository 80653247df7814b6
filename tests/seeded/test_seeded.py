# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests themselves are tested: each known defect must turn them red."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.cores import CORES, Core
from tools.defects import DEFECTS, Defect
from tools.seeded import caught, named

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]


def _cases() -> Iterator[Any]:
    for defect in DEFECTS:
        for core in (None, *(CORES if defect.each_core else ())):
            name = f"{defect.name}-{named(core)}" if defect.each_core else defect.name
            yield pytest.param(defect, core, id=name)


@pytest.mark.parametrize(("defect", "core"), list(_cases()))
def test_a_planted_defect_is_caught(defect: Defect, core: Core | None, tmp_path: Path) -> None:
    if core is not None:
        if core.why_not():
            pytest.skip(f"ansible-core {core.line}: {core.why_not()}")
        core.bridge_python()
    assert caught(defect, tmp_path, core)
