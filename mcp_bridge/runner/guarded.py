# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge's end of one run: the guard that watches over it, and the lines that it says."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from ..errors import RunnerBroken
from .workspace import Workspace

GUARD = Path(__file__).with_name("guard.py")
_POLL = 0.1


class Guarded:
    """A guard, by the two pipes to it.

    It ends the run when ``orders`` is closed, and has ended when ``lines`` is. ``kill`` ends it
    by force, should it not do that. ``how`` says which way it was started.
    """

    how = "cold"

    def __init__(self, orders: int, lines: int, kill: Callable[[], None]) -> None:
        self._orders, self._lines, self._kill = orders, lines, kill

    def __enter__(self) -> Guarded:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._orders)
        os.close(self._lines)

    def cancel(self) -> None:
        """Ask for the run's end."""
        with suppress(OSError):
            os.write(self._orders, b"c")

    def said(self, seconds: float) -> Iterator[Mapping[str, Any] | None]:
        """Yield the guard's lines as they come, and None at least every tenth of a second."""
        deadline = time.monotonic() + seconds
        rest = b""
        while True:
            if time.monotonic() > deadline:
                self._kill()
                return
            ready, _, _ = select.select([self._lines], [], [], _POLL)
            if not ready:
                yield None
                continue
            read = os.read(self._lines, 1 << 20)
            if not read:
                return
            *whole, rest = (rest + read).split(b"\n")
            yield None
            for line in whole:
                yield json.loads(line)


class _Started(Guarded):
    """A guard that was started as a process of ours."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        orders, lines = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        super().__init__(orders.fileno(), lines.fileno(), process.kill)
        self._process = process

    def __exit__(self, *error: object) -> None:
        # It closes both pipes, and waits for the end.
        self._process.__exit__(None, None, None)


def started(workspace: Workspace, spec: Path, environment: Mapping[str, str], log: int) -> Guarded:
    """Start a guard in an interpreter of its own."""
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-I", str(GUARD), str(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            cwd=workspace.path / "home",
            env=dict(environment),
            pass_fds=workspace.locks,
            start_new_session=True,
        )
    except OSError as error:
        raise RunnerBroken(f"cannot start {sys.executable}: {error.strerror}") from error
    return _Started(process)
