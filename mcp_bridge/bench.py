# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run takes, each way, on this machine: the real info module against a simulator.

The ways are measured in turn, so that a busy machine is equally busy for all; trust the ratios
more than the milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

import virtsim

from . import policy
from .cli_demo import LOGINS
from .runner.base import Executor, Job, Outcome
from .runner.cold import ColdSettings, LocalCold
from .runner.warm import LocalWarm
from .targets import Target, load

MODULES = {
    "proxmox": "proxmox_vm_info",
    "cloudstack": "cloudstack_instance_info",
    "kubevirt": "kubevirt_vm_info",
}
WAYS = ("cold_ansiballz", "cold_direct", "warm_direct")
_AT_ONCE = 8
_TASKS = 10


class BenchFailed(Exception):
    """A run did not succeed, so that its time says nothing."""


class Bench:
    """One simulator, and a back end for each way; ``calls`` of each are measured."""

    def __init__(self, platform: str, calls: int, running: ExitStack) -> None:
        self.platform, self.calls = platform, calls
        self._folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self._sim = running.enter_context(virtsim.start(platform, seed="small"))
        self._target = self._written()
        settings = ColdSettings(state_dir=self._folder / "state", concurrency=_AT_ONCE)
        warm = LocalWarm(settings)
        self._ways: Mapping[str, Executor] = {
            "cold_ansiballz": LocalCold(replace(settings, direct=False)),
            "cold_direct": LocalCold(settings),
            "warm_direct": warm,
        }
        for executor in self._ways.values():
            running.callback(executor.close)
        begin = time.perf_counter()
        if not warm.ready(60):
            raise BenchFailed("the fork server did not start; virtbridge -v serve says why")
        self.ready_ms = (time.perf_counter() - begin) * 1000

    def measure(self) -> dict[str, Any]:
        """Return all figures: milliseconds, runs in a second, MiB, and their ratios."""
        times = self._in_turn()
        figures: dict[str, Any] = {"platform": self.platform, "calls": self.calls}
        for way, taken in times.items():
            figures[f"{way}_p50_ms"] = round(statistics.median(taken))
            figures[f"{way}_p95_ms"] = round(sorted(taken)[int(0.95 * (len(taken) - 1))])
        figures["ratio_p50"] = _ratio(
            figures["cold_ansiballz_p50_ms"], figures["warm_direct_p50_ms"]
        )
        cold = self._throughput("cold_ansiballz", _AT_ONCE)
        warm = self._throughput("warm_direct", max(_AT_ONCE, 2 * self.calls))
        figures |= {"throughput_8_per_s": round(warm, 1), "throughput_8_ratio": _ratio(warm, cold)}
        figures["private_mb_per_run"] = self._memory()
        figures["cancel_ms"] = self._cancel()
        task, item = self._playbook("tasks"), self._playbook("loop")
        return figures | {"task_ms": task, "loop_item_ms": item, "ready_ms": round(self.ready_ms)}

    def _written(self) -> Target:
        address, names = LOGINS[self.platform]
        credential = {}
        for name in names:
            secret = self._folder / name
            secret.touch(mode=0o600)
            secret.write_text(self._sim.credentials[name], encoding="utf-8")
            plain = name == "token_id"
            credential[name if plain else f"{name}_file"] = (
                self._sim.credentials[name] if plain else str(secret)
            )
        target = {
            "platform": self.platform,
            "url": self._sim.url + address,
            "ca_file": str(self._sim.ca_file),
            "credential": credential,
        }
        self.targets = self._folder / "targets.yml"
        self.targets.touch(mode=0o600)
        self.targets.write_text(yaml.safe_dump({"targets": {"lab": target}}), encoding="utf-8")
        return load(self.targets)["lab"]

    def _run(self, way: str, cancelled: threading.Event | None = None) -> Outcome:
        """Run the module once; BenchFailed when it does not succeed."""
        name = f"virtbridge.core.{MODULES[self.platform]}"
        job = Job(module=name, args={"limit": 5}, targets=(self._target,))
        call = policy.Call("bench", job.module, "read", (policy.TargetFacts("lab"),), job.identity)
        permit = policy.decide(call, (), policy.Flags()).permit
        if permit is None:
            raise BenchFailed("policy refuses a read")
        outcome = self._ways[way].run(job, permit, cancelled=cancelled)
        if outcome.status != "successful" and cancelled is None:
            raise BenchFailed(f"{way}: {outcome.status}: {dict(outcome.hosts)}"[:500])
        return outcome

    def _in_turn(self) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(self.calls + 1):
            for way in WAYS:
                begin = time.perf_counter()
                self._run(way)
                if turn:
                    times[way].append((time.perf_counter() - begin) * 1000)
        return times

    def _throughput(self, way: str, runs: int) -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda _number: self._run(way), range(runs)))
        return runs / (time.perf_counter() - begin)

    def _memory(self) -> float:
        """Return the private memory of what one run forks, at its largest."""
        ended, most = threading.Event(), [0.0]

        def look() -> None:
            while not ended.is_set():
                most[0] = max(most[0], _private_of_runs(os.getpid()))

        watching = threading.Thread(target=look)
        watching.start()
        try:
            for _turn in range(3):
                self._run("warm_direct")
        finally:
            ended.set()
            watching.join()
        return round(most[0] / 1024, 1)

    def _cancel(self) -> int:
        """Return how long a run lives on that waits for its platform, once it is cancelled."""
        self._sim.control.fault("timeout", path="/(api2|client|apis)", count=0)
        cancelled, ends = threading.Event(), []
        running = threading.Thread(target=lambda: ends.append(self._run("warm_direct", cancelled)))
        running.start()
        until = time.monotonic() + 30
        while not self._sim.control.journal() and time.monotonic() < until:
            time.sleep(0.01)
        begin = time.perf_counter()
        cancelled.set()
        running.join()
        taken = (time.perf_counter() - begin) * 1000
        self._sim.control.reset()
        return round(taken)

    def _playbook(self, kind: str) -> float:
        """Return what one more task, or one more item of a loop, costs ansible-playbook."""
        few, many = (self._played(kind, count) for count in (1, 1 + _TASKS))
        return round((many - few) * 1000 / _TASKS, 1)

    def _played(self, kind: str, count: int) -> float:
        call = {f"virtbridge.core.{MODULES[self.platform]}": {"target": "lab", "limit": 5}}
        loop = [{**call, "loop": list(range(count))}]
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [call] * count if kind == "tasks" else loop,
        }
        file = self._folder / f"{kind}-{count}.json"
        file.write_text(json.dumps([play]), encoding="utf-8")
        warm = self._ways["warm_direct"]
        environment = dict(os.environ) | {
            "ANSIBLE_COLLECTIONS_PATH": str(getattr(warm, "collections", "")),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "VIRTBRIDGE_TARGETS": str(self.targets),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(file)]
        begin = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=environment, cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BenchFailed(done.stdout[-500:] + done.stderr[-500:])
        return time.perf_counter() - begin


def run_bench(platforms: Sequence[str], calls: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each platform. Raises BenchFailed when a run does not succeed."""
    for platform in platforms:
        with ExitStack() as running:
            yield Bench(platform, calls, running).measure()


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
