# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans on disk. A plan changes its state by compare-and-set, so it happens once or not at all.

The call that a plan repeats is stored sealed and wiped as soon as the plan cannot be applied any
more; what a person is shown has no secrets.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .plans import NEXT, OPEN, Plan, State
from .policy import Approval
from .sealed import Sealer
from .store import Store

PART = "plans"
MIGRATIONS = (
    """
    CREATE TABLE plans (
        id TEXT PRIMARY KEY, state TEXT NOT NULL, digest TEXT NOT NULL,
        principal TEXT NOT NULL, terms TEXT NOT NULL, shown TEXT NOT NULL, sealed BLOB,
        created INTEGER NOT NULL, expires INTEGER NOT NULL,
        verdict TEXT NOT NULL, by TEXT, four_eyes INTEGER NOT NULL, code TEXT UNIQUE,
        approval BLOB, owner TEXT, run_id TEXT
    );
    CREATE INDEX plans_by_state ON plans (state, created);
    """,
)
_MOST_OPEN = 500
_PLAIN = (
    "id", "state", "digest", "created", "expires", "verdict", "by", "code", "owner", "run_id",
)  # fmt: skip
_COUNT_OPEN = (
    "SELECT count(*) FROM plans WHERE principal = ? AND state IN ('planned', 'pending', 'approved')"
)
_ADD = (
    "INSERT INTO plans (id, state, digest, principal, terms, shown, sealed, created, expires, "
    "verdict, by, four_eyes, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVE = (
    "UPDATE plans SET state = ?, code = ?, approval = ?, owner = ?, run_id = ?, "
    "sealed = CASE WHEN ? THEN NULL ELSE sealed END WHERE id = ? AND state = ? AND digest = ?"
)
_OVERDUE = (
    "SELECT id, state, digest, principal FROM plans "
    "WHERE state IN ('planned', 'pending', 'approved') AND expires <= ?"
)
_EXPIRE = (
    "UPDATE plans SET state = 'expired', code = NULL, sealed = NULL "
    "WHERE id = ? AND state = ? AND digest = ?"
)
_FORGET = (
    "DELETE FROM plans WHERE state NOT IN ('planned', 'pending', 'approved', 'applying') "
    "AND expires <= ?"
)


class TooManyPlans(Exception):
    """A caller has more open plans than are kept for one."""


@dataclass(frozen=True)
class Overdue:
    """An open plan whose time is over; what is stored of it may be damaged otherwise."""

    id: str
    state: str
    digest: str
    principal: str


