# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny platform for the tests of the core: named boxes that boot in 5 virtual seconds."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from virtsim.core.clock import Clock
from virtsim.core.http import Reject, Request, Response
from virtsim.core.seeds import Seed, guests
from virtsim.core.simulator import Coverage, Simulator, Wire
from virtsim.core.state import Dict
from virtsim.core.tls import Subject

BOOT_SECONDS = 5.0


class Toy(Simulator):
    """Boxes under ``/boxes``; a POST makes one, which boots; ``/boom`` is a defect."""

    platform = "toy"
    faults_known = ("fail_boot",)
    client_certificates: ClassVar = {"bob": Subject("bob")}
    wire = Wire(keep_alive=1, close_on_error=True, headers={"server": "toy"})

    def build(self, seed: Seed) -> Any:
        return Dict(boxes={guest.name: {"state": "running"} for guest in guests(seed)})

    def credentials(self) -> dict[str, str]:
        return {"user": "toy", "password": "toy"}

    def coverage(self) -> Coverage:
        return Coverage(modelled=("GET /boxes", "POST /boxes"), unmodelled=("PUT /boxes",))

    def annotate(self, request: Request) -> None:
        request.user = request.headers.get("x-user")
        if request.path == "/login":
            request.write = False

    def handle(self, request: Request) -> Response:
        if request.path == "/boom":
            self.state["boxes"]["half"] = {}
            raise RuntimeError("a defect")
        if request.path == "/who":
            return Response.json({"peer": request.peer_certificate})
        if request.path == "/odd":
            return Response(418, reason="No ticket", framing="close", delay=60.0)
        if request.path == "/login":
            return Response.json({"ticket": "t"})
        if request.method == "POST":
            return self._make(json.loads(request.body))
        self.clock.poll()
        return Response.json(self.state["boxes"])

    def _make(self, wanted: dict[str, Any]) -> Response:
        name = wanted["name"]
        self.state["boxes"][name] = {"state": "booting"}
        failing = self.faults.take("fail_boot", "POST", f"/boxes/{name}") is not None
        end = "failed" if failing else "running"
        self.clock.schedule(BOOT_SECONDS, lambda: self._booted(name, end), name=f"boot {name}")
        if wanted.get("refused"):
            raise Reject(Response.json({"error": "not this one"}, 409, reason="Not this one"))
        if wanted.get("dry_run"):
            raise Reject(Response.json({"name": name}, 201))
        return Response.json({"name": name}, 201)

    def _booted(self, name: str, end: str) -> None:
        self.state["boxes"][name]["state"] = end


def create(*, seed: str = "small", clock: Clock | None = None) -> Toy:
    """Return a toy platform."""
    return Toy(seed=seed, clock=clock)
