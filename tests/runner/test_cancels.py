# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run lives on once it is cancelled, with each back end; for a machine that is quiet."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import pytest

from tests import results

_CANCELS = 20
_MOST_MS = 500


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_cancelled_run_ends_within_half_a_second(bench: Any, tools: Any) -> None:
    """Red when a back end only looks now and then whether its run is cancelled."""
    taken = sorted(_cancelled(bench, tools) for _turn in range(_CANCELS))
    figures = {"cancels": _CANCELS, "p50_ms": round(statistics.median(taken))}
    results.record(f"cancel-{bench.kind}", figures | {"most_ms": round(taken[-1])})
    assert taken[-1] <= _MOST_MS


def _cancelled(bench: Any, tools: Any) -> float:
    """Return for how many milliseconds a module and all above it lived on."""
    reached = bench.folder / "alive-lab"
    reached.unlink(missing_ok=True)
    cancelled = threading.Event()
    job = bench.job(args={"mode": "linger", "folder": str(bench.folder)})
    running = threading.Thread(target=bench.run, args=(job,), kwargs={"cancelled": cancelled})
    running.start()
    tools.wait_for(reached.exists)
    begin = time.perf_counter()
    cancelled.set()
    running.join()
    taken = (time.perf_counter() - begin) * 1000
    assert tools.processes_of(job.run_id) == []
    return taken
