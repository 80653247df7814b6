# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcp.conftest import Bridge


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    """Return a bridge without targets."""
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    return Bridge(folder)
