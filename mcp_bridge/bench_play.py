# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one more task, or one more item of a loop, costs a plain ``ansible-playbook``."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .bench_lab import BenchFailed, Lab, Work

_DIRECT = {"direct": "1", "ansiballz": "0"}
_FEW_CALLS = 10
# How many tasks, or items, a playbook has, and how often it runs.
_LONG, _SHORT = (20, 3), (6, 2)
# Writes down when each task begins and each item of a loop has ended.
_STAMPS = """
import os, time
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "bench_stamps"
    CALLBACK_NEEDS_ENABLED = True
    def _stamp(self, kind):
        with open(os.environ["BENCH_STAMPS"], "a") as file:
            file.write(f"{kind} {time.perf_counter()}\\n")
    def v2_playbook_on_task_start(self, task, is_conditional):
        self._stamp("task")
    def v2_runner_item_on_ok(self, result):
        self._stamp("item")
    def v2_playbook_on_stats(self, stats):
        self._stamp("task")
"""


def costs(lab: Lab, work: Work, calls: int) -> Iterator[tuple[str, float]]:
    """Yield milliseconds by ``task``, ``loop_item``, and both with ``_ansiballz``.

    Both ways are run in turn. What counts is the median from one task, or item, to the next in the
    same playbook; the first is left out, because it also loads what the others then have.
    """
    number, rounds = _LONG if calls >= _FEW_CALLS else _SHORT
    shapes = {"task": ("task", _tasks(work, number)), "loop_item": ("item", _loop(work, number))}
    taken: dict[tuple[str, str], list[float]] = {}
    for _round in range(rounds):
        for way in _DIRECT:
            for shape, (kind, tasks) in shapes.items():
                stamps = _played(lab, tasks, way)[kind]
                between = [later - earlier for earlier, later in itertools.pairwise(stamps)]
                taken.setdefault((way, shape), []).extend(between[1:])
    for (way, shape), seconds in taken.items():
        name = shape if way == "direct" else f"{shape}_{way}"
        yield name, round(statistics.median(seconds) * 1000, 1)


def _call(work: Work) -> dict[str, Any]:
    return {work.module: {"target": "lab", **work.args}}


def _tasks(work: Work, number: int) -> list[Mapping[str, Any]]:
    return [_call(work)] * number


def _loop(work: Work, number: int) -> list[Mapping[str, Any]]:
    return [{**_call(work), "loop": list(range(number))}]


def _played(lab: Lab, tasks: list[Mapping[str, Any]], way: str) -> dict[str, list[float]]:
    """Run a playbook of these tasks; return when what happened."""
    plugins, stamps, file = (lab.folder / name for name in ("callbacks", "stamps", "playbook.json"))
    plugins.mkdir(exist_ok=True)
    (plugins / "bench_stamps.py").write_text(_STAMPS, encoding="utf-8")
    stamps.unlink(missing_ok=True)
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    file.write_text(json.dumps([play]), encoding="utf-8")
    environment = dict(os.environ) | {
        "ANSIBLE_COLLECTIONS_PATH": str(lab.warm.collections),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
        "ANSIBLE_CALLBACKS_ENABLED": "bench_stamps",
        "BENCH_STAMPS": str(stamps),
        "VIRTBRIDGE_DIRECT": _DIRECT[way],
        "VIRTBRIDGE_TARGETS": str(lab.targets),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(file)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=environment, cwd=lab.folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchFailed(done.stdout[-500:] + done.stderr[-500:])
    found: dict[str, list[float]] = {"task": [], "item": []}
    for line in stamps.read_text(encoding="utf-8").splitlines():
        kind, at = line.split()
        found[kind].append(float(at))
    return found
