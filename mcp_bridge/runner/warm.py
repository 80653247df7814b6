# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast back end: each job is a fork of a server that has everything imported.

Everything else is the plain back end's: the folder of a run, its play, its guard, its results.
Where the server is not ready, is not of today's files, or has died, a job runs the plain way.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from .cold import ColdSettings, LocalCold
from .guarded import Guarded
from .workspace import Workspace

SERVER = Path(__file__).with_name("forkserver.py")
_PACKAGE = "ansible_collections.virtbridge.core.plugins"
_FOLDER = _PACKAGE.replace(".", "/")
_TRUST = f"{_PACKAGE}.module_utils.trust"
_READY = 20.0
_CHECK = 1.0
_PATIENCE = 5.0
_POLL = 0.1
# After a server did not start: another attempt costs every run its time.
_PAUSE = 60.0
_log = logging.getLogger(__name__)


class LocalWarm(LocalCold):
    """Runs jobs on this machine out of a fork server, which it starts at once and replaces."""

    def __init__(self, settings: ColdSettings) -> None:
        super().__init__(settings)
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._checked = 0.0
        self._not_before = 0.0
        self._starting: threading.Thread | None = None
        self._renew()

    def close(self) -> None:
        """End every run, then the server."""
        super().close()
        starting = self._starting
        if starting is not None:
            starting.join(_READY)
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.end()

    def ready(self, seconds: float) -> bool:
        """Wait until the server is ready; whether it is."""
        starting = self._starting
        if starting is not None:
            starting.join(seconds)
        return self._server is not None

    def _launch(
        self, workspace: Workspace, spec: Path, environment: Mapping[str, str], log: int
    ) -> Guarded:
        server = self._server
        if server is not None:
            try:
                return server.fork(workspace, spec, environment, log)
            except OSError as error:
                _log.warning("the fork server is gone (%s); this run starts cold", error.strerror)
                self._retire(server)
        return super()._launch(workspace, spec, environment, log)

    def _await(self, stopped: Callable[[], bool]) -> None:
        """Wait for a server that has imported what is on disk now, where there is one soon.

        It is ready sooner than a run from nothing would be.
        """
        if self._server is None:
            self._renew()
            self._starts(_PATIENCE, stopped)
        server = self._server
        if server is not None and time.monotonic() - self._checked > _CHECK:
            self._checked = time.monotonic()
            if server.stamp != _stamp(self.collections):
                self._retire(server)
                self._starts(_PATIENCE, stopped)

    def _starts(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Wait until a server that is being started has been, the time is over, or ``stopped``."""
        starting = self._starting
        until = time.monotonic() + seconds
        while starting is not None and starting.is_alive() and not stopped():
            if (left := until - time.monotonic()) <= 0:
                return
            starting.join(min(left, _POLL))

    def _retire(self, server: _Server) -> None:
        """Use a server no more. Of several runs that want that, one ends it, and it only once."""
        with self._lock:
            ours = self._server is server
            if ours:
                self._server = None
        if ours:
            server.end()
        self._renew()

    def _renew(self) -> None:
        """Start a server in the background, unless one is being started."""
        with self._lock:
            starting = self._starting is not None and self._starting.is_alive()
            if self._closing.is_set() or starting or time.monotonic() < self._not_before:
                return
            self._starting = threading.Thread(target=self._start, daemon=True)
            self._starting.start()

    def _start(self) -> None:
        try:
            server = _Server(self)
        except (OSError, ValueError) as error:
            _log.warning("no fork server, so that runs start cold: %s", error)
            self._not_before = time.monotonic() + _PAUSE
            return
        with self._lock:
            self._server = server

    def server_environment(self, folder: Path) -> dict[str, str]:
        """Return the environment of the server, which decides how its imports are configured."""
        found = importlib.util.find_spec("ansible_runner")
        if found is None or found.origin is None:
            raise ValueError("ansible-runner is not installed")
        callbacks = Path(found.origin).parent / "display_callback" / "callback"
        return self._environment(folder, folder / "targets.yml") | {
            "ANSIBLE_STDOUT_CALLBACK": "awx_display",
            "ANSIBLE_CALLBACK_PLUGINS": str(callbacks),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
        }


class _Server:
    """One fork server, by the socket to it."""

    def __init__(self, owner: LocalWarm) -> None:
        self.stamp = _stamp(owner.collections)
        self._send = threading.Lock()
        self._workspace = Workspace(owner.base, f"server-{uuid.uuid4().hex}")
        folder = self._workspace.path
        preload = {"preload": _modules(owner.collections), "trust": _TRUST}
        spec = self._workspace.write("spec.json", json.dumps(preload))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._workspace.write("server.log", "").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-I", str(SERVER), str(spec)],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                cwd=folder / "home",
                env=owner.server_environment(folder),
                pass_fds=[self._workspace.lock],
                start_new_session=True,
            )
        self._channel = ours
        ours.settimeout(_READY)
        said = b""
        with suppress(OSError):
            said = ours.recv(64)
        if said != b"ready":
            words = (folder / "server.log").read_text(errors="replace").strip()[-500:]
            self.end()
            raise ValueError(words or "it did not start")
        ours.settimeout(None)

    @property
    def pid(self) -> int:
        """Return the server's process."""
        return self._process.pid

    def fork(
        self, workspace: Workspace, spec: Path, environment: Mapping[str, str], log: int
    ) -> Guarded:
        """Let the server fork a guard; OSError when it is gone."""
        message = {
            "spec": str(spec),
            "folder": str(workspace.path / "home"),
            "environment": dict(environment),
            "trusted": _trusted(Path(environment["VIRTBRIDGE_TARGETS"])),
        }
        orders, our_orders = os.pipe()
        our_lines, lines = os.pipe()
        try:
            with self._send:
                content = json.dumps(message).encode()
                socket.send_fds(self._channel, [content], [orders, lines, log, *workspace.locks])
        except OSError:
            os.close(our_orders)
            os.close(our_lines)
            raise
        finally:
            os.close(orders)
            os.close(lines)
        pid = self._forked(our_lines)
        if pid is None:
            os.close(our_orders)
            os.close(our_lines)
            raise ConnectionAbortedError(errno.ECONNABORTED, "it ended before it forked")
        return _Forked(our_orders, our_lines, pid)

    def _forked(self, lines: int) -> int | None:
        """Return the guard's process, None when there is none and, certainly, will be none.

        A server that does not fork in time is killed first: what it was sent must not be run
        later, when the run has been started another way.
        """
        first = b""
        until = time.monotonic() + _READY
        while not first.endswith(b"\n"):
            if not select.select([lines], [], [], max(0.0, until - time.monotonic()))[0]:
                self._process.kill()
                until = time.monotonic() + _READY
                continue
            # One byte at a time: the next line belongs to the run.
            byte = os.read(lines, 1)
            if not byte:
                return None
            first += byte
        pid: int = json.loads(first)["pid"]
        return pid

    def end(self) -> None:
        """Let the server end; runs that it has forked go on."""
        self._channel.close()
        try:
            self._process.wait(_CHECK)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._workspace.remove()


class _Forked(Guarded):
    """A guard that a server has forked."""

    how = "warm"

    def __init__(self, orders: int, lines: int, pid: int) -> None:
        def kill() -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        super().__init__(orders, lines, kill)


def _modules(collections: Path) -> list[str]:
    """Return what the server imports of the collection: each action, and what its module needs."""
    plugins = collections / _FOLDER
    return [
        f"{_PACKAGE}.{kind}.{file.stem}"
        for kind in ("action", "modules")
        for file in sorted((plugins / kind).glob("*.py"))
    ]


def _trusted(targets: Path) -> list[str | None]:
    """Return the files with the authorities that a run trusts; None stands for the usual ones."""
    given = json.loads(targets.read_text(encoding="utf-8"))["targets"].values()
    return [
        each.get("ca_file")
        for each in given
        if each.get("verify_tls", True)
        and not each.get("fingerprint")
        and {"url", "urls"} & {*each}
    ]


def _stamp(collections: Path) -> tuple[int, int]:
    """Return what changes when a file of the collection does."""
    newest = count = 0
    for folder, _folders, files in os.walk(collections / _FOLDER, followlinks=True):
        for file in files:
            if file.endswith((".py", ".json")):
                newest = max(newest, Path(folder, file).stat().st_mtime_ns)
                count += 1
    return newest, count
