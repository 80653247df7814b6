# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`tool_search`, `tool_describe`, `tool_read`, `tool_call`: everything else, found by words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import secrets_of
from ..envelope import changed, ok
from ..operations import Operation, Operations
from .door import Door
from .spec import Call, Refusal, Schema, Tool, schema
from .writes import CHECK

_PLATFORMS = ("fleet", "proxmox", "cloudstack", "kubevirt")
_RISKS = ("read", "write", "disruptive", "destructive")
_OPERATION: Schema = {
    "type": "string",
    "maxLength": 300,
    "description": "id from tool_search, unchanged",
}
_RUN: Mapping[str, Schema] = {
    "operation": _OPERATION,
    "target": {"type": "string", "maxLength": 63, "description": "name from target_list"},
    "args": {"type": "object", "description": "as tool_describe shows them"},
}
_SEARCH = schema(
    {
        "query": {"type": "string", "minLength": 1, "maxLength": 300},
        "platform": {"type": "string", "enum": list(_PLATFORMS)},
        "risk": {"type": "string", "enum": list(_RISKS)},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
    },
    required=("query",),
)
_DESCRIBE = schema({"operation": _OPERATION}, required=("operation",))
_READ = schema(_RUN, required=("operation", "target"))
_CALL = schema({**_RUN, "check": CHECK}, required=("operation", "target"))
_SHOWN = ("object", "objects", "result", "total", "truncated", "pending", "restart_required")


class _Generic:
    """Finds operations and runs them, each as one run of its module."""

    def __init__(self, door: Door, operations: Operations) -> None:
        self._door, self._operations = door, operations

    def search(self, call: Call) -> Mapping[str, Any]:
        given = call.arguments
        found = self._operations.search(
            given["query"],
            platform=given.get("platform"),
            risk=given.get("risk"),
            limit=given.get("limit", 10),
        )
        rows = [
            {
                "operation": each.id,
                "platform": each.platform,
                "risk": each.base_risk,
                "summary": each.summary,
            }
            for each in found
        ]
        return ok({"operations": rows})

    def describe(self, call: Call) -> Mapping[str, Any]:
        return ok(described(self._operations.get(call.arguments["operation"])))

    def read(self, call: Call) -> Mapping[str, Any]:
        operation, arguments = self._checked(call)
        risk = self._operations.risk(operation, arguments)
        if risk != "read":
            raise Refusal(
                "invalid_args",
                f"tool_read: {operation.id} is a {risk} operation with these arguments.",
                "Use tool_call for it, with check: true first; nothing was run.",
            )
        result, run_id, warnings = self._run(call, operation, arguments, check=False)
        return ok(_content(result), run_id=run_id, warnings=warnings)

    def call(self, call: Call) -> Mapping[str, Any]:
        operation, arguments = self._checked(call)
        check = bool(call.arguments.get("check"))
        result, run_id, warnings = self._run(call, operation, arguments, check=check)
        return changed(
            _content(result),
            run_id=run_id,
            was_changed=bool(result.get("changed")),
            check=check,
            diff=result.get("diff"),
            warnings=warnings,
        )

    def _checked(self, call: Call) -> tuple[Operation, dict[str, Any]]:
        operation = self._operations.get(call.arguments["operation"])
        arguments = dict(call.arguments.get("args") or {})
        target = self._door.pick([call.arguments["target"]])[0]
        platform = self._door.targets[target].platform
        if operation.platform not in ("fleet", platform):
            raise Refusal(
                "invalid_args",
                f"{operation.id} is of {operation.platform}, and target {target} is {platform}.",
                "Choose a target of that platform, or search again with platform; nothing was run.",
            )
        self._operations.check(operation, arguments)
        return operation, arguments

    def _run(
        self, call: Call, operation: Operation, arguments: dict[str, Any], *, check: bool
    ) -> tuple[Mapping[str, Any], str, tuple[str, ...]]:
        module, options = self._operations.module_call(operation, arguments)
        run = self._door.run(
            call,
            module,
            options,
            (call.arguments["target"],),
            check=check,
            operation=(operation.id, self._operations.risk(operation, arguments)),
            secrets=secrets_of(operation.facts, arguments) if operation.is_vendor else (),
        )
        return run.answered[call.arguments["target"]], run.run_id, run.warnings


def described(operation: Operation) -> dict[str, Any]:
    """Return what a caller must know of an operation: arguments, risk, module, answer."""
    facts = operation.facts
    shown: dict[str, Any] = {
        "operation": operation.id,
        "platform": operation.platform,
        "summary": operation.summary,
        "risk": operation.base_risk,
        "module": f"virtbridge.core.{operation.module}",
    }
    if operation.is_vendor:
        raised = {rule["param"]: rule["to"] for rule in facts["raises"]}
        return shown | {
            "args": facts["params"],
            "required": facts["required"],
            **({"risk_raised_by": raised} if raised else {}),
        }
    raised = {rule["option"]: rule["to"] for rule in facts["risk"]["raises"]}
    names = list(facts.get("returns", {}).get("properties", {}))
    shown |= {"args": facts["options"], "returns": names}
    return shown | ({"risk_raised_by": raised} if raised else {})


def _content(result: Mapping[str, Any]) -> Any:
    kept = {name: result[name] for name in _SHOWN if name in result}
    return kept.get("result") if set(kept) == {"result"} else kept


def tools(door: Door, operations: Operations) -> tuple[Tool, ...]:
    """Return the four tools in their order."""
    generic = _Generic(door, operations)
    return *_finders(generic), *_callers(generic)


def _finders(generic: _Generic) -> tuple[Tool, ...]:
    return (
        Tool(
            name="tool_search",
            title="Find an operation",
            description=(
                "Finds modules and vendor operations (2,000 of Proxmox VE, CloudStack and "
                "KubeVirt) by words, with their risk. Prefer the vm_ tools where they do it."
            ),
            input_schema=_SEARCH,
            answer=generic.search,
            starts_run=False,
        ),
        Tool(
            name="tool_describe",
            title="Describe an operation",
            description="Shows the arguments, the risk and the answer of one operation.",
            input_schema=_DESCRIBE,
            answer=generic.describe,
            starts_run=False,
        ),
    )


def _callers(generic: _Generic) -> tuple[Tool, ...]:
    return (
        Tool(
            name="tool_read",
            title="Run a reading operation",
            description="Runs an operation that only reads, on one target.",
            input_schema=_READ,
            answer=generic.read,
        ),
        Tool(
            name="tool_call",
            title="Run any operation",
            description=(
                "Runs any operation on one target. Modules converge, vendor operations act each "
                "time. check: true previews. What interrupts or destroys may need permission."
            ),
            input_schema=_CALL,
            answer=generic.call,
            read_only=False,
            destructive=True,
            idempotent=False,
        ),
    )
