# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of all bridges that share a state folder, for as long as they are kept.

A run is written down before it begins, with the lease of its bridge. Only that bridge writes its
end. When the bridge is dead and there is no end, nobody knows it: `recover` says so, once.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .lease import Lease, lives, sweep
from .store import Store

MIGRATIONS = (
    """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, principal TEXT NOT NULL, client TEXT NOT NULL,
        tool TEXT NOT NULL, operation TEXT NOT NULL, targets TEXT NOT NULL, risk TEXT NOT NULL,
        state TEXT NOT NULL, code TEXT, began REAL NOT NULL, ended REAL, bridge TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0, how TEXT, answer TEXT, log TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX runs_by_time ON runs (began);
    CREATE INDEX runs_alive ON runs (bridge) WHERE state = 'running'
    """,
)
STATES = ("running", "succeeded", "failed", "uncertain", "refused")
_STATE_OF_CODE = {
    "uncertain": "uncertain",
    "denied_by_policy": "refused",
    "audit_failed": "refused",
}
_DAY = 86_400.0
_LARGEST_LOG = 65_536
_BEGIN = (
    "INSERT INTO runs (run_id, principal, client, tool, operation, risk, targets, began, bridge, "
    "state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')"
)
_END = (
    "UPDATE runs SET state = ?, code = ?, ended = ?, how = ?, answer = ?, log = ? "
    "WHERE run_id = ? AND bridge = ? AND state = 'running'"
)
_LOST = "UPDATE runs SET state = 'uncertain', code = 'uncertain', ended = ? WHERE run_id = ?"
_CANCELLED = "SELECT run_id FROM runs WHERE bridge = ? AND state = 'running' AND cancel"
_LIST = (
    "SELECT run_id, principal, client, tool, operation, targets, risk, state, code, began, ended, "
    "bridge, how, NULL AS answer, '' AS log FROM runs WHERE began >= ? ORDER BY began DESC, run_id"
)
_PRUNE = """
    WITH kept AS (
        SELECT run_id, row_number() OVER newest AS place, sum(
            length(CAST(coalesce(answer, '') AS BLOB)) + length(CAST(log AS BLOB))
        ) OVER newest AS size
        FROM runs WHERE state != 'running' WINDOW newest AS (ORDER BY began DESC, run_id)
    )
    DELETE FROM runs WHERE state != 'running' AND (
        began < ? OR run_id IN (SELECT run_id FROM kept WHERE place > ? OR size > ?)
    )
"""


@dataclass(frozen=True)
class StoredRun:
    """One run; ``answer`` is its call's whole envelope once there is one."""

    run_id: str
    principal: str
    client: str
    tool: str
    operation: str
    targets: tuple[str, ...]
    risk: str
    state: str
    code: str | None
    began: float
    ended: float | None
    bridge: str
    how: str | None
    answer: Mapping[str, Any] | None
    log: str

    @property
    def seconds(self) -> float:
        """Return how long it has run, or ran."""
        return round(max(0.0, (self.ended or time.time()) - self.began), 1)


@dataclass(frozen=True)
class Keep:
    """How many ended runs are kept: not older, not more, their answers not larger than this."""

    days: float = 30.0
    count: int = 10_000
    bytes: int = 256 * 1024 * 1024


