# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The power of a CloudStack instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.field import Field
from ...engine.resource import Action, Raise, Risk, Transition, Wait
from .. import machines
from ..client import Client
from ..jobs import Jobs
from ..platform import PLATFORM
from ..scope import FIELDS as SCOPE
from ..scope import Scope
from .instance_fields import ID, RETURNED

_COMMANDS: Mapping[str, str] = {
    "started": "startVirtualMachine",
    "stopped": "stopVirtualMachine",
    "restarted": "rebootVirtualMachine",
    "reset": "rebootVirtualMachine",
}


class InstancePower:
    """Finds one instance and moves it between power states."""

    def __init__(
        self, client: Client, desired: Mapping[str, Any], wait: Wait, jobs: Jobs | None = None
    ) -> None:
        self._client, self._desired = client, desired
        self._scope = Scope(client, desired)
        self._jobs = jobs or Jobs(client, wait)

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what id or name identifies, with its present state; one request."""
        rows = machines.present(machines.found_rows(self._client, self._scope, self._desired))
        return [
            {**row, "state": machines.state_of(row), "_label": machines.label(row), "_row": row}
            for row in rows
        ]

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        """Send the one command that leads there, and wait for its job."""
        command = _COMMANDS[transition.name]
        if transition.name == "restarted" and actual["state"] == "stopped":
            command = "startVirtualMachine"
        # Only these two know the parameter, and the server ignores what it does not know.
        hard = self._desired.get("force") or transition.name == "reset"
        forced = {"forced": True} if hard and command != "startVirtualMachine" else {}
        self._jobs.run(command, id=actual["id"], **forced)

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the job that a lost call may have started; False when there is none."""
        del actual
        return self._jobs.settle()

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return machines.normalised(actual["_row"])


INSTANCE_POWER = Action(
    name="cloudstack_instance_power",
    summary="Start, stop, restart or reset a CloudStack instance",
    description=(
        "Brings an existing instance to a power state, and verifies that it got there.",
        "An instance that is already there is left alone and reported as unchanged. CloudStack "
        "cannot pause one.",
    ),
    platform=PLATFORM,
    operations=InstancePower,
    identity=("id", "name"),
    returns=RETURNED,
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
            "Rebooted; a stopped instance is started.",
            risk="disruptive",
        ),
        Transition(
            "reset",
            "running",
            "Switched off and on again.",
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
    ),
    fields=(
        ID,
        Field("name", role="option", doc="Host name of the instance, where it is unique."),
        *SCOPE,
        Field(
            "force",
            bool,
            role="option",
            default=False,
            doc="Switch off instead of asking the guest to shut down. Unsaved work in it is lost.",
        ),
    ),
)
