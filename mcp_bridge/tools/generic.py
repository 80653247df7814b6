# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`tool_search`, `tool_describe`, `tool_read`, `tool_call`: everything else, found by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..catalog import secrets_of
from ..envelope import changed, ok
from ..operations import Operation, Operations
from .door import Door
from .ends import Run
from .several import Ask, answered, either
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
_MOST_CALLS = 10
_READ = schema(
    {
        **_RUN,
        "calls": {
            "type": "array",
            "description": "several at once instead, a row for each in data.results",
            "items": {
                "type": "object",
                "properties": {
                    "operation": {"type": "string", "maxLength": 300},
                    "target": {"type": "string", "maxLength": 63},
                    "args": {"type": "object"},
                },
                "required": ["operation", "target"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": _MOST_CALLS,
        },
    }
)
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
        if either(call.tool, call.arguments, ("operation", "target"), "calls"):
            return self._read_several(call, call.arguments["calls"])
        run = self._ran(call, self._reading(call.arguments), check=False)
        result = run.answered[call.arguments["target"]]
        return ok(_content(result), run_id=run.run_id, warnings=run.warnings)

    def _read_several(self, call: Call, given: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        asks = []
        for at, each in enumerate(given):
            try:
                asks.append(self._reading(each))
            except Refusal as refusal:
                text = f"calls[{at}]: {refusal.message}"
                raise Refusal(refusal.code, text, refusal.next_step) from refusal
        several = self._door.run_several(call, asks, whole=False)
        heads = [{"operation": each["operation"], "target": each["target"]} for each in given]
        return answered(
            heads,
            several,
            lambda result: ok(_content(result), warnings=result.get("warnings") or ()),
            self._door.max_bytes,
        )

    def _reading(self, given: Mapping[str, Any]) -> Ask:
        ask = self._checked(given)
        if ask.operation is not None and ask.operation[1] != "read":
            raise Refusal(
                "invalid_args",
                f"tool_read: {ask.operation[0]} is a {ask.operation[1]} operation with these "
                "arguments.",
                "Use tool_call for it, with check: true first; nothing was run.",
            )
        return ask

    def call(self, call: Call) -> Mapping[str, Any]:
        check = bool(call.arguments.get("check"))
        run = self._ran(call, self._checked(call.arguments), check=check)
        result = run.answered[call.arguments["target"]]
        return changed(
            _content(result),
            run_id=run.run_id,
            was_changed=bool(result.get("changed")),
            check=check,
            diff=result.get("diff"),
            warnings=run.warnings,
        )

    def _checked(self, given: Mapping[str, Any]) -> Ask:
        operation = self._operations.get(given["operation"])
        arguments = dict(given.get("args") or {})
        target = self._door.pick([given["target"]])[0]
        platform = self._door.targets[target].platform
        if operation.platform not in ("fleet", platform):
            raise Refusal(
                "invalid_args",
                f"{operation.id} is of {operation.platform}, and target {target} is {platform}.",
                "Choose a target of that platform, or search again with platform; nothing was run.",
            )
        self._operations.check(operation, arguments)
        module, options = self._operations.module_call(operation, arguments)
        return Ask(
            module,
            options,
            target,
            operation=(operation.id, self._operations.risk(operation, arguments)),
            secrets=secrets_of(operation.facts, arguments) if operation.is_vendor else (),
        )

    def _ran(self, call: Call, ask: Ask, *, check: bool) -> Run:
        return self._door.run(
            call,
            ask.module,
            ask.arguments,
            (ask.target,),
            check=check,
            operation=ask.operation,
            secrets=ask.secrets,
        )


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
            description="Runs operations that only read: one, or up to ten in one run.",
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
