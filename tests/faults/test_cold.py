# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a fork server all is as with one, only slower."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import results
from tests.mcp.conftest import Bridge

ROOT = Path(__file__).parents[2]
SUITES = ("tests/mcp", "tests/cli")
SWITCH = "VIRTBRIDGE_RUNNER"


def test_the_environment_turns_the_fork_server_off(
    tmp_path: Path, proxmox_sim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when commands of tests do not get the variable: the suites would prove nothing."""
    monkeypatch.setenv(SWITCH, "cold")
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    bridge = Bridge(folder)
    bridge.add("lab", proxmox_sim())
    assert bridge.call("vm_list")["ok"]
    assert [row["how"] for row in bridge.audit("outcome")] == ["cold"]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_bridges_suites_pass_without_a_fork_server() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not long",
         "--timeout", "300", *SUITES],
        cwd=ROOT, env={**os.environ, SWITCH: "cold"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = ran.stdout.strip().splitlines()[-1:]
    found = re.findall(r"(\d+) (passed|failed|skipped|error)", "".join(last))
    results.record("cold", {"suites": " ".join(SUITES), **{word: int(n) for n, word in found}})
    assert ran.returncode == 0, ran.stdout[-5000:]
