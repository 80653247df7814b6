# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vm_create`, `vm_update`, `vm_snapshot`, `vm_delete`, each with a preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .acting import REFS, act, act_on
from .door import Door
from .spec import Call, Schema, Tool, schema

LONGEST_WAIT = 3600
_DEFAULT_WAIT = 95
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 253}
_NAMES: Schema = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 253},
    "maxItems": 32,
}
CHECK: Schema = {
    "type": "boolean",
    "description": "preview: say what would change, change nothing",
}
WAIT: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": LONGEST_WAIT,
    "default": _DEFAULT_WAIT,
    "description": "seconds",
}
_FORCE: Schema = {"type": "boolean", "description": "cut the power instead of asking the guest"}
_SIZES: Mapping[str, Schema] = {
    "size": {**_TEXT, "description": "offering (CloudStack) or instance type (KubeVirt)"},
    "cpus": {"type": "integer", "minimum": 1},
    "memory_mib": {"type": "integer", "minimum": 16},
    "disk_gib": {"type": "integer", "minimum": 1, "description": "first disk; it only grows"},
    "tags": {**_NAMES, "description": "key=value on CloudStack and KubeVirt"},
}
_CREATE = schema(
    {
        "target": {"type": "string", "maxLength": 63, "description": "name from target_list"},
        "name": _TEXT,
        "namespace": {**_TEXT, "description": "KubeVirt namespace or CloudStack project"},
        "place": {**_TEXT, "description": "node (Proxmox VE) or zone (CloudStack)"},
        "image": {
            "type": "string",
            "maxLength": 1000,
            "description": "template or VM to clone; on KubeVirt a DataSource or docker://image",
        },
        **_SIZES,
        "storage": {**_TEXT, "description": "storage or storage class of the first disk"},
        "networks": {**_NAMES, "description": "bridges, networks, or pod"},
        "user_data": {"type": "string", "maxLength": 32768, "description": "for cloud-init"},
        "started": {"type": "boolean", "default": True},
        "check": CHECK,
        "wait_timeout": WAIT,
    },
    required=("target", "name"),
)
_UPDATE = schema(
    {
        **REFS,
        **_SIZES,
        "restart": {
            "type": "boolean",
            "description": "restart a running VM where a change needs that",
        },
        "check": CHECK,
        "wait_timeout": WAIT,
    },
)
_SNAPSHOT = schema(
    {
        **REFS,
        "snapshot": {**_TEXT, "description": "its name"},
        "state": {"type": "string", "enum": ["present", "absent"], "default": "present"},
        "description": {"type": "string", "maxLength": 1000},
        "memory": {"type": "boolean", "description": "keep the memory of a running VM too"},
        "check": CHECK,
        "wait_timeout": WAIT,
    },
    required=("snapshot",),
)
_DELETE = schema({**REFS, "force": _FORCE, "check": CHECK, "wait_timeout": WAIT})


class _Writes:
    """Calls the facade's modules, each once, and tells what changed."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def create(self, call: Call) -> Mapping[str, Any]:
        arguments = dict(call.arguments)
        target = self._door.pick([arguments.pop("target")])[0]
        state = "started" if arguments.pop("started", True) else "present"
        arguments |= {"state": state, "existing": "forbidden"}
        return act(self._door, call, "vm", {"wait_timeout": _DEFAULT_WAIT, **arguments}, target)

    def update(self, call: Call) -> Mapping[str, Any]:
        arguments = dict(call.arguments)
        if arguments.pop("restart", False):
            arguments["restart"] = "if_needed"
        return self._on(call, "vm", {**arguments, "existing": "required"})

    def snapshot(self, call: Call) -> Mapping[str, Any]:
        return self._on(call, "vm_snapshot", dict(call.arguments))

    def delete(self, call: Call) -> Mapping[str, Any]:
        return self._on(call, "vm", {**call.arguments, "state": "absent"})

    def _on(self, call: Call, module: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        return act_on(self._door, call, module, {"wait_timeout": _DEFAULT_WAIT, **arguments})


def tools(door: Door) -> tuple[Tool, ...]:
    """Return the four tools in their order."""
    writes = _Writes(door)
    return *_makers(writes), *_enders(writes)


def _makers(writes: _Writes) -> tuple[Tool, ...]:
    return (
        Tool(
            name="vm_create",
            title="Create a virtual machine",
            description=(
                "Creates a VM on one target and starts it. A VM of that name is never changed: "
                "the same call twice is unchanged, one that differs is a conflict with the diff. "
                "check: true previews."
            ),
            input_schema=_CREATE,
            answer=writes.create,
            read_only=False,
            destructive=False,
        ),
        Tool(
            name="vm_update",
            title="Change a virtual machine",
            description=(
                "Changes size, first disk or tags of a VM. What waits for a restart is told as "
                "restart_required. check: true previews."
            ),
            input_schema=_UPDATE,
            answer=writes.update,
            read_only=False,
            destructive=True,
        ),
    )


def _enders(writes: _Writes) -> tuple[Tool, ...]:
    return (
        Tool(
            name="vm_snapshot",
            title="Take or delete a snapshot",
            description="Takes a snapshot of a VM, or deletes it (state: absent).",
            input_schema=_SNAPSHOT,
            answer=writes.snapshot,
            read_only=False,
            destructive=True,
        ),
        Tool(
            name="vm_delete",
            title="Delete a virtual machine",
            description=(
                "Deletes a VM with the disks that belong to it. A running one needs force. "
                "Preview it with check: true first."
            ),
            input_schema=_DELETE,
            answer=writes.delete,
            read_only=False,
            destructive=True,
        ),
    )
