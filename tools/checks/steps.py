# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check is, and how one is run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
BIN = Path(sys.executable).parent

Found = tuple[bool, int, str]
"""Whether it passed, how much was examined, and what it printed."""


@dataclass(frozen=True)
class Step:
    """One check: its name, what it counts, and what does it."""

    name: str
    unit: str
    examine: Callable[[], Found]


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    ok: bool
    count: int
    seconds: float
    output: str


def execute(step: Step) -> Verdict:
    """Run one step; nothing examined is a failure, and so is an exception."""
    started = time.monotonic()
    try:
        ok, count, output = step.examine()
    except Exception as problem:  # any surprise in a check is a red check, not a crash
        ok, count, output = False, 0, f"{type(problem).__name__}: {problem}"
    if ok and count == 0:
        ok, output = False, f"{output}\nexamined nothing"
    return Verdict(ok, count, time.monotonic() - started, output)


def call(
    command: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command of this environment; return its exit code and all it printed."""
    full = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **(env or {})}
    full.pop("PYTHONPATH", None)
    ran = subprocess.run(
        list(command),
        cwd=cwd,
        env=full,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    return ran.returncode, ran.stdout
