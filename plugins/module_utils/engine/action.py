# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Bring an existing object from one state to another: find, decide, perform, verify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import NotFound, OperationFailed, UncertainOutcome, ValidationFailed, VirtbridgeError
from .find import identity_of, label_of, require_one, uid_shown
from .resource import Action, Performing, Transition


def perform_action(
    action: Action,
    operations: Performing,
    desired: Mapping[str, Any],
    *,
    check: bool,
    wait: bool = True,
) -> dict[str, Any]:
    """Return the result of the module: what changed, and the object as it is afterwards."""
    transition = action.transition(desired["state"])
    actual = require_one(action, operations, desired)
    label = label_of(action, desired, actual)
    shown = uid_shown(actual, check=check)
    if actual["state"] in transition.satisfied_by:
        return _result(operations, actual, changed=False) | shown
    _require_possible(transition, actual, label)
    diff = _diff(transition, actual)
    if not check:
        _Attempt(action, operations, desired, transition, label).run(actual)
        if wait:
            actual = _verified(action, operations, desired, transition)
    return _result(operations, actual, changed=True, diff=diff) | shown


class _Attempt:
    """One transition, sent once, and a second time only when the first is known to be lost."""

    def __init__(
        self,
        action: Action,
        operations: Performing,
        desired: Mapping[str, Any],
        transition: Transition,
        label: str,
    ) -> None:
        self.action, self.operations, self.desired = action, operations, desired
        self.transition, self.label = transition, label

    def run(self, actual: Mapping[str, Any]) -> None:
        try:
            self.operations.perform(actual, self.transition)
            return
        except UncertainOutcome as lost:
            now = self._read_back(actual, lost)
        if now is None:
            return
        try:
            self.operations.perform(now, self.transition)
        except UncertainOutcome as lost:
            if self._read_back(now, lost) is not None:
                raise self._unknown(lost) from lost

    def _read_back(
        self, before: Mapping[str, Any], lost: UncertainOutcome
    ) -> Mapping[str, Any] | None:
        """Return the object as it is when the write is proven lost, None when it was applied."""
        try:
            applied = self.operations.settle(before)
            now = require_one(self.action, self.operations, self.desired)
        except VirtbridgeError as error:
            raise self._unknown(lost, f" Reading it back failed: {error.message}") from lost
        if applied is None and self.transition.satisfied_by:
            applied = now["state"] in self.transition.satisfied_by
        if applied is None:
            raise self._unknown(lost) from lost
        return None if applied else now

    def _unknown(self, lost: UncertainOutcome, reason: str = "") -> UncertainOutcome:
        return UncertainOutcome(
            f"{self.label}: whether it was {self.transition.name} is unknown, because the answer "
            f"was lost ({lost.message}).{reason} Look at the object before trying again.",
            request=lost.request,
            http_status=lost.http_status,
        )


def _require_possible(transition: Transition, actual: Mapping[str, Any], label: str) -> None:
    state = actual["state"]
    if transition.needs and state not in transition.needs:
        needed = " or ".join(sorted(transition.needs))
        raise ValidationFailed(
            f"{label} is {state} and cannot be {transition.name}; it must be {needed} for that. "
            "Nothing was changed.",
            fields={"state": f"needs an object that is {needed}, not {state}"},
        )


def _verified(
    action: Action, operations: Performing, desired: Mapping[str, Any], transition: Transition
) -> Mapping[str, Any]:
    try:
        actual = require_one(action, operations, desired)
    except NotFound as error:
        raise OperationFailed(
            f"{identity_of(action, desired)} was {transition.name} and is gone now."
        ) from error
    if actual["state"] != transition.result:
        label = label_of(action, desired, actual)
        raise OperationFailed(
            f"{label} was {transition.name}, and the platform reported success, but it is "
            f"{actual['state']} instead of {transition.result}. See its tasks and events."
        )
    return actual


def _diff(transition: Transition, actual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the change of state; what ends where it began is named by its transition."""
    before = actual["state"]
    after = transition.name if before == transition.result else transition.result
    return {"before": {"state": before}, "after": {"state": after}}


def _result(
    operations: Performing,
    actual: Mapping[str, Any],
    *,
    changed: bool,
    diff: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "changed": changed,
        "object": operations.report(actual),
        "diff": diff or {"before": {}, "after": {}},
    }
