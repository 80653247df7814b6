# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of any target, in the fleet's words."""

from __future__ import annotations

from ..module_utils.engine.field import Field
from ..module_utils.engine.resource import Query
from ..module_utils.machine import FLEET_MACHINE
from .fleet_platforms import FLEET, REF

STATES = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "paused",
    "migrating",
    "provisioning",
    "error",
    "unknown",
)

VM_INFO = Query(
    name="vm_info",
    summary="List virtual machines of any platform in one form",
    description=(
        "Returns the virtual machines of a target that match all given options. The objects have "
        "the same form on every platform.",
        "It runs on the controller and calls the module of the target's platform.",
    ),
    platform=FLEET,
    returns=FLEET_MACHINE,
    operations=object,
    fields=(
        REF,
        Field(
            "name",
            role="option",
            doc="Only those of this name; V(*) and V(?) stand for any text and any character.",
        ),
        Field(
            "state",
            list,
            elements=str,
            choices=STATES,
            role="option",
            doc="Only those in one of these states.",
        ),
        Field("tags", list, elements=str, role="option", doc="Only those with all these tags."),
        Field(
            "details",
            bool,
            role="option",
            default=False,
            doc="Also return disks, network cards, addresses and the operating system.",
        ),
        Field(
            "raw",
            bool,
            role="option",
            default=False,
            doc="Also return what only this platform knows, under C(raw).",
        ),
    ),
)
