# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform without prctl: the bridge says that it runs cold, and does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What stands for another platform: a C library without the function, or another name of the system.
LACKS = {
    "has no prctl": """
import ctypes
real = ctypes.CDLL
class Without:
    def __init__(self, *given, **named):
        self.real = real(*given, **named)
    def __getattr__(self, name):
        if name == "prctl":
            raise AttributeError(name)
        return getattr(self.real, name)
ctypes.CDLL = Without
""",
    "no prctl on darwin": "import sys, mcp_bridge.server; sys.platform = 'darwin'",
    "refuses prctl": """
import ctypes
real = ctypes.CDLL
class Refusing:
    def __init__(self, *given, **named):
        self.real = real(*given, **named)
    def __getattr__(self, name):
        return (lambda *given: -1) if name == "prctl" else getattr(self.real, name)
ctypes.CDLL = Refusing
""",
}
SERVE = """
import sys
from mcp_bridge.cli import main
sys.argv = ["virtbridge", "serve"]
main()
"""


def served(before: str, folder: Path) -> str:
    """Serve until the input is over, which is at once; return what was said."""
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{SERVE}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("lack", LACKS)
def test_the_bridge_says_that_it_runs_cold(lack: str, tmp_path: Path) -> None:
    """Red when only the name of the system is looked at."""
    said = served(LACKS[lack], tmp_path)
    assert lack in said
    assert "every run starts cold" in said


def test_it_says_nothing_where_it_does_not(tmp_path: Path) -> None:
    assert "starts cold" not in served("", tmp_path)
