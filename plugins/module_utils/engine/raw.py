# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Call one operation of the vendor's catalog.

The catalog cannot travel to another host (only Python source does), so the collection's action
plugin looks the operation up on the controller and hands the module what it needs of it: at
least ``risk``, and ``hidden``, the places of secrets in the answer (``value``, ``[].keys``, ``*``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import ValidationFailed
from .redact import MASK
from .resource import Calling


def operation_of(desired: Mapping[str, Any], module: str) -> Mapping[str, Any]:
    """Return the operation's facts from the controller; ValidationFailed when there are none."""
    operation = desired.get("operation")
    if not isinstance(operation, Mapping) or "risk" not in operation:
        raise ValidationFailed(
            f"{module} got no operation: the catalog is looked up on the controller by the "
            "collection's action plugin. Call the module by its full name, "
            f"virtbridge.core.{module}, and leave operation unset.",
            fields={"operation": "not looked up on the controller"},
        )
    return operation


def call_api(operations: Calling, desired: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return the result of a raw module; in check mode only what reads is called."""
    changed = operations.risk() != "read"
    if check and changed:
        return {"changed": True, "result": None}
    answer = operations.call()
    if not desired.get("reveal"):
        for where in (desired.get("operation") or {}).get("hidden", ()):
            answer = hidden(answer, where.split("."))
    return {"changed": changed, "result": answer}


def hidden(answer: Any, where: Sequence[str]) -> Any:
    """Return the answer with the value at ``where`` masked.

    ``[]`` is each element, ``*`` everything, and what follows ``**`` is masked at any depth.
    """
    if not where or where[0] == "*":
        return answer if answer is None else MASK
    if where[0] == "**":
        return _hidden_everywhere(answer, ".".join(where[1:]))
    if where[0] == "[]":
        return [hidden(each, where[1:]) for each in answer] if isinstance(answer, list) else answer
    if isinstance(answer, Mapping) and where[0] in answer:
        return {**answer, where[0]: hidden(answer[where[0]], where[1:])}
    return answer


def _hidden_everywhere(answer: Any, name: str) -> Any:
    if isinstance(answer, list):
        return [_hidden_everywhere(each, name) for each in answer]
    if not isinstance(answer, Mapping):
        return answer
    return {
        key: MASK if key == name and each is not None else _hidden_everywhere(each, name)
        for key, each in answer.items()
    }