class PlanStore:
    """All plans of one store."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def add(self, plan: Plan, call: Mapping[str, Any]) -> None:
        """Keep a new plan and the call that applying it repeats.

        Raises TooManyPlans when its caller has too many that could still be applied.
        """
        sealed = self._sealer.seal(json.dumps(call).encode(), _context(plan))
        principal = str(plan.terms["principal"])
        values = (
            plan.id, plan.state, plan.digest, principal, json.dumps(plan.terms),
            json.dumps(plan.shown), sealed, plan.created, plan.expires, plan.verdict, plan.by,
            plan.four_eyes, plan.code,
        )  # fmt: skip
        with self._store.writing() as connection:
            if connection.execute(_COUNT_OPEN, (principal,)).fetchone()[0] >= _MOST_OPEN:
                raise TooManyPlans
            connection.execute(_ADD, values)

    def get(self, plan_id: str) -> Plan | None:
        """Return a plan by its id."""
        return self._one("SELECT * FROM plans WHERE id = ?", plan_id)

    def by_code(self, code: str) -> Plan | None:
        """Return a plan by the code that a person types."""
        return self._one("SELECT * FROM plans WHERE code = ?", code)

    def pending(self) -> list[Plan]:
        """Return the plans that wait for a person, the oldest first."""
        query = "SELECT * FROM plans WHERE state = 'pending' ORDER BY created, id"
        return [self._plan(row) for row in self._store.rows(query)]

    def call_of(self, plan: Plan) -> dict[str, Any]:
        """Return the call that applying a plan repeats.

        Raises SealBroken when it was changed, or is of another plan; LookupError when it is wiped.
        """
        rows = self._store.rows("SELECT sealed FROM plans WHERE id = ?", plan.id)
        if not rows or rows[0]["sealed"] is None:
            raise LookupError(plan.id)
        call: dict[str, Any] = json.loads(self._sealer.open(rows[0]["sealed"], _context(plan)))
        return call

    def move(
        self,
        plan: Plan,
        state: State,
        *,
        code: str | None = None,
        approval: Approval | None = None,
        approved: int = 0,
        owner: str | None = None,
        run_id: str | None = None,
    ) -> Plan | None:
        """Bring a plan to another state; None when it is no longer what ``plan`` says.

        Of all who try at once, in all processes, one gets the plan and the others None.
        """
        if state not in NEXT.get(plan.state, ()):
            raise ValueError(f"a plan that is {plan.state} cannot be {state}")
        after = replace(
            plan,
            state=state,
            code=(code or plan.code) if state in OPEN else None,
            approval=approval or plan.approval,
            approved=approved or plan.approved,
            owner=owner or plan.owner,
            run_id=run_id or plan.run_id,
        )
        wipe = state not in OPEN and state != "applying"
        now = (state, after.code, self._proof(after), after.owner, after.run_id, wipe)
        with self._store.writing() as connection:
            done = connection.execute(_MOVE, (*now, plan.id, plan.state, plan.digest))
        return after if done.rowcount == 1 else None

    def overdue(self, now: float) -> list[Overdue]:
        """Return the plans that are still open although their time is over."""
        return [Overdue(**dict(row)) for row in self._store.rows(_OVERDUE, now)]

    def expire(self, over: Overdue, record: Callable[[], None]) -> None:
        """End a plan and record that; nothing when it moved on, or when recording raises."""
        with self._store.writing() as connection:
            if connection.execute(_EXPIRE, (over.id, over.state, over.digest)).rowcount == 1:
                record()

    def sweep(self, now: float, lives: Callable[[str], bool], keep: float) -> list[Plan]:
        """Return the plans whose bridge died while applying them, ended.

        Those are `uncertain`: whether they were applied is for their object to say. What ended
        longer than ``keep`` seconds ago is forgotten.
        """
        lost = []
        for row in self._store.rows("SELECT * FROM plans WHERE state = 'applying'"):
            plan = self._plan(row)
            if plan.owner is None or not lives(plan.owner):
                ended = self.move(plan, "uncertain")
                lost += [ended] if ended else []
        with self._store.writing() as connection:
            connection.execute(_FORGET, (now - keep,))
        return lost

    def _one(self, query: str, value: str) -> Plan | None:
        rows = self._store.rows(query, value)
        return self._plan(rows[0]) if rows else None

    def _proof(self, plan: Plan) -> bytes | None:
        """Return the approval as it is stored: sealed, so that no edited row makes one."""
        if plan.approval is None:
            return None
        said = [plan.approval.channel, plan.approval.approver, plan.approved]
        return self._sealer.seal(json.dumps(said).encode(), _context(plan, "approval"))

    def _plan(self, row: sqlite3.Row) -> Plan:
        plan = Plan(
            **{name: row[name] for name in _PLAIN},
            terms=json.loads(row["terms"]),
            shown=json.loads(row["shown"]),
            four_eyes=bool(row["four_eyes"]),
        )
        if row["approval"] is None:
            return plan
        said = json.loads(self._sealer.open(row["approval"], _context(plan, "approval")))
        channel, approver, approved = said
        return replace(plan, approval=Approval(channel, approver, plan.digest), approved=approved)


def _context(plan: Plan, what: str = "call") -> bytes:
    return f"{what}:{plan.id}:{plan.digest}".encode()
