# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform implements to be simulated, and how each request runs against its state."""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .clock import Clock
from .faults import Faults
from .http import ERROR, Reject, Request, Response
from .journal import Journal, Row
from .seeds import Seed, find_seed
from .state import plain, transaction
from .tls import Subject

LOG = logging.getLogger("virtsim")


@dataclass(frozen=True)
class Wire:
    """How this platform's HTTP server treats its connections.

    An idle connection ends after ``keep_alive`` real seconds (whole ones). ``close_on_error``
    ends it after any status of 400 or more, ``requests_per_connection`` after so many (0:
    never). ``headers`` go out with every answer. A body above ``max_body`` bytes is left to the
    platform: the request arrives with ``body`` cut to that size plus one byte.
    """

    keep_alive: float = 5.0
    close_on_error: bool = False
    requests_per_connection: int = 0
    headers: Mapping[str, str] | None = None
    max_body: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Coverage:
    """Which operations of the vendor's catalog are modelled; the others answer an error."""

    modelled: tuple[str, ...]
    unmodelled: tuple[str, ...] = ()


class Simulator(ABC):
    """A stateful platform: one state, one lock, one clock.

    A platform sets ``platform``, ``faults_known`` and ``wire``, builds its state from a seed in
    ``build`` (tracked containers of ``state``) and answers in ``handle``. All of ``handle`` is one
    transaction: raise ``Reject(response)`` to undo it and answer, return to keep it.

    A platform that knows client certificates names some in ``client_certificates``: only then
    does its server ask for one, and they are among the credentials as ``NAME_certificate`` and
    ``NAME_key``. ``handle`` sees what was shown as ``request.peer_certificate`` and judges it.
    """

    platform: ClassVar[str]
    faults_known: ClassVar[Iterable[str]] = ()
    wire: ClassVar[Wire] = Wire()
    client_certificates: ClassVar[Mapping[str, Subject]] = {}

    def __init__(
        self,
        *,
        seed: str = "small",
        clock: Clock | None = None,
        journal_limit: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.faults = Faults(self.faults_known)
        self.journal = Journal(journal_limit)
        self.seed = find_seed(seed)
        self.state: Any = self.build(self.seed)

    @abstractmethod
    def build(self, seed: Seed) -> Any:
        """Return a fresh state for ``seed``, the same for each call."""

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one request on ``self.state``, in a transaction, under the lock."""

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """Return made-up credentials that open this simulator, for people and tests."""

    @abstractmethod
    def coverage(self) -> Coverage:
        """Tell which operations of the vendor's catalog are modelled."""

    def annotate(self, request: Request) -> None:  # noqa: B027  # a platform may leave it
        """Correct ``write``, ``user`` and ``params`` of a request before it meets a fault.

        Called once for each request, so that the journal is right also for those that never
        reach ``handle``; a login says ``write = False`` here.
        """

    def polls(self, request: Request) -> bool:
        """Whether a request is one by which clients wait, so that a jumping clock goes on."""
        del request
        return False

    def snapshot(self) -> Any:
        """Return the whole state as plain JSON values."""
        return plain(self.state)

    def reset(self, seed: str | None = None) -> None:
        """Start again from ``seed`` (default: the same), without faults, events and journal."""
        with self.lock:
            chosen = self.seed if seed is None else find_seed(seed)
            self.clock.clear()
            self.faults.clear()
            self.journal.clear()
            self.seed = chosen
            self.state = self.build(chosen)

    def answer(
        self, request: Request, *, fault: str | None = None, reply: Response | None = None
    ) -> Response:
        """Run one request and write its journal row.

        ``fault`` names the generic fault that happens to it; ``reply`` is what the client gets
        instead of the real answer (the row's status is then that one's).
        """
        with self.lock:
            changed = committed = False
            started = self.clock.now()
            try:
                # Before the transaction: what falls due is not undone with a refused request.
                if self.polls(request):
                    self.clock.poll()
                else:
                    self.clock.settle()
                started = self.clock.now()
                with transaction() as running:
                    response = self.handle(request)
                    changed = running.changed
                committed = True
            except Reject as rejected:
                response = rejected.response
            except Exception:
                LOG.exception("%s %s: defect in the simulator", request.method, request.path)
                response = _defect(request)
            applied = request.write and committed and (response.status < ERROR or changed)
            self._record(request, started, reply or response, applied=applied, fault=fault)
            return reply or response

    def refuse(self, request: Request, fault: str, reply: Response | None) -> None:
        """Write the journal row of a request that a fault kept from being applied."""
        with self.lock:
            self._record(request, self.clock.now(), reply, applied=False, fault=fault)

    def _record(
        self,
        request: Request,
        time: float,
        response: Response | None,
        *,
        applied: bool,
        fault: str | None,
    ) -> None:
        unanswered = fault in ("reset_before", "reset_after", "timeout")
        self.journal.record(
            Row(
                time=time,
                method=request.method,
                path=request.path,
                params=request.params,
                status=None if unanswered or response is None else response.status,
                write=request.write,
                applied=applied,
                user=request.user,
                fault=fault,
            )
        )


def _defect(request: Request) -> Response:
    text = f"virtsim: defect in the simulator at {request.method} {request.path}; see its log"
    return Response(
        status=500,
        body=json.dumps({"virtsim_defect": text}).encode(),
        headers={"content-type": "application/json", "x-virtsim-defect": "1"},
    )
