# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Started by path in a clean interpreter: imports Ansible once, then forks a guard for each run.

    forkserver.py SPEC     a JSON file: what to import besides Ansible and ansible-runner, and
                           which of it loads stores of trusted certificates ahead
    standard input         a socket; each message is one run: a JSON object and open files
                           (the guard's orders, lines and log, and locks that it holds)

A run is what it is without this server: a guard, a worker that calls ansible-runner, and the
command line of Ansible, each a process of its own. Only nothing is started anew: ansible-runner
forks where it would execute ``ansible-playbook``, into the interpreter that has it imported. The
server has one thread and ends with its socket. It imports nothing of the bridge.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import json
import multiprocessing.util
import os
import secrets
import signal
import socket
import sys
import tempfile
import types
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import ansible_runner
import pexpect
import ptyprocess
from ansible import constants as _constants
from ansible.cli.playbook import PlaybookCLI
from ansible.plugins import loader
from ansible.utils import vars as ansible_vars
from ansible.utils.display import Display

_PLAYBOOK = "ansible-playbook"
constants: Any = _constants
_exit_of_processes: Any = vars(multiprocessing.util)["_exit_function"]
_LARGEST = 1 << 18
_FILES = 203
_FIRST_FREE, _MOST_OPEN = 3, 1024


class ForkSpawn(pexpect.spawn):  # type: ignore[misc]  # no annotations there
    """A pexpect that forks ``ansible-playbook`` out of this process; executes anything else."""

    def _spawnpty(self, args: Sequence[bytes], **more: Any) -> Any:
        if Path(os.fsdecode(args[0])).name == _PLAYBOOK:
            before = more.get("preexec_fn")
            given = more.get("env") or os.environ
            environment = {os.fsdecode(name): os.fsdecode(value) for name, value in given.items()}

            def become() -> None:
                if before is not None:
                    before()
                _command_line(args, environment)

            more["preexec_fn"] = become
        process = ptyprocess.PtyProcess.spawn(args, **more)
        # What its close would only sleep for.
        process.delayafterclose = 0.0
        return process


def _command_line(args: Sequence[bytes], environment: dict[str, str]) -> NoReturn:
    """Be ``ansible-playbook`` in this forked child, from its arguments to its end."""
    code = 250
    try:
        # Among them what tells the parent, by its end, that the command was executed.
        os.closerange(_FIRST_FREE, _MOST_OPEN)
        _fresh(environment)
        os.register_at_fork(before=_beside("sharing").settle)
        sys.argv = [os.fsdecode(each) for each in args]
        PlaybookCLI.cli_executor(sys.argv)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        with suppress(Exception):
            atexit._run_exitfuncs()
        os._exit(code)


def _fresh(environment: dict[str, str]) -> None:
    """Forget what belongs to the server, and be as a newly started command would be."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    atexit._clear()
    atexit.register(_exit_of_processes)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
    # Else the ids of plays and tasks are the same in each run.
    ansible_vars.random_int = secrets.token_hex(4)
    tempfile.tempdir = None
    constants.ANSIBLE_HOME = environment.get("ANSIBLE_HOME", constants.ANSIBLE_HOME)
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(
        prefix="ansible-local-", dir=environment.get("ANSIBLE_LOCAL_TEMP")
    )
    Display()._set_column_width()


def prepare(names: Sequence[str]) -> None:
    """Import what every run would, and the named modules of collections."""
    loader.init_plugin_loader()
    # The command line of each run does that again.
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    for each in (loader.connection_loader, loader.shell_loader, loader.become_loader):
        list(each.all(class_only=True))
    for name in names:
        with suppress(ImportError):
            # What a module lacks here, it says when it is called.
            importlib.import_module(name)
    ansible_runner.runner.pexpect = types.SimpleNamespace(
        spawn=ForkSpawn,
        EOF=pexpect.EOF,
        TIMEOUT=pexpect.TIMEOUT,
        ExceptionPexpect=pexpect.ExceptionPexpect,
        exceptions=pexpect.exceptions,
    )


def serve(channel: socket.socket, guard: types.ModuleType, trust: types.ModuleType) -> None:
    """Fork a guard for each message until the other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    channel.send(b"ready")
    while True:
        message, files, _flags, _address = socket.recv_fds(channel, _LARGEST, _FILES)
        if not message:
            return
        request = json.loads(message)
        for store in request["trusted"]:
            trust.prepare(store)
        if os.fork() == 0:
            try:
                channel.close()
                _be_guard(request, files, guard)
            finally:
                os._exit(1)
        for file in files:
            os.close(file)


def _be_guard(request: Mapping[str, Any], files: Sequence[int], guard: types.ModuleType) -> None:
    """Be the guard of one run, as if it had just been started."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    orders, lines, log, *_locks = files
    for source, into in ((orders, 0), (lines, 1), (log, 2)):
        os.dup2(source, into)
        os.close(source)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    tempfile.tempdir = None
    os.write(1, json.dumps({"event": "forked", "pid": os.getpid()}).encode() + b"\n")
    os._exit(guard.main(request["spec"]))


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


def main(spec_file: str) -> int:
    """Prepare and serve."""
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    guard = _beside("guard")
    _beside("deadlock")
    prepare(spec["preload"])
    trust = importlib.import_module(spec["trust"])
    _beside("sharing").prepare()
    serve(channel, guard, trust)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
