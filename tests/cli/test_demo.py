# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo ends cleanly when it is stopped; `make demo` is what proves the whole of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import measured
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "mcp_bridge.cli", "demo"], text=True,
        env=measured.environment() | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def begun() -> bool:
        assert running.poll() is None, running.communicate()
        return bool(list(tmp_path.glob("virtbridge-demo-*/virtbridge.yml")))

    wait_for(begun)
    running.send_signal(number)
    out, errors = running.communicate(timeout=40)
    assert running.returncode == 1
    assert "Interrupted" in out
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
