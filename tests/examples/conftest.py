# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks run here as in the integration tests, on this environment's ansible-core alone."""

from __future__ import annotations

import pytest

from tests.integration.conftest import play, playbook_command, tree

__all__ = ["core", "play", "playbook_command", "tree"]


@pytest.fixture
def core() -> None:
    """The other lines run the real modules; what differs there is not in the examples."""
