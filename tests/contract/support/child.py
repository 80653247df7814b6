# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module in a forked child, as direct execution does: real arguments in, real JSON out."""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ansible.module_utils import basic

PACKAGE = "ansible_collections.virtbridge.core.plugins.modules"
TIMEOUT = 80.0


@dataclass(frozen=True)
class Result:
    """What a module answered: its JSON, and everything else it wrote."""

    json: dict[str, Any]
    stdout: str
    stderr: str
    rc: int

    @property
    def changed(self) -> bool:
        return bool(self.json["changed"])

    @property
    def failed(self) -> bool:
        return bool(self.json.get("failed", False))

    @property
    def diff(self) -> dict[str, Any]:
        diff: dict[str, Any] = self.json["diff"]
        return diff

    @property
    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["object"]
        return found

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def kind(self) -> str:
        return str(self.error["kind"])

    @property
    def warnings(self) -> list[str]:
        """The texts of the warnings, on every ansible-core."""
        return [_text(warning) for warning in self.json.get("warnings", ())]


def run_module(name: str, args: Mapping[str, Any], **how: Any) -> Result:
    """Run a module of the collection by its short name; see ``run_in_child`` for ``how``."""
    return run_in_child(lambda: run_main(name), args, **how)


def run_in_child(
    main: Callable[[], Any],
    args: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = True,
    env: Mapping[str, str] | None = None,
    interrupt: Callable[[], bool] | None = None,
) -> Result:
    """Run ``main`` as a module with ``args``; SIGTERM is sent once ``interrupt()`` is true."""
    params = {**args, "_ansible_check_mode": check, "_ansible_diff": diff}
    payload = json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode()
    (out, child_out), (err, child_err) = os.pipe(), os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os._exit(_child(main, payload, child_out, child_err, env or {}))
    os.close(child_out)
    os.close(child_err)
    with _reaped(pid) as exit_code:
        stdout, stderr = _read(pid, out, err, interrupt)
        rc = exit_code()
    return Result(answer_of(stdout, stderr), stdout, stderr, rc)


def _child(
    main: Callable[[], Any], payload: bytes, out: int, err: int, env: Mapping[str, str]
) -> int:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.environ.update(env)
    return as_module(main, payload)


def as_module(main: Callable[[], Any], payload: bytes) -> int:
    """Run ``main`` as a module in this process; return its exit code."""
    _leave_the_controller()
    basic._ANSIBLE_ARGS = payload
    if hasattr(basic, "_ANSIBLE_PROFILE"):
        basic._ANSIBLE_PROFILE = "legacy"
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 70
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _leave_the_controller() -> None:
    """From 2.19 on, warnings and encoders act differently in a process that is a controller."""
    try:
        from ansible.module_utils import _internal
    except ImportError:
        return
    _internal.is_controller = False
    _internal.import_controller_module = lambda _name, /: None
    _internal.get_controller_serialize_map = dict


def run_main(name: str) -> None:
    """Run a module of the collection, by its short name, as the main program."""
    runpy.run_module(f"{PACKAGE}.{name}", run_name="__main__", alter_sys=True)


@contextmanager
def _reaped(pid: int) -> Iterator[Callable[[], int]]:
    """Give a function that waits for the child; whatever happens, none is left behind."""
    codes: list[int] = []

    def wait() -> int:
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        return codes[0]

    try:
        yield wait
    finally:
        if not codes:
            os.kill(pid, signal.SIGKILL)
            wait()


def _read(pid: int, out: int, err: int, interrupt: Callable[[], bool] | None) -> tuple[str, str]:
    """Read both streams to their ends."""
    texts = {out: bytearray(), err: bytearray()}
    still_open = {out, err}
    deadline = time.monotonic() + TIMEOUT
    while still_open:
        ready, _, _ = select.select(list(still_open), [], [], 0.02 if interrupt else 1.0)
        if interrupt and interrupt():
            os.kill(pid, signal.SIGTERM)
            interrupt = None
        for stream in ready:
            chunk = os.read(stream, 1 << 16)
            texts[stream] += chunk
            if not chunk:
                os.close(stream)
                still_open.discard(stream)
        if time.monotonic() > deadline:
            raise AssertionError(f"the module did not end within {TIMEOUT} s: {texts}")
    return texts[out].decode(), texts[err].decode()


def answer_of(stdout: str, stderr: str) -> dict[str, Any]:
    """Return the JSON that a module wrote; AssertionError when it wrote none."""
    lines = [line for line in stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise AssertionError(f"the module gave no answer.\nstdout: {stdout}\nstderr: {stderr}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _text(warning: Any) -> str:
    if isinstance(warning, str):
        return warning
    return str(warning["event"]["msg"])
