# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded beside the guard: runs a job as a node of a Receptor mesh would, by streams alone.

What ``transmit`` makes of the job's folder goes to a worker, and what comes back goes to
``process``, both of ansible-runner. Between them is nothing but two pipes: the worker sees no other
file of the bridge. Here the worker is a child; it is found, signalled and ended like one.
"""

from __future__ import annotations

import importlib
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POLL = 0.1


@dataclass(frozen=True)
class Ended:
    """How a run ended, in the words of ansible-runner."""

    status: str
    rc: int | None


def run(spec: Mapping[str, Any], *, cancel_callback: Callable[[], bool], **wires: Any) -> Ended:
    """Run the job of a spec with ``worker``: its command, folder and environment.

    The protocol has no message to cancel: the worker gets the signal that it knows. ``wires`` are
    the others that ``ansible_runner.run`` takes.
    """
    ansible_runner = importlib.import_module("ansible_runner")
    how, job = spec["worker"], spec["run"]
    with subprocess.Popen(  # noqa: S603 - the command is the bridge's own
        how["command"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=how["folder"],
        env=how["environment"],
    ) as worker:
        watching = _Cancelling(worker, cancel_callback)
        # The worker's own word that it starts Ansible may come too late to be read.
        wires["status_handler"]({"status": "running"})
        try:
            # Without a callback of its own, ansible-runner would take the signals of this process.
            _transmit(ansible_runner, worker, job, cancel_callback)
            processed = ansible_runner.run(
                streamer="process",
                _input=worker.stdout,
                private_data_dir=spec["folder"],
                ident=job["ident"],
                cancel_callback=cancel_callback,
                **wires,
            )
        finally:
            watching.end()
    status = processed.status
    if watching.cancelled and status == "error":
        # It was ended before it knew the signal, and so before it could run anything.
        status = "canceled"
    return Ended(status, _code(Path(spec["folder"], "artifacts", job["ident"], "rc")))


def _transmit(
    ansible_runner: Any, worker: subprocess.Popen[bytes], job: Mapping[str, Any], never: Any
) -> None:
    """Send the job's folder; a worker that is gone already is noticed by what it answers."""
    try:
        ansible_runner.run(streamer="transmit", _output=worker.stdin, cancel_callback=never, **job)
    except BrokenPipeError:
        return
    finally:
        _close(worker)


def _close(worker: subprocess.Popen[bytes]) -> None:
    try:
        if worker.stdin is not None:
            worker.stdin.close()
    except BrokenPipeError:
        return


def _code(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


class _Cancelling:
    """Asks a worker to end when the bridge wants that; looks until `end`."""

    def __init__(self, worker: subprocess.Popen[bytes], wanted: Callable[[], bool]) -> None:
        self.cancelled = False
        self._worker, self._wanted = worker, wanted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no longer."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_POLL):
            if self._wanted():
                self.cancelled = True
                self._worker.terminate()
                return
