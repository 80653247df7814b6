# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`target_list`: where the bridge may go, and how to tell it about the first place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..envelope import ok
from ..targets import Target
from .door import Door
from .ends import NoAnswer, Run, reason
from .spec import TARGETS, Call, Tool, schema

_SCHEMA = schema(
    {
        "targets": TARGETS,
        "probe": {
            "type": "boolean",
            "description": "also log in and read from each, which takes a run",
        },
    }
)
HOW_TO_CONFIGURE = """\
No target is configured. Ask the operator to write {path}, for example:
targets:
  lab:
    platform: proxmox
    url: https://pve.example.org:8006
    ca_file: pve-root-ca.pem
    credential:
      token_id: automation@pve!virtbridge
      token_secret_file: lab.token
The secret stands in its own file of mode 0600. `virtbridge check-config` checks it; then restart \
this server."""


def tools(door: Door) -> tuple[Tool, ...]:
    """Return the one tool."""

    def answer(call: Call) -> Mapping[str, Any]:
        if not door.targets:
            advice = HOW_TO_CONFIGURE.format(path=door.targets_path)
            return ok({"targets": [], "how_to_configure": advice})
        names = door.pick(call.arguments.get("targets"))
        rows = [
            _row(door.targets[name]) | {"policy": door.verdicts(name, call.caller)}
            for name in names
        ]
        if not call.arguments.get("probe", False):
            return ok({"targets": rows})
        run = _probe(door, call, door.pick(call.arguments.get("targets"), call.caller))
        found = [row | _reached(run, row["name"]) for row in rows]
        return ok({"targets": found}, run_id=run.run_id)

    return (
        Tool(
            name="target_list",
            title="List targets",
            description=(
                "Lists the configured targets (clouds and clusters) with platform and labels, and "
                "what the policy lets you do on each. probe: true also checks that each answers. "
                "With none configured it explains how to add one."
            ),
            input_schema=_SCHEMA,
            answer=answer,
        ),
    )


def _row(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "platform": target.platform,
        "urls": list(target.urls),
        "labels": dict(target.labels),
        "read_only": target.read_only,
    }


def _probe(door: Door, call: Call, names: Sequence[str]) -> Run:
    """Read one VM of each target; that not one answers is what was asked, not a failure."""
    try:
        return door.run(call, "vm_info", {"limit": 1}, names)
    except NoAnswer as error:
        return error.run


def _reached(run: Run, name: str) -> dict[str, Any]:
    if name in run.answered:
        return {"reachable": True}
    if name not in run.failed:
        return {"reachable": False, "reason": "denied_by_policy: you have no credential there"}
    return {"reachable": False, "reason": reason(run.failed[name])}
