# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of modelled operations, and what each of them is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import permissions
from .errors import ApiError, missing
from .model import Cluster, Guest

if TYPE_CHECKING:
    from .catalog import Operation
    from .simulator import ProxmoxSimulator

Answer = Callable[["Call"], Any]
MODELLED: dict[str, Answer] = {}


@dataclass
class Call:
    """One checked call of one operation."""

    sim: ProxmoxSimulator
    operation: Operation
    params: dict[str, Any]
    user: str
    path: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Cluster:
        """Give the cluster."""
        state: Cluster = self.sim.state
        return state

    @property
    def now(self) -> float:
        """Give the virtual time."""
        return self.sim.clock.now()

    @property
    def node(self) -> str:
        """Give the node of the path."""
        name = str(self.params["node"])
        return self.sim.local_node if name == "localhost" else name

    @property
    def vmid(self) -> int:
        """Give the guest id of the path."""
        return int(self.params["vmid"])

    def flag(self, name: str, default: bool = False) -> bool:
        """Read a boolean parameter."""
        value = self.params.get(name)
        return default if value is None else value in {True, "1"}

    def text(self, name: str) -> str | None:
        """Read a parameter as text."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def guest(self) -> Guest:
        """Find the guest of the path, or answer as the missing file does."""
        found = self.state.guests.get(self.vmid)
        if found is None or found.node != self.node:
            raise missing(_no_file(self.node, self.vmid))
        return found

    def may(self, path: str, *wanted: str) -> bool:
        """Tell whether the caller holds any of the privileges."""
        return permissions.allowed(self.state.access, self.user, path, wanted, every=False)

    def need(self, path: str, wanted: Iterable[str]) -> None:
        """Refuse unless the caller holds all privileges."""
        permissions.require(self.state.access, self.user, path, list(wanted))

    def root_only(self, what: str) -> None:
        """Refuse anybody but root with a ticket."""
        if self.user != permissions.ROOT:
            raise ApiError(f"Permission check failed ({what})\n", 403)


def _no_file(node: str, vmid: int) -> str:
    return f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist"


def operation(*keys: str) -> Callable[[Answer], Answer]:
    """Register a function as the model of operations such as `GET /version`."""

    def register(answer: Answer) -> Answer:
        for key in keys:
            MODELLED[key] = answer
        return answer

    return register
