# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities of a target are loaded once for many tasks, and never for another target.

How often a file is opened is counted by the kernel, so that nothing of ours has to be replaced.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

import virtsim
from mcp_bridge import policy
from mcp_bridge.runner.base import Job, Outcome
from mcp_bridge.runner.cold import ColdSettings
from mcp_bridge.runner.warm import LocalWarm
from mcp_bridge.targets import load

_OPENED, _CLOSED = 0x20, 0x10
INFO = "virtbridge.core.proxmox_vm_info"
MANY = 4


class Opened:
    """Counts how often a file is opened from now on, by whatever process."""

    def __init__(self, file: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._watching = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._watching, os.fsencode(file), _OPENED | _CLOSED) >= 0

    def close(self) -> None:
        """Count no longer."""
        os.close(self._watching)

    def count(self) -> int:
        """Return the number and forget it. Only unlike neighbours are told apart: both are read."""
        found = 0
        while True:
            try:
                events = os.read(self._watching, 65536)
            except BlockingIOError:
                return found
            found += sum(bool(mask & _OPENED) for _wd, mask, *_ in struct.iter_unpack("4i", events))


@pytest.fixture
def opened(sim: virtsim.SimServer, targets: Path) -> Iterator[Opened]:
    """Count the openings of the CA file; ``targets`` names it for more than one target."""
    made = Opened(Path(sim.ca_file))
    yield made
    made.close()


def test_a_playbook_loads_a_store_once(play: Callable[..., Any], opened: Opened) -> None:
    """Red without `of_targets`: one more for each task."""
    one = {INFO: {"target": "lab", "limit": 1}, "register": "one"}
    looped = {**one, "loop": list(range(MANY)), "register": "all"}
    play([one])
    alone = opened.count()
    assert alone <= 2
    answers = play([one, one, one, looped])
    assert opened.count() == alone
    assert not any(answer["failed"] for answer in answers["all"]["results"])


def test_a_loop_loads_a_store_once_also_without_a_target(
    play: Callable[..., Any], sim: virtsim.SimServer, tmp_path: Path
) -> None:
    """Red without `of_arguments`: each item loads it."""
    own = tmp_path / "own.pem"
    own.write_bytes(Path(sim.ca_file).read_bytes())
    opened = Opened(own)
    options = {
        "api_host": [sim.url.partition("//")[2]],
        "api_token_id": sim.credentials["token_id"],
        "api_token_secret": sim.credentials["token_secret"],
        "ca_path": str(own),
    }
    task = {INFO: {**options, "limit": 1}, "register": "all"}
    play([{**task, "loop": [1]}])
    alone = opened.count()
    play([{**task, "loop": list(range(MANY))}])
    assert (alone, opened.count()) == (1, 1)
    opened.close()


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[LocalWarm]:
    """Give a bridge's back end whose fork server is ready."""
    with ExitStack() as closing:
        executor = LocalWarm(ColdSettings(state_dir=tmp_path / "state"))
        closing.callback(executor.close)
        assert executor.ready(60)
        yield executor


def called(warm: LocalWarm, targets: Path, name: str) -> Outcome:
    """Read the machines of one target through the bridge's back end."""
    job = Job(module=INFO, args={"limit": 1}, targets=(load(targets)[name],))
    call = policy.Call("t", job.module, "read", (policy.TargetFacts(name),), job.identity)
    permit = policy.decide(call, (), policy.Flags()).permit
    assert permit is not None
    outcome = warm.run(job, permit)
    assert outcome.how == "warm"
    return outcome


def rewritten(file: Path, **changes: dict[str, Any]) -> None:
    """Change targets of a file: given options replace theirs, None takes one away."""
    content = yaml.safe_load(file.read_text())
    for name, options in changes.items():
        spec = {**content["targets"]["lab"], **options}
        content["targets"][name] = {key: each for key, each in spec.items() if each is not None}
    file.write_text(yaml.safe_dump(content))


def test_a_bridge_loads_a_store_once(targets: Path, opened: Opened, warm: LocalWarm) -> None:
    """Red without `prepare` in the server: each run opens the file."""
    assert called(warm, targets, "lab").status == "successful"
    alone = opened.count()
    for _turn in range(MANY):
        assert called(warm, targets, "lab").status == "successful"
    assert (alone, opened.count()) == (1, 0)


def test_stores_are_never_mixed_up(
    warm: LocalWarm, targets: Path, sim: virtsim.SimServer, tmp_path: Path
) -> None:
    """Each of these in turn, twice, out of one server that has loaded them all.

    Red when stores are kept by anything less than their file, or when a wrong CA is looked over.
    """
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    rewritten(
        targets,
        wrong={"ca_file": str(stranger)},
        usual={"ca_file": None},
        pinned={"ca_file": None, "fingerprint": sim.fingerprint},
        mispinned={"fingerprint": ":".join(["00"] * 32)},
        blind={"ca_file": None, "verify_tls": False},
    )
    good = {"lab", "pinned", "blind"}
    for name in ("lab", "wrong", "usual", "pinned", "mispinned", "blind") * 2:
        outcome = called(warm, targets, name)
        assert (name, outcome.status == "successful") == (name, name in good)
        if name not in good:
            assert "TLS certificate was not accepted" in outcome.hosts[name]["msg"]


def test_a_changed_file_is_noticed(
    warm: LocalWarm, targets: Path, sim: virtsim.SimServer, tmp_path: Path
) -> None:
    """Red when a store is kept by the name of its file alone."""
    ca_file = tmp_path / "changing.pem"
    good, bad = Path(sim.ca_file).read_bytes(), trustme.CA().cert_pem.bytes()
    rewritten(targets, lab={"ca_file": str(ca_file)})
    for content, expected in ((good, True), (good, True), (bad, False), (good, True)):
        ca_file.write_bytes(content)
        while time.time() - ca_file.stat().st_ctime < 0.2:
            # What is younger is loaded by each run for itself.
            time.sleep(0.02)
        assert (called(warm, targets, "lab").status == "successful") is expected
