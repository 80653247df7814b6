# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One world per platform, kept for the session and reset before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.support.world import World, start
from tools.declarations import Declared

Worlds = Callable[[Declared], World]


@pytest.fixture(scope="session")
def started() -> Iterator[Worlds]:
    running: dict[str, World] = {}
    with ExitStack() as stack:

        def world_of(declared: Declared) -> World:
            if declared.platform not in running:
                running[declared.platform] = stack.enter_context(start(declared.platform))
            return running[declared.platform]

        yield world_of


@pytest.fixture
def world(started: Worlds, declared: Declared) -> World:
    """The world of the declaration under test, as seeded."""
    found = started(declared)
    found.reset()
    return found
