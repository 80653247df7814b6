# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Reconcile one object: find, plan, execute, verify. A lost answer is resolved by reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from .errors import Conflict, InternalError, NotFound, UncertainOutcome, VirtbridgeError
from .find import find_one, identity_of, label_of, uid_shown
from .plan import Plan
from .planning import diff_of, make_plan, unreadable
from .resource import Operations, Resource

Actual: TypeAlias = "Mapping[str, Any] | None"


def reconcile(
    resource: Resource,
    operations: Operations,
    desired: Mapping[str, Any],
    *,
    check: bool,
    wait: bool = True,
) -> dict[str, Any]:
    """Return the result of the module; in check mode nothing but ``find`` is called.

    Its object is the one that there is in the end; that of a previewed delete is what would go, so
    that whoever approves it sees what it is.
    """
    actual = find_one(resource, operations, desired)
    plan = make_plan(resource, desired, actual)
    diff = diff_of(resource, plan, actual)
    _mind_existing(resource, desired, actual, plan)
    if plan.changed and not check:
        _Execution(resource, operations, desired, actual).run(plan)
        actual = _verified(resource, operations, desired, plan) if wait else None
    pending = dict((actual or {}).get("_pending") or {})
    result = {
        "changed": plan.changed,
        "diff": diff,
        "warnings": list(plan.warnings),
        "pending": pending,
        "restart_required": bool(pending),
    }
    if actual is not None:
        result["object"] = operations.report(actual)
    return result | uid_shown(actual, check=check)


def _mind_existing(
    resource: Resource, desired: Mapping[str, Any], actual: Actual, plan: Plan
) -> None:
    """Refuse a plan that creates or changes what ``existing`` says it must not."""
    rule = desired.get("existing", "any")
    if rule == "required" and plan.action == "create":
        raise NotFound(
            f"No object matches {identity_of(resource, desired)} on this endpoint, and existing: "
            "required forbids to create it. Nothing was changed; check its spelling."
        )
    if rule == "forbidden" and actual is not None and plan.changed and plan.action != "delete":
        wrong = _differences(plan, actual)
        label = label_of(resource, desired, actual)
        raise Conflict(
            f"{label} exists and differs: {'; '.join(f'{k} {v}' for k, v in wrong.items())}. "
            "Nothing was changed, because existing: forbidden leaves alone what is there.",
            fields=wrong,
            retryable=False,
            diff=diff_of(resource, plan, actual),
        )


class _Execution:
    """Carries out a plan, with at most one more attempt after reading back a lost answer."""

    def __init__(
        self,
        resource: Resource,
        operations: Operations,
        desired: Mapping[str, Any],
        actual: Actual,
    ) -> None:
        self.resource, self.operations, self.desired = resource, operations, desired
        self.actual = actual
        self._power: str | None = None

    def run(self, plan: Plan) -> None:
        try:
            self._execute(plan)
            return
        except UncertainOutcome as lost:
            rest = self._read_back(plan, lost)
        try:
            self._execute(rest)  # nothing, when the first was applied
        except UncertainOutcome as lost:
            if self._read_back(rest, lost).changed:
                raise self._unknown(rest, lost) from lost

    def _execute(self, plan: Plan) -> None:
        if plan.stop_first and self.actual is not None:
            self._power = "stopped" if plan.power == "stopped" else "running"
            self.operations.power(self.actual, "stopped")
            self._find()
        self._write(plan)
        if plan.restart and self.actual is not None:
            # Remembered, so that a guest stopped half-way is started again after a lost answer.
            self._power = "running"
            self.operations.power(self.actual, "stopped")
            self._find()
        power = plan.power or self._power
        if power is None:
            return
        if plan.action != "none":
            self._find()
        if self.actual is not None and self.actual.get("state") != power:
            self.operations.power(self.actual, power)

    def _write(self, plan: Plan) -> None:
        if plan.action == "replace":
            self._power = plan.power
        if plan.action in ("delete", "replace") and self.actual is not None:
            self.operations.delete(self.actual)
            self.actual = None
        if plan.action in ("create", "replace"):
            self.operations.create(plan)
        elif plan.action == "update" and self.actual is not None:
            self.operations.update(self.actual, plan)

    def _find(self) -> None:
        self.actual = find_one(self.resource, self.operations, self.desired)

    def _read_back(self, plan: Plan, lost: UncertainOutcome) -> Plan:
        """Return what is left to do after a write whose answer was lost."""
        try:
            applied = self.operations.settle(self.actual)
            self._find()
        except VirtbridgeError as error:
            reason = f" Reading it back failed: {error.message}"
            raise self._unknown(plan, lost, reason) from lost
        rest = make_plan(self.resource, _without_unreadable(self.desired), self.actual)
        if self._power and not rest.power and (self.actual or {}).get("state") != self._power:
            rest = replace(rest, power=self._power)
        if unreadable(self.resource, plan) and applied is not True:
            raise self._unknown(plan, lost, " It holds a secret, which cannot be read back.")
        return rest

    def _unknown(self, plan: Plan, lost: UncertainOutcome, reason: str = "") -> UncertainOutcome:
        label = label_of(self.resource, self.desired, self.actual)
        wanted = plan.action if plan.action != "none" else f"power state {plan.power}"
        return UncertainOutcome(
            f"{label}: whether the {wanted} was applied is unknown, because the answer was lost "
            f"({lost.message}).{reason} Look at the object before trying again.",
            request=lost.request,
            http_status=lost.http_status,
        )


def _without_unreadable(desired: Mapping[str, Any]) -> dict[str, Any]:
    return {**desired, "update_secrets": "on_create"}


def _verified(
    resource: Resource, operations: Operations, desired: Mapping[str, Any], plan: Plan
) -> Actual:
    """Return the object read again; InternalError when it is not what was planned."""
    actual = find_one(resource, operations, desired)
    settled = {**_without_unreadable(desired), "restart": "never"}
    rest = make_plan(resource, {**settled, "allow_replace": True}, actual)
    if not rest.changed:
        return actual
    wrong = _differences(rest, actual)
    label = label_of(resource, desired, actual)
    raise InternalError(
        f"{label} is inconsistent after the {plan.action if plan.action != 'none' else 'change'}: "
        f"the platform reported success, but {'; '.join(f'{k} {v}' for k, v in wrong.items())}.",
        fields=wrong,
    )


def _differences(rest: Plan, actual: Actual) -> dict[str, str]:
    if rest.action == "create":
        return {"state": "is absent"}
    if rest.action == "delete":
        return {"state": "is still present"}
    wrong = {
        change.path: "differs"
        if change.secret
        else f"is {change.before!r} instead of {change.after!r}"
        for change in rest.changes
    }
    if rest.power:
        wrong["state"] = f"is {(actual or {}).get('state')} instead of {rest.power}"
    return wrong
