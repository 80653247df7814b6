# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delete that is cancelled while its module still reads is never sent, on any platform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.errands import World, world
from tests.faults.served import KINDS
from tests.mcp.conftest import until
from tests.runner import tree

# One byte of an answer at a time: the module gets it, in the end, and would go on.
SLOW = {"chunk": 8, "pause": 0.05}
_BOUND = 5.0
KINDS_FIRST = [
    pytest.param(kind, marks=() if kind == "warm" else pytest.mark.long) for kind in KINDS
]


@pytest.fixture(scope="module", params=KINDS_FIRST)
def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Any]:
    with world(tmp_path_factory.mktemp("cancel"), request.param, latency=0.0) as running:
        yield running


def left(made: World) -> set[int]:
    """Return the processes of runs."""
    return {pid for pid in tree.marked(made.home) - made.served.own() if tree.alive(pid)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", [pytest.param("timeout", marks=pytest.mark.long), "slow"])
@pytest.mark.parametrize("platform", ["cloudstack", "kubevirt", "proxmox"])
def test_a_cancelled_delete_is_never_sent(made: World, platform: str, fault: str) -> None:
    """Red when only the command is ended: the module reads to the end of its answer, and deletes.

    The first calls see that it does, where nobody cancels.
    """
    control = made.sims[platform].control
    made.fresh(platform)
    delete = {"ref": made.refs[platform, "web1"], "force": True}
    if fault == "slow":
        assert made.served.asked("vm_delete", **delete)["status"] == "changed"
        assert control.writes()
        made.fresh(platform)
    control.fault(fault, count=0, **(SLOW if fault == "slow" else {}))
    number = made.served.call("vm_delete", **delete)
    until(lambda: any(not row["path"].startswith("/_sim") for row in control.journal()), 30)
    made.served.cancel(number)
    until(lambda: not left(made), _BOUND)
    until(lambda: made.bridge.audit("outcome")[-1]["status"] == "canceled")
    control.clear_faults()
    assert made.served.asked("vm_get", ref=delete["ref"])["ok"]
    assert control.writes() == []
    assert made.bridge.audit("outcome")[-2]["status"] == "canceled"
