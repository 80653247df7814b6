# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Started by path in a clean interpreter: runs ansible-runner and lets nothing outlive the run.

    guard.py SPEC          a JSON file with the arguments of ansible_runner.run
    standard input         one byte cancels; its end means that the bridge is dead
    standard output        JSON lines: events as they come, then how the run ended

The guard itself only watches. Its worker is the first process of a PID namespace where the kernel
allows one, so that the kernel ends all of them with it; elsewhere the guard is the reaper of all
descendants and ends them one by one. It imports nothing of the bridge.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import select
import shutil
import signal
import sys
import time
import types
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_NEW_MOUNTS, _NEW_USERS, _NEW_PIDS = 0x00020000, 0x10000000, 0x20000000
_MS_PRIVATE_RECURSIVE = 0x40000 | 0x4000
_GRACE, _PAUSE = 3.0, 1.0
_LINUX = sys.platform == "linux"


def main(spec_file: str) -> int:
    """Run the specified job; returns the exit code of the guard, which says nothing of the job."""
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    begin = time.monotonic()
    cancel_read, cancel_write = os.pipe()
    libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    isolated = libc is not None and spec["isolate"] and _isolate(libc)
    parent = os.getpid()
    deadlock = _beside("deadlock")
    worker = os.fork()
    if worker == 0:
        os.close(cancel_write)
        _become_worker(libc, parent, isolated, cancel_read)
        os._exit(_work(spec, cancel_read, isolated))
    os.close(cancel_read)
    # What is given its job as a stream is a process between the worker and its command.
    stuck = deadlock.Deadlock(worker, levels=2 if "worker" in spec else 1)
    orphaned = _watch(worker, cancel_write, begin + spec["deadline"], stuck)
    _end_descendants(worker)
    if orphaned:
        shutil.rmtree(spec["folder"], ignore_errors=True)
    return 0


def _isolate(libc: ctypes.CDLL) -> bool:
    """Put the next child into a PID namespace of its own; False where that is not allowed."""
    user, group = os.geteuid(), os.getegid()
    flags = _NEW_PIDS | (0 if user == 0 else _NEW_USERS)
    if libc.unshare(flags) != 0:
        return False
    if flags & _NEW_USERS:
        with suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def _become_worker(libc: ctypes.CDLL | None, guard: int, isolated: bool, cancel: int) -> None:
    """Die with the guard, and see only this run's processes where that is possible."""
    # The worker's own input and output are not the bridge's.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    if libc is None:
        return
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # In a PID namespace the parent is 0, dead or not; the pipe tells.
    if _closed(cancel) or (not isolated and os.getppid() != guard):
        os._exit(1)
    if isolated and libc.unshare(_NEW_MOUNTS) == 0:
        # The guard's own /proc goes on to tell of the processes as the guard knows them.
        libc.mount(None, b"/", None, _MS_PRIVATE_RECURSIVE, None)
        libc.mount(b"proc", b"/proc", b"proc", 0, None)
    if not isolated:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _closed(pipe: int) -> bool:
    """Whether nobody can write to a pipe any more."""
    asked = select.poll()
    asked.register(pipe, 0)
    return any(event & select.POLLHUP for _file, event in asked.poll(0))


def _watch(worker: int, cancel: int, deadline: float, stuck: Any) -> bool:
    """Wait for the worker's end, a cancel, the bridge's death or the deadline.

    Returns whether the bridge is dead. After a cancel the worker gets a moment to write it down.
    A command that waits for somebody dead is ended; the worker tells the rest.
    """
    ended = os.pidfd_open(worker) if hasattr(os, "pidfd_open") else None
    watched = [0] if ended is None else [0, ended]
    pause = _PAUSE if ended is not None else 0.05
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select(watched, [], [], min(left, pause))
        if 0 in ready:
            if os.read(0, 64) == b"":
                return True
            watched.remove(0)
            with suppress(OSError):
                os.write(cancel, b"c")
            deadline = min(deadline, time.monotonic() + _GRACE)
        if os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
        if (command := stuck.found()) is not None:
            with suppress(ProcessLookupError):
                os.kill(command, signal.SIGKILL)
    return False


def _end_descendants(worker: int) -> None:
    """Kill and reap the worker and all that is left of it, until there is nothing left."""
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    while True:
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Return the processes whose parent is this one; a killed parent's children become ours."""
    found: list[int] = []
    me = str(os.getpid())
    if not _LINUX:
        return found
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                if status.rpartition(")")[2].split()[1] == me:
                    found.append(int(folder.name))
    return found


class _Ordered:
    """Whether the guard has passed a cancel on; its death closes the pipe and is no order."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._read: bytes | None = None

    def __call__(self) -> bool:
        if self._read is None and select.select([self._pipe], [], [], 0)[0]:
            self._read = os.read(self._pipe, 1)
        return self._read == b"c"


def _work(spec: dict[str, Any], cancel: int, isolated: bool) -> int:
    """Run ansible-runner and write what happens, one JSON line each."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def say(**line: Any) -> None:
        lines.write(json.dumps(line) + "\n")
        lines.flush()

    def event(happened: dict[str, Any]) -> bool:
        content = happened.get("event_data") or {}
        kept = {key: content[key] for key in ("host", "res", "duration") if key in content}
        say(event=happened.get("event"), at=time.time(), **kept)
        return True

    def status(now: dict[str, Any], **_config: Any) -> None:
        if now["status"] == "running":
            # Ansible is started after this line; without it, no module can have run.
            say(event="running", at=time.time())

    cancelled = _Ordered(cancel)
    say(event="isolated" if isolated else "guarded", at=time.time())
    try:
        ansible_runner = importlib.import_module("ansible_runner")

        say(event="imported", at=time.time())
        wires = {"event_handler": event, "status_handler": status, "cancel_callback": cancelled}
        if "worker" in spec:
            runner = _beside("streamed").run(spec, **wires, quiet=True)
        else:
            runner = ansible_runner.run(**spec["run"], **wires, quiet=True)
    except Exception as error:
        say(end={"status": "error", "rc": None, "problem": f"{type(error).__name__}: {error}"})
        return 1
    say(end={"status": runner.status, "rc": runner.rc})
    return 0


def _beside(file: str) -> types.ModuleType:
    """Return the module in a file beside this one."""
    name = f"virtbridge_{file}"
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{file}.py"))
    if found is None or found.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
