# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The power of a machine on any target, in the fleet's words."""

from __future__ import annotations

from ..module_utils.engine.field import Field
from ..module_utils.engine.resource import Action, Raise, Risk, Transition
from ..module_utils.machine import FLEET_MACHINE
from .fleet_platforms import FLEET, REF

VM_POWER = Action(
    name="vm_power",
    summary="Start, stop, restart, pause or reset a virtual machine of any platform",
    description=(
        "Brings an existing virtual machine to a power state, and verifies that it got there.",
        "It runs on the controller and calls the module of the target's platform.",
    ),
    platform=FLEET,
    returns=FLEET_MACHINE,
    operations=object,
    identity=("ref", "name"),
    risk=Risk("write", (Raise("force", "destructive", (True,)),)),
    transitions=(
        Transition("started", "running", "Running."),
        Transition(
            "stopped",
            "stopped",
            "Shut down by the guest, or switched off with O(force).",
            risk="disruptive",
        ),
        Transition(
            "restarted",
            "running",
            "Shut down and started again; a stopped machine is started.",
            risk="disruptive",
        ),
        Transition("reset", "running", "Reset at once, as by the button.", risk="disruptive"),
        Transition("paused", "paused", "Halted, with its memory kept.", risk="disruptive"),
        Transition("resumed", "running", "Going on after a pause."),
    ),
    fields=(
        REF,
        Field("name", role="option", doc="Name of the machine, where it is unique."),
        Field(
            "force",
            bool,
            role="option",
            default=False,
            doc="Switch off instead of asking the guest to shut down. Unsaved work in it is lost.",
        ),
    ),
)
