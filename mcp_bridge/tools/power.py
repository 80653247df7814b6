# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vm_power`: start, stop and the like, with a preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..envelope import changed
from .door import Door
from .spec import REF, Call, Tool, schema

STATES = ("started", "stopped", "restarted", "reset", "paused", "resumed")
_LONGEST_WAIT = 3600
_DEFAULT_WAIT = 90

_SCHEMA = schema(
    {
        "ref": REF,
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
    required=("ref", "state"),
)


def tools(door: Door) -> tuple[Tool, ...]:
    """Return the one tool."""

    def power(call: Call) -> Mapping[str, Any]:
        arguments = dict(call.arguments)
        check = arguments.pop("check", False)
        arguments.setdefault("wait_timeout", _DEFAULT_WAIT)
        target = door.target_of(arguments["ref"])
        run = door.run(call, "vm_power", arguments, (target,), check=check)
        result = run.answered[target]
        return changed(
            result.get("object"),
            run_id=run.run_id,
            was_changed=bool(result.get("changed")),
            check=check,
            diff=result.get("diff"),
            warnings=run.warnings,
        )

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
