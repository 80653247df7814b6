# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated cluster for the tests of this folder, reset before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.kubevirt.adapter import KubeVirt, start


@pytest.fixture(scope="session")
def started_cluster() -> Iterator[KubeVirt]:
    with start() as world:
        yield world


@pytest.fixture
def cluster(started_cluster: KubeVirt) -> KubeVirt:
    started_cluster.reset()
    return started_cluster
