# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running simulator: one uvicorn in a thread, on loopback, started and stopped cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from .app import App
from .control import Control, control_app
from .simulator import Simulator
from .tls import Certificates, fingerprint, server_context
from .wire import WireProtocol

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class _Uvicorn(uvicorn.Server):
    """Uvicorn that stops at once, cutting connections instead of waiting for them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._halt = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._halt.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.close_listeners()
        tasks = list(self.server_state.tasks)
        self.cut_connections()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def halt(self) -> None:
        """Ask the loop to end; from any thread."""
        self.should_exit = True
        if self.loop is not None:
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._halt.set)

    def close_listeners(self) -> None:
        """Accept no more connections."""
        for server in self.servers:
            server.close()

    def cut_connections(self, keep: Any = None) -> None:
        """Reset every connection but ``keep``."""
        for connection in list(self.server_state.connections):
            if connection is not keep and isinstance(connection, WireProtocol):
                connection.reset()


@dataclass(frozen=True)
class Listen:
    """How a simulator is reached.

    ``port`` 0 takes a free one. ``certificate`` is valid, expired, wrong_name or foreign_ca.
    ``latency`` holds each request back so many real seconds. ``state_dir`` keeps authority and
    server certificate there for the next start; without it they are temporary.
    """

    tls: bool = True
    port: int = 0
    latency: float = 0.0
    certificate: str = "valid"
    state_dir: str | Path | None = None


class SimServer:
    """Serve ``simulator`` on 127.0.0.1 until stopped; a context manager."""

    def __init__(self, simulator: Simulator, listen: Listen | None = None) -> None:
        self.simulator = simulator
        self._listen = listen or Listen()
        self.port = self._listen.port
        self._state_dir = Path(self._listen.state_dir) if self._listen.state_dir else None
        self._directory: Path | None = None
        self._thread: threading.Thread | None = None
        self._server: _Uvicorn | None = None
        self._failure: BaseException | None = None
        self._opening: asyncio.Task[None] | None = None
        self._certified: dict[str, str] = {}
        self.ca_file: str | None = None
        self.fingerprint: str | None = None
        self.certificates: Certificates | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"{'https' if self._listen.tls else 'http'}://{HOST}:{self.port}"

    @property
    def control(self) -> Control:
        """A client of this server's control plane."""
        return Control(self.url, self.fingerprint)

    @property
    def credentials(self) -> dict[str, str]:
        """Made-up credentials that open it; certificates and keys are PEM."""
        return {**self.simulator.credentials(), **self._certified}

    def describe(self) -> dict[str, Any]:
        """Return all that a client needs, as plain values."""
        return {
            "platform": self.simulator.platform,
            "url": self.url,
            "ca_file": self.ca_file,
            "fingerprint": self.fingerprint,
            "credentials": self.credentials,
        }

    def start(self) -> SimServer:
        """Listen; raise OSError when the port is taken. Harmless when it already runs."""
        if self._thread is not None:
            return self
        listener = _bind(self.port)
        try:
            self.port = listener.getsockname()[1]
            self._server = _Uvicorn(self._config())
            self._failure = None
            self._thread = threading.Thread(
                target=self._serve, args=(listener,), name=f"virtsim-{self.port}", daemon=True
            )
            self._thread.start()
            if not self._server.ready.wait(START_SECONDS) or self._failure is not None:
                raise RuntimeError("the simulator did not start") from self._failure
        except BaseException:
            listener.close()
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Cut all connections, end the thread, remove temporary files."""
        if self._server is not None:
            self._server.halt()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            self._thread = None
        if self._directory is not None and self._state_dir is None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None

    def __enter__(self) -> SimServer:
        """Start, if that has not happened yet."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def refuse(self, seconds: float, keep: Any = None) -> None:
        """Refuse connections for ``seconds``, reset the open ones but ``keep``.

        Called in the server's own thread, by the control plane.
        """
        server = self._server
        if server is None or server.loop is None:
            raise RuntimeError("the simulator is not running")
        server.close_listeners()
        server.cut_connections(keep)
        server.loop.call_later(seconds, self._reopen)

    def _reopen(self) -> None:
        server = self._server
        if server is not None and server.loop is not None and not server.should_exit:
            self._opening = server.loop.create_task(server.startup([_bind(self.port)]))

    def _serve(self, listener: socket.socket) -> None:
        if self._server is None:
            return
        try:
            asyncio.run(self._server.serve(sockets=[listener]))
        except BaseException as failure:  # start() reports it
            self._failure = failure
            self._server.ready.set()

    def _config(self) -> uvicorn.Config:
        config = uvicorn.Config(
            App(
                self.simulator,
                control_app(self.simulator, self.refuse),
                latency=self._listen.latency,
            ),
            http=WireProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=max(1, round(self.simulator.wire.keep_alive)),
        )
        if self._listen.tls:
            context = self._context()
            config.ssl_context_factory = lambda _config, _default: context
        return config

    def _context(self) -> ssl.SSLContext:
        if self._state_dir is not None:
            self._state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = self._state_dir or Path(tempfile.mkdtemp(prefix="virtsim-"))
        self.certificates = Certificates(self._directory, keep=self._state_dir is not None)
        chain = self.certificates.server(self._listen.certificate)
        self.ca_file = str(self.certificates.ca_file)
        self.fingerprint = fingerprint(chain)
        listed = self.simulator.client_certificates
        for name, subject in listed.items():
            client = self.certificates.client(subject)
            self._certified |= {
                f"{name}_certificate": client.certificate,
                f"{name}_key": client.key,
            }
        faults = self.simulator.faults
        return server_context(
            chain,
            lambda: faults.take("handshake") is not None,
            clients=self.certificates.client_authorities if listed else None,
        )


def _bind(port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only where the protocol is named; else 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener
