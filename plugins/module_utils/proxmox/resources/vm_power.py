# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The power of a Proxmox VE virtual machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import OperationFailed, Unsupported
from ...engine.field import Field
from ...engine.resource import Action, Raise, Risk, Transition, Wait
from ...machine import MACHINE
from .. import guests
from ..api import Client
from ..platform import PLATFORM
from ..tasks_of import GuestTasks
from ..waiting import wait_for_task, wait_until

_START_GRACE = 60.0
_TASKS: Mapping[str, tuple[str, ...]] = {
    "start": ("qmstart", "hastart"),
    "stop": ("qmstop", "hastop"),
    "shutdown": ("qmshutdown", "hastop"),
    "reboot": ("qmreboot",),
    "reset": ("qmreset",),
    "suspend": ("qmpause",),
    "resume": ("qmresume",),
}
"""Which tasks a call starts; ``ha`` ones for guests under high availability."""


class VmPower:
    """Finds one virtual machine and moves it between power states."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._tasks: GuestTasks | None = None
        self._call = ""
        self._restarts = False
        self._starts: GuestTasks | None = None

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what vmid or name identifies, with its present state; two requests.

        A preview makes one more, which says which machine has that id now.
        """
        rows = guests.guest_rows(self._client)
        found = guests.matching(rows, self._desired)
        if not found:
            raise guests.not_found(self._client, rows, self._desired)
        if len(found) == 1:
            found = [found[0] | self._client.get(guests.guest_path(found[0], "/status/current"))]
            if self._client.read_only:
                config = self._client.get(guests.guest_path(found[0], "/config"))
                found[0]["_uid"] = guests.uid_of(config)
        return [row | {"state": guests.state_of(row), "_label": guests.label(row)} for row in found]

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        """Send the one call that leads there, and wait for its task."""
        if actual.get("template"):
            raise Unsupported(f"{actual['_label']} is a template; a template has no power.")
        self._restarts = transition.name == "restarted" and actual["state"] != "stopped"
        self._starts = self._watch(actual, "start") if self._restarts else None
        for call, parameters in self._calls(actual, transition.name):
            # Remembered so that a lost answer can be told from a call that never arrived.
            self._call, self._tasks = call, self._watch(actual, call)
            self._client.task(
                "POST", guests.guest_path(actual, f"/status/{call}"), parameters, wait=self._wait
            )
        if self._restarts and self._wait.enabled:
            self._await_restart(actual)

    def _watch(self, actual: Mapping[str, Any], call: str) -> GuestTasks:
        return GuestTasks(self._client, actual["node"], actual["vmid"], _TASKS[call])

    def _await_restart(self, actual: Mapping[str, Any]) -> None:
        """Return when the machine runs anew.

        A reboot's task ends with the shutdown; the node starts the machine again afterwards, in
        a task of its own (qemu-server, ``qm cleanup``).
        """
        if not wait_until(lambda: self._seen_anew(actual), min(self._wait.timeout, _START_GRACE)):
            raise OperationFailed(
                f"{actual['_label']} was told to restart, and the platform reported success, but "
                "it did not: it has not been started again since. See its tasks."
            )

    def _seen_anew(self, actual: Mapping[str, Any]) -> bool:
        now = self._client.get(guests.guest_path(actual, "/status/current"))
        if now.get("status") == "stopped" and self._starts:
            for upid in self._starts.begun():
                wait_for_task(self._client, upid, self._wait.timeout, "The start of its restart")
        return _runs_anew(actual, now)

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the task that a lost call may have started; False when there is none.

        A restart has been applied when the machine runs anew, whatever its calls say.
        """
        if self._tasks is None:
            return None
        applied = self._tasks.settle(self._wait.timeout)
        if not self._restarts or actual is None:
            return applied
        if applied and self._call == "reboot":
            self._await_restart(actual)
        return _runs_anew(actual, self._client.get(guests.guest_path(actual, "/status/current")))

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return guests.normalised(actual)

    def _calls(self, actual: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
        force = bool(self._desired.get("force"))
        graceful = {"timeout": self._desired.get("shutdown_timeout")}
        state = actual["state"]
        # A paused guest cannot answer a shutdown request.
        hard = force or state == "paused"
        if name == "stopped":
            return [("stop", {})] if hard else [("shutdown", graceful)]
        if name == "restarted":
            if state == "stopped":
                return [("start", {})]
            return [("stop", {}), ("start", {})] if hard else [("reboot", graceful)]
        if name == "started" and state == "paused":
            return [("resume", {})]
        calls = {"started": "start", "reset": "reset", "paused": "suspend", "resumed": "resume"}
        return [(calls[name], {})]


def _runs_anew(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether it is another run of the machine: another process, or a shorter uptime."""
    if now.get("status") != "running":
        return False
    if before.get("pid") and now.get("pid"):
        return bool(before["pid"] != now["pid"])
    return int(now.get("uptime") or 0) < int(before.get("uptime") or 0)


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
