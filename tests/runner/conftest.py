# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runner with the fixture collection, permitted jobs, and a way to see a run's processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge import policy
from mcp_bridge.runner.base import Job, Outcome
from mcp_bridge.runner.cold import ColdSettings, LocalCold
from mcp_bridge.runner.warm import LocalWarm
from mcp_bridge.runner.worker import LocalWorker
from mcp_bridge.targets import Target
from tests import measured
from tests.waiting import wait_for

COLLECTIONS = Path(__file__).parent / "collections"
ECHO = "vbtest.fixture.echo"
BACK_ENDS: dict[str, type[LocalCold]] = {
    "cold": LocalCold,
    "warm": LocalWarm,
    "worker": LocalWorker,
}
CANARY = "canary-7f31d0c2-token"


def permit_for(job: Job) -> policy.Permit:
    """Return what policy gives for a harmless call of this job."""
    facts = tuple(policy.TargetFacts(target.name) for target in job.targets)
    call = policy.Call("test", job.module, "read", facts, job.identity)
    permit = policy.decide(call, (), policy.Flags()).permit
    assert permit is not None
    return permit


def processes_of(run_id: str) -> list[int]:
    """Return the processes that have a run's folder in environment or command line, or as theirs.

    A forked process shows the environment and the command line of what it was forked from.
    """
    found, needle = [], run_id.encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                seen = (folder / "environ").read_bytes() + command
                seen += bytes((folder / "cwd").readlink())
                # One that ends has no command line any more, but a folder for a moment longer.
                if needle in seen and command and b"pytest" not in command:
                    found.append(int(folder.name))
    return found


def holding(folder: Path) -> tuple[Path, Path]:
    """Return a password file at which Ansible stays before any module, and what is there then."""
    asks, reached = folder / "password", folder / "reached"
    asks.touch(mode=0o700)
    asks.write_text(f"#!/bin/sh\ntouch '{reached}'\nexec sleep 300\n")
    return asks, reached


class Bench:
    """A runner in a folder of its own."""

    def __init__(self, folder: Path, kind: str = "cold", **settings: Any) -> None:
        self.folder, self.kind = folder, kind
        usual = {"concurrency": 2, "env_allow": measured.passed_on()}
        settings = {"collections_path": (COLLECTIONS,), **usual} | settings
        self.settings = ColdSettings(state_dir=folder / "state", **settings)
        self.executor = BACK_ENDS[kind](self.settings)
        self.base: Path = self.executor.base
        secret = folder / "token"
        secret.touch(mode=0o600)
        secret.write_text(CANARY)

    def target(self, name: str = "lab", **credential: str) -> Target:
        """Return a target whose token is the canary."""
        given = credential or {"token_secret_file": str(self.folder / "token")}
        spec = {
            "platform": "proxmox",
            "url": "https://127.0.0.1:1",
            "credential": {"token_id": "root@pam!vb", **given},
        }
        return Target(name, "proxmox", ("https://127.0.0.1:1",), {}, False, self.folder, spec)

    def job(self, *, targets: tuple[Target, ...] = (), **options: Any) -> Job:
        """Return a job of the echo module; ``args`` and the rest as in Job."""
        options = {"module": ECHO, "args": {}, "timeout": 60.0} | options
        return Job(targets=targets or (self.target(),), **options)

    def run(self, job: Job, **signals: Any) -> Outcome:
        """Run a job with the permit that it needs."""
        return self.executor.run(job, permit_for(job), **signals)


@pytest.fixture(params=BACK_ENDS)
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Give a runner of each kind; nothing of it is left when the test is over."""
    made = Bench(tmp_path, request.param)
    assert made.executor.ready(60)
    yield made
    made.executor.close()


@pytest.fixture(scope="module", params=BACK_ENDS)
def shared_bench(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Bench]:
    """Give one runner of each kind to all tests of a file that look at the same run."""
    made = Bench(tmp_path_factory.mktemp("bench"), request.param)
    assert made.executor.ready(60)
    yield made
    made.executor.close()


@pytest.fixture(scope="session")
def tools() -> type:
    """Give the functions above to test files, which cannot import this one by name."""

    class Tools:
        permit_for = staticmethod(permit_for)
        processes_of = staticmethod(processes_of)
        wait_for = staticmethod(wait_for)
        bench = Bench
        canary = CANARY
        collections = COLLECTIONS

    return Tools
