# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run takes, each way, on this machine: a platform's real modules against a simulator.

The ways are measured in turn, so that a busy machine is equally busy for all; trust the ratios
more than the milliseconds. A run of one module is a playbook of one task, as every run of the
bridge is.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from .bench_lab import AT_ONCE, INFO_MODULES, WAYS, BenchFailed, Lab, Work
from .bench_play import costs

__all__ = ["PLATFORMS", "Bench", "BenchFailed", "run_bench"]
PLATFORMS = tuple(INFO_MODULES)


class Bench:
    """The figures of one platform; ``calls`` of each way are measured.

    Those of the write of an unchanged machine begin with ``vm_``, those of a read with nothing.
    """

    def __init__(self, platform: str, calls: int, running: ExitStack) -> None:
        self.calls = calls
        self._lab = Lab(platform, running)
        begin = time.perf_counter()
        if not self._lab.warm.ready(60):
            raise BenchFailed("the fork server did not start; virtbridge -v serve says why")
        self.ready_ms = (time.perf_counter() - begin) * 1000
        self._info, self._vm = self._lab.works()

    def measure(self) -> dict[str, Any]:
        """Return all figures: milliseconds, runs in a second, MiB, and their ratios."""
        figures: dict[str, Any] = {"platform": self._lab.platform, "calls": self.calls}
        for name, times in self._in_turn().items():
            figures |= _summary("vm_" if name == self._vm.name else "", times)
        cold = self._throughput("cold_ansiballz", AT_ONCE)
        warm = self._throughput("warm_direct", max(AT_ONCE, 2 * self.calls))
        figures |= {"throughput_8_per_s": round(warm, 1), "throughput_8_ratio": _ratio(warm, cold)}
        figures["private_mb_per_run"] = self._memory()
        for prefix, work in (("", self._info), ("vm_", self._vm)):
            for part, cost in costs(self._lab, work, self.calls):
                figures[f"{prefix}{part}_ms"] = cost
        # The last one, because it makes the simulator forget what the others changed.
        return figures | {"cancel_ms": self._cancel(), "ready_ms": round(self.ready_ms)}

    def _in_turn(self) -> dict[str, dict[str, list[float]]]:
        works = (self._info, self._vm)
        times: dict[str, dict[str, list[float]]] = {
            work.name: {way: [] for way in WAYS} for work in works
        }
        for turn in range(self.calls + 1):
            for work in works:
                for way in WAYS:
                    begin = time.perf_counter()
                    self._lab.run(way, work)
                    if turn:
                        times[work.name][way].append((time.perf_counter() - begin) * 1000)
        return times

    def _throughput(self, way: str, runs: int) -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda _number: self._lab.run(way, self._info), range(runs)))
        return runs / (time.perf_counter() - begin)

    def _memory(self) -> float:
        """Return the private memory of what one run forks, at its largest."""
        return max(self._memory_of(work) for work in (self._info, self._vm))

    def _memory_of(self, work: Work) -> float:
        ended, most = threading.Event(), [0.0]

        def look() -> None:
            while not ended.is_set():
                most[0] = max(most[0], _private_of_runs(os.getpid()))

        watching = threading.Thread(target=look)
        watching.start()
        try:
            for _turn in range(3):
                self._lab.run("warm_direct", work)
        finally:
            ended.set()
            watching.join()
        return round(most[0] / 1024, 1)

    def _cancel(self) -> int:
        """Return how long a run lives on that waits for its platform, once it is cancelled."""
        sim = self._lab.sim
        sim.control.reset()
        sim.control.fault("timeout", path="/(api2|client|apis)", count=0)
        cancelled = threading.Event()
        running = threading.Thread(
            target=self._lab.run, args=("warm_direct", self._info, cancelled)
        )
        running.start()
        until = time.monotonic() + 30
        while not sim.control.journal() and time.monotonic() < until:
            time.sleep(0.01)
        begin = time.perf_counter()
        cancelled.set()
        running.join()
        taken = (time.perf_counter() - begin) * 1000
        sim.control.reset()
        return round(taken)


def run_bench(platforms: Sequence[str], calls: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each platform. Raises BenchFailed when a run does not succeed."""
    for platform in platforms:
        with ExitStack() as running:
            yield Bench(platform, calls, running).measure()


def _summary(prefix: str, times: dict[str, list[float]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for way, taken in times.items():
        figures[f"{prefix}{way}_p50_ms"] = round(statistics.median(taken))
        figures[f"{prefix}{way}_p95_ms"] = round(sorted(taken)[int(0.95 * (len(taken) - 1))])
    cold, warm = (figures[f"{prefix}{way}_p50_ms"] for way in ("cold_ansiballz", "warm_direct"))
    return figures | {f"{prefix}ratio_p50": _ratio(cold, warm)}


def _ratio(one: float, other: float) -> float:
    return round(one / other, 1) if other else 0.0


def _private_of_runs(root: int) -> float:
    """Return the private memory of what the children of a process have forked, in KiB."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                status = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                children.setdefault(int(status[1]), []).append(int(folder.name))
    total = 0.0
    waiting = [pid for server in children.get(root, ()) for pid in children.get(server, ())]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, ())
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            mine = [line.split()[1] for line in lines if line.startswith("Private_Dirty:")]
            total += sum(map(float, mine))
    return total
