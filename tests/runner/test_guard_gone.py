# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard that dies before its worker asked to die with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_bridge.runner.guarded import GUARD

# The worker goes on only when the guard is dead. One that is just ending has closed some of its
# pipes and not all, is still the parent, and would send its last signal a moment later.
LATE = """
import ctypes, importlib.util, os, pathlib, sys, time
found = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(found)
found.loader.exec_module(guard)
libc = ctypes.CDLL(None, use_errno=True)
isolated = sys.argv[3] == "isolate" and guard._isolate(libc)
orders, give = os.pipe()
parent = os.getpid()
status = pathlib.Path("/proc", str(parent), "stat")
if os.fork() == 0:
    os.close(give)
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] not in "ZX":
        time.sleep(0.01)
    guard._become_worker(libc, parent, isolated, orders)
    pathlib.Path(sys.argv[2]).touch()
os._exit(0)
"""


@pytest.mark.parametrize("isolation", ["isolate", "reap"])
def test_a_worker_whose_guard_is_gone_already_does_nothing(tmp_path: Path, isolation: str) -> None:
    """Red without the look at the pipe: in a PID namespace the parent is 0, dead or alive."""
    lives = tmp_path / "lives"
    command = [sys.executable, "-c", LATE, str(GUARD), str(lives), isolation]
    # It has ended when its output is closed, and that is when the worker has, too.
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not lives.exists()
