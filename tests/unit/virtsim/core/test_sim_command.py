# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seeds and the ``virtsim`` command, started as a person would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import virtsim
from virtsim.core.seeds import SEEDS, find_seed, guests

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
COMMAND = [sys.executable, "-W", "error", "-m", "virtsim.cli"]


def _environment(tmp: Path) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(HERE / "platforms")])
    return {"PYTHONPATH": path, "TMPDIR": str(tmp), "PATH": os.environ["PATH"]}


def _run(tmp: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=_environment(tmp), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_start_prints_one_line_and_ends_cleanly(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [*COMMAND, "start", "sim_platforms.toy", "--seed", "empty", "--json"],
        env=_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        assert told["platform"] == "toy"
        assert set(told["credentials"]) == {"user", "password", "bob_certificate", "bob_key"}
        answer = requests.get(f"{told['url']}/boxes", verify=told["ca_file"], timeout=60)
        assert answer.json() == {}
        running.send_signal(number)
        rest, errors = running.communicate(timeout=60)
    assert (running.returncode, rest, errors) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["start", "proxmix"], "Did you mean 'proxmox'?"),
        (["start", "sim_platforms.toy", "--seed", "smal"], "Did you mean 'small'?"),
        (["start", "sim_platforms.toy", "--speed", "0"], "greater than 0"),
        (["start", "sim_platforms.toy", "--clock", "slow"], "'real', 'jump'"),
        (["coverage", "nothing"], "Known: "),
    ],
)
def test_bad_usage_exits_2_and_says_what_would_be_right(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = _run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_exits_1(tmp_path: Path, sim: virtsim.SimServer) -> None:
    done = _run(tmp_path, "start", "sim_platforms.toy", "--port", str(sim.port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{sim.port}" in done.stderr


def test_list_and_coverage(tmp_path: Path) -> None:
    listed = json.loads(_run(tmp_path, "list", "--json").stdout)
    assert set(listed["seeds"]) == set(SEEDS)
    assert "5000" in _run(tmp_path, "list").stdout
    covered = _run(tmp_path, "coverage", "sim_platforms.toy")
    assert covered.stdout == "GET /boxes\nPOST /boxes\n"
    assert "2 of 3" in covered.stderr


def test_counted_seeds_are_the_same_on_every_run() -> None:
    first, again = list(guests(find_seed("5000"))), list(guests(find_seed("5000")))
    assert first == again
    assert len({guest.name for guest in first}) == 5000
    assert len({guest.mac for guest in first}) == 5000
    assert first[0].mac == "02:76:73:00:00:01"
    assert first[299].address == "10.0.1.44"
    assert {guest.host for guest in first} == set(range(1, 17))
