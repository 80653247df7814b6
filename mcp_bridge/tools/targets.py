# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`target_list`: where the bridge may go, and how to tell it about the first place."""

from __future__ import annotations

from typing import Any

from .door import Door
from .spec import TARGETS, Answer, Call, Tool, schema

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

    def answer(call: Call) -> Answer:
        if not door.targets:
            advice = HOW_TO_CONFIGURE.format(path=door.targets_path)
            return door.memory({"targets": [], "how_to_configure": advice})
        names = door.pick(call.arguments.get("targets"))
        rows: list[dict[str, Any]] = [door.describe(name) for name in names]
        if not call.arguments.get("probe", False):
            return door.memory({"targets": rows})
        run = door.run(call, "vm_info", {"limit": 1}, names)
        for row in rows:
            row.update(door.reachability(run, row["name"]))
        return door.result(run, {"targets": rows})

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
