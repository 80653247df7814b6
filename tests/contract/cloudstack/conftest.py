# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated cloud for the tests of this folder, reset before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.cloudstack.adapter import CloudStack, start


@pytest.fixture(scope="session")
def started_cloud() -> Iterator[CloudStack]:
    with start() as world:
        yield world


@pytest.fixture
def cloud(started_cloud: CloudStack) -> CloudStack:
    started_cloud.reset()
    return started_cloud
