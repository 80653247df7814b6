# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a write on one VM, or on many in one run, and tells what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..envelope import Envelope, changed
from . import fleet
from .door import Door
from .several import Ask, answered, either
from .spec import REF, Call, Refusal, Schema

REFS: Mapping[str, Schema] = {
    "ref": REF,
    "refs": {
        "type": "array",
        "description": "many VMs instead of ref: one run, a row for each",
        "items": {"type": "string", "maxLength": 400},
        "minItems": 1,
        "maxItems": 50,
        "uniqueItems": True,
    },
}


def act(door: Door, call: Call, module: str, arguments: dict[str, Any], target: str) -> Envelope:
    """Run a module once on a target; ``check`` among the arguments makes it a preview."""
    check = arguments.pop("check", False)
    run = door.run(call, module, arguments, (target,), check=check)
    result = run.answered[target]
    return _told(result, run.run_id, check, warnings=run.warnings)


def act_on(door: Door, call: Call, module: str, arguments: dict[str, Any]) -> Envelope:
    """Run a module on the VM that `ref` names, or on each that `refs` names, all at once.

    Raises `Refusal` unless it is exactly one of both, and for a VM that is named twice.
    """
    if not either(call.tool, arguments, ("ref",), "refs"):
        return act(door, call, module, arguments, door.target_of(arguments["ref"]))
    check = arguments.pop("check", False)
    refs: Sequence[str] = arguments.pop("refs")
    targets = [door.target_of(ref) for ref in refs]
    _each_once(door, call.tool, refs, targets)
    asks = [
        Ask(module, {**arguments, "ref": ref}, target)
        for ref, target in zip(refs, targets, strict=True)
    ]
    several = door.run_several(call, asks, check=check, whole=True)
    return answered(
        [{"ref": ref} for ref in refs],
        several,
        lambda result: _told(
            result, several.run_id, check, warnings=tuple(result.get("warnings") or ())
        ),
        door.max_bytes,
    )


def _told(result: Mapping[str, Any], run_id: str, check: bool, **parts: Any) -> Envelope:
    content = result.get("object")
    if isinstance(content, Mapping) and result.get("restart_required"):
        content = {**content, "restart_required": True, "pending": result.get("pending")}
    return changed(
        content,
        run_id=run_id,
        was_changed=bool(result.get("changed")),
        check=check,
        diff=result.get("diff"),
        **parts,
    )


def _each_once(door: Door, tool: str, refs: Sequence[str], targets: Sequence[str]) -> None:
    named: dict[tuple[str, ...], str] = {}
    for ref, target in zip(refs, targets, strict=True):
        machine = fleet.machine_of(ref, door.targets[target].platform)
        if machine in named:
            raise Refusal(
                "invalid_args",
                f"{tool}: refs names one VM twice: {named[machine]} and {ref}.",
                "Name each VM once; nothing was run.",
            )
        named[machine] = ref
