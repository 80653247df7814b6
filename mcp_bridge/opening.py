# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts plans and approvals together over one store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import __version__, approvals_factor, plan_store
from .approvals import Approvals
from .approvals_factor import Factors
from .audit import Audit
from .config import Config
from .lease import Lease, lives
from .plan_store import PlanStore
from .policy import identity_of
from .private import secret_key
from .sealed import Sealer
from .store import Store
from .tools.applying import Applying
from .tools.planning import Basis, Planner

PARTS = {
    plan_store.PART: plan_store.MIGRATIONS,
    approvals_factor.PART: approvals_factor.MIGRATIONS,
}
_SEAL_KEY, _MAC_KEY = "seal.key", "plans.key"
_DAY = 86_400


def open_approvals(
    config: Config, store: Store, audit: Audit, clock: Callable[[], float] = time.time
) -> tuple[PlanStore, Approvals]:
    """Return the plans of a store and their approvals."""
    sealer = Sealer(config.state_dir / _SEAL_KEY)
    plans = PlanStore(store, sealer)
    factors = Factors(store, sealer, clock)
    return plans, Approvals(plans, factors, audit, config.approval.approval_ttl, clock)


@contextmanager
def open_plans(
    config: Config,
    store: Store,
    audit: Audit,
    leases: Path,
    clock: Callable[[], float] = time.time,
) -> Iterator[tuple[Planner, Applying]]:
    """Give what makes and applies plans; what a dead bridge was applying is uncertain then."""
    plans, approvals = open_approvals(config, store, audit, clock)
    lease = Lease(leases)
    try:
        approvals.settle(lambda name: lives(leases, name), config.approval.keep_days * _DAY)
        basis = Basis(
            version=__version__,
            policy=identity_of(
                config.policy.model_dump(mode="json"), config.flags.read_only,
                config.flags.no_destructive,
            ),
            key=secret_key(config.state_dir / _MAC_KEY),
            plan_ttl=config.approval.plan_ttl,
        )  # fmt: skip
        planner = Planner(plans, approvals, basis, clock)
        yield planner, Applying(plans, approvals, planner, lease.name, clock)
    finally:
        lease.close()