class RunBook:
    """What anybody who may read the state folder can know of its runs, and ask of them."""

    def __init__(self, store: Store, leases: Path) -> None:
        self._store = store
        self._leases = leases

    def find(self, run_id: str, principal: str | None = None) -> StoredRun | None:
        """Return a run; only one of this principal when there is one given."""
        found = self._store.rows("SELECT * FROM runs WHERE run_id = ?", run_id)
        run = self._run(found[0]) if found else None
        return run if run is not None and principal in (None, run.principal) else None

    def listed(
        self, filters: Mapping[str, str], *, since: float = 0.0, limit: int = 50
    ) -> list[StoredRun]:
        """Return the latest runs without answer and log.

        ``filters`` are of state, tool, operation and target.
        """
        chosen: list[StoredRun] = []
        for row in self._store.rows(_LIST, since):
            run = self._run(row)
            facts = {"state": run.state, "tool": run.tool, "operation": run.operation}
            if all(
                value in run.targets if name == "target" else facts[name] == value
                for name, value in filters.items()
            ):
                chosen.append(run)
            if len(chosen) >= limit:
                break
        return chosen

    def cancel(self, run_id: str) -> None:
        """Ask the bridge that has the run to end it."""
        with self._store.writing() as connection:
            connection.execute("UPDATE runs SET cancel = 1 WHERE run_id = ?", (run_id,))

    def _run(self, row: sqlite3.Row) -> StoredRun:
        content = {key: row[key] for key in row.keys() if key != "cancel"}  # noqa: SIM118
        content["targets"] = tuple(json.loads(content["targets"]))
        content["answer"] = json.loads(content["answer"]) if content["answer"] else None
        if content["state"] == "running" and not lives(self._leases, content["bridge"]):
            content["state"] = content["code"] = "uncertain"
        return StoredRun(**content)


class RunStore(RunBook):
    """The runs as one bridge uses them: it writes down its own."""

    def __init__(self, store: Store, leases: Path) -> None:
        super().__init__(store, leases)
        self._lease = Lease(leases)

    def close(self) -> None:
        """Give up the lease; what has no end by now will never have one."""
        self._lease.close()

    def begin(
        self,
        run_id: str,
        *,
        caller: tuple[str, str],
        what: tuple[str, str, str],
        targets: Sequence[str],
    ) -> None:
        """Write down a run before it begins; StoreBroken when that is impossible.

        ``caller`` is principal and client, ``what`` tool, operation and risk. A run that only
        reads does not wait for the disk: after a power cut there is nothing to find out about it.
        """
        row = (run_id, *caller, *what, json.dumps(list(targets)), time.time(), self._lease.name)
        with self._store.writing(durable=what[2] != "read") as connection:
            connection.execute(_BEGIN, row)

    def end(
        self, runs: Mapping[str, bool], answer: Mapping[str, Any], *, log: str, how: str | None
    ) -> None:
        """Write down how runs of ours ended, all with the answer of their call.

        ``runs`` says of each whether it may have written, and so must survive a power cut.
        """
        code = (answer.get("error") or {}).get("code")
        state = "succeeded" if answer["ok"] else _STATE_OF_CODE.get(str(code), "failed")
        ended = (state, code, time.time(), how, json.dumps(answer), log[-_LARGEST_LOG:])
        with self._store.writing(durable=any(runs.values())) as connection:
            connection.executemany(_END, [(*ended, run_id, self._lease.name) for run_id in runs])

    def cancelled(self) -> list[str]:
        """Return those of our runs that somebody asked to end."""
        return [row["run_id"] for row in self._store.rows(_CANCELLED, self._lease.name)]

    def recover(self, report: Callable[[Sequence[str]], None]) -> list[str]:
        """Give up the runs of dead bridges, and return them; ``report`` hears of them first.

        Bridges that do so at the same time do it one after the other. When ``report`` raises, the
        runs stay as they are, for the next time.
        """
        with self._store.writing() as connection:
            rows = connection.execute("SELECT run_id, bridge FROM runs WHERE state = 'running'")
            dead = sorted(row["run_id"] for row in rows if not lives(self._leases, row["bridge"]))
            if dead:
                report(dead)
                connection.executemany(_LOST, [(time.time(), run_id) for run_id in dead])
        sweep(self._leases)
        return dead

    def prune(self, keep: Keep) -> None:
        """Forget the oldest ended runs beyond what is kept."""
        limits = (time.time() - keep.days * _DAY, keep.count, keep.bytes)
        with self._store.writing(durable=False) as connection:
            connection.execute(_PRUNE, limits)
