# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Proxmox VE simulator: one request in, one answer out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.clock import Clock
from ..core.http import Reject, Request, Response
from ..core.simulator import Coverage, Simulator, Wire
from . import seeds, transport
from .api import MODELLED, Call
from .auth import Keyring, Unauthenticated, identify
from .catalog import Catalog, Operation, load
from .cluster_api import broadcast
from .disks import Disks
from .errors import ApiError, bad_parameter
from .permissions import check_operation
from .schema import Checker, normalise
from .tasks import Worker

AUTH_DELAY = 3.0
BROADCAST_SECONDS = 10.0


class ProxmoxSimulator(Simulator):
    """A cluster of nodes behind one API address."""

    platform = "proxmox"
    faults_known = (
        "conflict",
        "endless_task",
        "expire_token",
        "fail_task",
        "idle_reboot",
        "locked",
        "proxy_595",
        "proxy_596",
        "fail_start",
        "stale",
        "unknown_task",
        "warn_task",
    )
    wire = Wire(
        keep_alive=5.0,
        close_on_error=True,
        requests_per_connection=100,
        headers=transport.HEADERS,
        max_body=transport.BODY_LIMIT,
    )

    def __init__(
        self,
        *,
        seed: str = "small",
        clock: Clock | None = None,
        catalog: Catalog | None = None,
        auth_delay: float = AUTH_DELAY,
        offline: tuple[str, ...] = (),
        lagging: bool = False,
    ) -> None:
        """Build the seeded cluster.

        `auth_delay` holds a refused login back; nodes in `offline` are down; `lagging` lets
        lists show names and states up to ten seconds old, as the real ones do.
        """
        self.catalog = catalog or load()
        self.checker = Checker(self.catalog)
        self.worker = Worker(self)
        self.auth_delay = auth_delay
        self.keys = Keyring(b"virtsim cluster secret")
        self.local_node = "pve1"
        self.offline, self.lagging = offline, lagging
        self._observed: tuple[float, dict[int, dict[str, Any]]] = (0.0, {})
        super().__init__(seed=seed, clock=clock)

    def build(self, seed: Any) -> Any:
        """Build the cluster of a seed."""
        self.worker.clear()
        cluster = seeds.build(seed, self.clock.now())
        self.local_node = next(iter(cluster.nodes))
        for node in self.offline:
            cluster.nodes[node]["online"] = False
        self.disks = Disks(cluster, self.catalog)
        self._observed = (0.0, {})
        return cluster

    def observation(self, call: Call) -> dict[int, dict[str, Any]] | None:
        """Give what the status daemons last said, None when the present is to be shown."""
        stale = self.faults.take("stale", call.operation.method, call.path)
        if not stale and not self.lagging:
            return None
        self._observe(call)
        return self._observed[1]

    def _observe(self, call: Call) -> None:
        """Take a new round of broadcasts when the last one is old."""
        now = self.clock.now()
        if now - self._observed[0] >= BROADCAST_SECONDS:
            rows = {v: broadcast(call, guest) for v, guest in call.state.guests.items()}
            self._observed = (now, rows)

    def credentials(self) -> dict[str, str]:
        """List what opens the simulator."""
        return dict(seeds.CREDENTIALS)

    def coverage(self) -> Coverage:
        """List modelled operations and the rest of the catalog."""
        known = sorted(self.catalog.operations)
        return Coverage(
            tuple(k for k in known if k in MODELLED),
            tuple(k for k in known if k not in MODELLED),
        )

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        early = transport.refusal(request)
        if early is not None:
            request.write = False
            return early
        address = transport.locate(request)
        if isinstance(address, Response):
            request.write = False
            return address
        try:
            request.user = self._identify(request, address)
        except Unauthenticated as error:
            return transport.bare(401, str(error), self.auth_delay)
        params = transport.parameters(request)
        if isinstance(params, Response):
            return params
        request.params = params
        try:
            return self._dispatch(request, address, params)
        except ApiError as error:
            delay = self.auth_delay if error.status == 401 else 0.0
            raise Reject(transport.failure(address, error, delay)) from None

    def _identify(self, request: Request, address: transport.Address) -> str | None:
        if self.faults.take("expire_token", request.method, request.path):
            raise Unauthenticated("Authentication failed!")
        return identify(
            self.state.access,
            self.keys,
            request.headers,
            f"{request.method} {address.path}",
            self.clock.now(),
        )

    def _dispatch(
        self, request: Request, address: transport.Address, params: dict[str, Any]
    ) -> Response:
        found = self.catalog.find(request.method, address.path)
        if found is None:
            text = f"Method '{request.method} {address.path}' not implemented"
            raise ApiError(text, 501)
        operation, values = found
        twice = {k: "duplicate parameter (already defined in URI)" for k in params if k in values}
        if twice:
            raise replace_errors(twice)
        merged = normalise(operation.params, {**values, **params})
        user = request.user or ""
        check_operation(self.state.access, operation.facts, user, merged)
        unreachable = self._proxy(request, operation, values)
        if unreachable is not None:
            raise Reject(unreachable)
        self.checker.verify(
            merged, operation.params, bool(operation.facts.get("additional_params"))
        )
        answer = MODELLED.get(operation.key)
        if answer is None:
            raise Reject(_not_modelled(operation, address))
        if operation.key == "POST /access/ticket":
            request.write = False
        call = Call(self, operation, merged, user, request.path)
        self._conflicts(call)
        if request.write and (self.lagging or any(r.fault == "stale" for r in self.faults.rules())):
            self._observe(call)
        content = {"data": answer(call), **call.extra}
        if self.faults.take("proxy_596", request.method, request.path):
            return transport.bare(596, "Connection timed out")
        return transport.success(address, content, request)

    def _proxy(
        self, request: Request, operation: Operation, values: dict[str, str]
    ) -> Response | None:
        """Give the answer of the hop to another node when it does not get there."""
        if self.faults.take("proxy_595", request.method, request.path):
            return transport.bare(595, "Connection refused")
        node = values.get("node")
        if operation.facts.get("proxyto") != "node" or node in {None, "localhost"}:
            return None
        row = self.state.nodes.get(node)
        if row is None:
            text = f"hostname lookup '{node}' failed - failed to get address info for: {node}: "
            raise ApiError(text + "Name or service not known\n")
        return None if row["online"] else transport.bare(595, "Network is unreachable")

    def _conflicts(self, call: Call) -> None:
        """Let the faults happen that a write of a guest may meet."""
        method = call.operation.method
        if method == "GET" or "vmid" not in call.params:
            return
        if self.faults.take("conflict", method, call.path):
            raise ApiError("checksum mismatch (file change by other user?)\n")
        rule = self.faults.take("locked", method, call.path)
        if rule and rule.args.get("lock"):
            raise ApiError(f"VM is locked ({rule.args['lock']})\n")
        if rule:
            file = f"/var/lock/qemu-server/lock-{call.params['vmid']}.conf"
            raise ApiError(f"can't lock file '{file}' - got timeout\n")


def replace_errors(errors: dict[str, str]) -> ApiError:
    """Build the 400 answer for parameters named by any text."""
    error = bad_parameter()
    error.errors = errors
    return error


def _not_modelled(operation: Operation, address: transport.Address) -> Response:
    text = f"virtsim: '{operation.key}' is a valid call, but it is not modelled by virtsim\n"
    answer = transport.failure(address, ApiError(text, 501))
    return replace(answer, headers={**answer.headers, "x-virtsim": "not-modelled"})
