# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is where others can look, while a run goes on and after it, in each back end.

Everything that a run consists of is looked at again and again while it lives: what its processes
show of themselves, and the files of its folder. Two places are given its arguments and go with it;
a worker's secret files are in its folder too, because it can read no other.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim
from mcp_bridge.runner.base import Job, Outcome
from mcp_bridge.targets import load
from tests.faults.errands import world
from tests.faults.served import KINDS, state_files
from tests.integration.canaries import leaks
from tests.integration.platforms import GUEST_SECRET, ROWS, WRONG_SECRET, Row
from tests.mcp.test_writes import NEW
from tests.runner import tree
from tests.runner.conftest import BACK_ENDS, Bench

# What a worker gets as a stream lies in a folder to be sent and in the one that received it.
STREAMED = tuple(
    f"{place}/{name}"
    for place in ("job", "node")
    for name in ("project/main.json", "tmp/", "file-")
)
ARGUMENTS = ("project/main.json", "tmp/", *STREAMED)


class Watching:
    """Looks, in a thread, at the processes and the folder of whatever runs."""

    def __init__(self, mark: str, base: Path, run_id: str = "") -> None:
        self._mark, self._folder = mark, base / run_id if run_id else None
        self.seen: dict[str, bytes] = {}
        self.processes: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watching:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._over.wait(0.005):
            for pid in tree.marked(self._mark):
                self.processes.add(pid)
                for name in ("cmdline", "environ"):
                    self._note(f"{name} of {pid}", Path("/proc", str(pid), name))
            for file in self._files():
                with suppress(OSError):
                    self._note(f"{file} ({file.stat().st_size} bytes)", file)

    def _files(self) -> Iterator[Path]:
        for place, _folders, names in os.walk(self._folder) if self._folder else ():
            for file in (Path(place, name) for name in names):
                if not str(file.relative_to(self._folder or place)).startswith(ARGUMENTS):
                    yield file

    def _note(self, name: str, file: Path) -> None:
        # What lives for a moment only may be gone.
        with suppress(OSError):
            self.seen[name] = file.read_bytes()


@pytest.fixture
def sim(row: Row) -> Iterator[virtsim.SimServer]:
    with virtsim.start(row.platform, seed="small", latency=0.02) as running:
        yield running


def targets(row: Row, sim: virtsim.SimServer, folder: Path) -> tuple[Any, ...]:
    """Return a target that works, and one whose secret is wrong."""
    for name, secret in {**row.files(sim), "wrong": WRONG_SECRET}.items():
        file = folder / name
        file.touch(0o600)
        file.write_text(secret)
    lab = row.target(sim, next(iter(row.logins)))
    credential = {
        key: "wrong" if key.endswith("_file") else value for key, value in lab["credential"].items()
    }
    path = folder / "targets.yml"
    everything = {"lab": lab, "wrong": {**lab, "credential": credential}}
    path.write_text(yaml.safe_dump({"targets": everything}))
    found = load(path)
    return found["lab"], found["wrong"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", BACK_ENDS)
def test_no_secret_is_anywhere_in_a_run(
    tmp_path: Path, row: Row, sim: virtsim.SimServer, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Red when a run's environment, its settings or a kept artifact holds what it was given."""
    caplog.set_level(logging.DEBUG)
    bench = Bench(tmp_path, kind)
    said: list[str] = []
    try:
        job = Job(
            f"virtbridge.core.{row.module}", {**row.new, **row.secret},
            targets(row, sim, tmp_path), keep=True, secret_values=(GUEST_SECRET,),
        )  # fmt: skip
        with Watching(str(tmp_path), bench.base, job.run_id) as watching:
            outcome: Outcome = bench.run(job, on_progress=lambda shown: said.append(str(shown)))
    finally:
        bench.executor.close()
    assert outcome.hosts["lab"]["changed"], outcome.hosts
    assert outcome.hosts["wrong"]["error"]["kind"] == "auth"
    assert not (bench.base / job.run_id).exists()
    assert outcome.artifacts is not None
    kept = {str(file): file.read_bytes() for file in outcome.artifacts.rglob("*") if file.is_file()}
    for part in ("stdout", "job_events/", "targets.yml", "spec.json", "environ of", "cmdline of"):
        assert any(part in name for name in (*watching.seen, *kept)), part
    told = {"outcome": repr(outcome), "said": "\n".join(said), "log": caplog.text}
    secrets = {*row.secrets(sim), GUEST_SECRET, WRONG_SECRET}
    assert leaks(secrets, {**watching.seen, **kept, **told}) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "warm" else pytest.mark.long) for kind in KINDS]
)
def test_no_secret_is_anywhere_in_a_served_call(tmp_path: Path, kind: str) -> None:
    """Red when a call's arguments are logged, or given to a process by its command line."""
    with world(tmp_path, kind) as made:
        answers = []
        with Watching(made.home, tmp_path) as watching:
            for platform in sorted(made.sims):
                more = {} if platform == "proxmox" else {"user_data": GUEST_SECRET}
                new = {"target": platform, "name": "fresh", **NEW[platform], **more}
                answers.append(made.served.asked("vm_create", **new))
        assert [body["status"] for body in answers] == ["changed"] * 3, answers
        texts = {name: file.read_bytes() for name, file in state_files(made.bridge).items()}
        texts |= {"answers": json.dumps(answers).encode(), "log": made.served.log.read_bytes()}
        credentials = {
            secret
            for name, sim in made.sims.items()
            for secret in next(each for each in ROWS if each.platform == name).secrets(sim)
        }
    assert len(watching.processes) > 3
    assert leaks({*credentials, GUEST_SECRET}, {**watching.seen, **texts}) == []
