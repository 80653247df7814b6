# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vm_power`: start, stop and the like, with a preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .acting import REFS, act_on
from .door import Door
from .spec import Call, Tool, schema

STATES = ("started", "stopped", "restarted", "reset", "paused", "resumed")
_LONGEST_WAIT = 3600
_DEFAULT_WAIT = 90

_SCHEMA = schema(
    {
        **REFS,
        "state": {
            "type": "string",
            "enum": list(STATES),
            "description": "the state to reach; reset is a hard restart",
        },
        "force": {
            "type": "boolean",
            "description": "cut the power at once instead of asking the guest",
        },
        "check": {
            "type": "boolean",
            "description": "preview: say what would change, change nothing",
        },
        "wait_timeout": {
            "type": "integer",
            "minimum": 1,
            "maximum": _LONGEST_WAIT,
            "default": _DEFAULT_WAIT,
            "description": "seconds",
        },
    },
    required=("state",),
)


def tools(door: Door) -> tuple[Tool, ...]:
    """Return the one tool."""

    def power(call: Call) -> Mapping[str, Any]:
        return act_on(door, call, "vm_power", {"wait_timeout": _DEFAULT_WAIT, **call.arguments})

    return (
        Tool(
            name="vm_power",
            title="Start, stop or restart a virtual machine",
            description=(
                "Brings a VM to a power state and waits until it is there; unchanged when it is "
                "there already (restarted and reset always act). check: true previews it. What "
                "interrupts the guest may need the operator's permission."
            ),
            input_schema=_SCHEMA,
            answer=power,
            read_only=False,
            destructive=True,
            idempotent=False,
        ),
    )
