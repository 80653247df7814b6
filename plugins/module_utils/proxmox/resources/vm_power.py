# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The power of a Proxmox VE virtual machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import Unsupported
from ...engine.field import Field
from ...engine.resource import Action, Raise, Risk, Transition, Wait
from ...machine import MACHINE
from .. import guests
from ..api import Client
from ..platform import PLATFORM
from ..tasks_of import GuestTasks


class VmPower:
    """Finds one virtual machine and moves it between power states."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._tasks: GuestTasks | None = None

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what vmid or name identifies, with its present state; two requests."""
        rows = guests.guest_rows(self._client)
        found = guests.matching(rows, self._desired)
        if not found:
            raise guests.not_found(self._client, rows, self._desired)
        if len(found) == 1:
            found = [found[0] | self._client.get(guests.guest_path(found[0], "/status/current"))]
        return [row | {"state": guests.state_of(row), "_label": guests.label(row)} for row in found]

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        """Send the one call that leads there, and wait for its task."""
        if actual.get("template"):
            raise Unsupported(f"{actual['_label']} is a template; a template has no power.")
        # Remembered so that a lost answer can be told from a call that never arrived.
        self._tasks = GuestTasks(self._client, actual["node"], actual["vmid"])
        for call, parameters in self._calls(actual, transition.name):
            self._client.task(
                "POST", guests.guest_path(actual, f"/status/{call}"), parameters, wait=self._wait
            )

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the task that a lost call may have started; False when there is none."""
        return self._tasks.settle(self._wait.timeout) if self._tasks else None

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return guests.normalised(actual)

    def _calls(self, actual: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
        force = bool(self._desired.get("force"))
        graceful = {"timeout": self._desired.get("shutdown_timeout")}
        state = actual["state"]
        if name == "stopped":
            # A paused guest cannot answer a shutdown request.
            hard = force or state == "paused"
            return [("stop", {})] if hard else [("shutdown", graceful)]
        if name == "restarted":
            if state == "stopped":
                return [("start", {})]
            return [("stop", {}), ("start", {})] if force else [("reboot", graceful)]
        if name == "started" and state == "paused":
            return [("resume", {})]
        calls = {"started": "start", "reset": "reset", "paused": "suspend", "resumed": "resume"}
        return [(calls[name], {})]


VM_POWER = Action(
    name="proxmox_vm_power",
    summary="Start, stop, restart, pause or reset a Proxmox VE virtual machine",
    description=(
        "Brings an existing virtual machine to a power state, and verifies that it got there.",
        "A machine that is already there is left alone and reported as unchanged.",
    ),
    platform=PLATFORM,
    returns=(Field("vmid", int, doc="Id of the machine."), *MACHINE),
    operations=VmPower,
    identity=("vmid", "name"),
    risk=Risk("write", (Raise("force", "destructive", (True,)),)),
    transitions=(
        Transition("started", "running", "Running.", satisfied_by=frozenset({"running"})),
        Transition(
            "stopped",
            "stopped",
            "Shut down by the guest, or switched off with O(force).",
            satisfied_by=frozenset({"stopped"}),
            risk="disruptive",
        ),
        Transition(
            "restarted",
            "running",
            "Shut down and started again; a stopped machine is started.",
            risk="disruptive",
        ),
        Transition(
            "reset",
            "running",
            "Reset at once, as by the button.",
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
        Transition(
            "paused",
            "paused",
            "Halted, with its memory kept.",
            satisfied_by=frozenset({"paused"}),
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
        Transition(
            "resumed",
            "running",
            "Going on after a pause.",
            satisfied_by=frozenset({"running"}),
            needs=frozenset({"paused"}),
        ),
    ),
    fields=(
        Field("vmid", int, role="option", min=100, max=999999999, doc="Id of the machine."),
        Field("name", str, role="option", doc="Name of the machine, where it is unique."),
        Field("node", str, role="option", doc="Look only on this node."),
        Field(
            "force",
            bool,
            role="option",
            default=False,
            doc="Switch off instead of asking the guest to shut down. Unsaved work in it is lost.",
        ),
        Field(
            "shutdown_timeout",
            int,
            role="option",
            min=0,
            unit="seconds",
            doc="How long the guest may take to shut down. The server's default applies unless "
            "set.",
        ),
    ),
)
