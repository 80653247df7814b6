# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of runs: kept by age, number and size; given up once, whoever does it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.cleaning import Cleaning
from mcp_bridge.lease import Lease, lives, sweep
from mcp_bridge.run_store import MIGRATIONS, Keep, RunStore
from mcp_bridge.store import Store

WHAT = ("vm_list", "vm_info", "read")
OK = {"ok": True, "status": "ok", "data": "x" * 100}


class Bridge:
    """One process with runs in a state folder, as far as the folder can tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "state.db", {"runs": MIGRATIONS})
        self.runs = RunStore(self.store, folder / "bridges")

    def begin(self, *run_ids: str, **more: Any) -> None:
        given: dict[str, Any] = {"caller": ("os:a", "c"), "what": WHAT, "targets": ["lab"]}
        for run_id in run_ids:
            self.runs.begin(run_id, **(given | more))

    def ended(self, *run_ids: str) -> None:
        self.begin(*run_ids)
        self.runs.end(dict.fromkeys(run_ids, False), OK, log="", how="warm")

    def age(self, run_id: str, days: float) -> None:
        with self.store.writing() as connection:
            connection.execute(
                "UPDATE runs SET began = ? WHERE run_id = ?", (time.time() - days * 86_400, run_id)
            )

    def die(self) -> None:
        """Let go of the lease as the kernel does when a process is killed: the file stays."""
        os.close(self.runs._lease._file)

    def names(self) -> list[str]:
        return [run.run_id for run in self.runs.listed({}, limit=20_000)]


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


def test_what_is_too_old_too_many_or_too_large_goes_the_oldest_first(bridge: Bridge) -> None:
    """Red when only one of the three limits counts."""
    for number in range(6):
        bridge.ended(f"r{number}")
        bridge.age(f"r{number}", 6 - number)
    bridge.begin("alive")
    bridge.age("alive", 400)
    size = len(json.dumps(OK))
    for keep, left in (
        (Keep(), 6),
        (Keep(days=5.5), 5),
        (Keep(count=4), 4),
        (Keep(bytes=3 * size + 10), 3),
        (Keep(count=0), 0),
    ):
        bridge.runs.prune(keep)
        names = bridge.names()
        assert names == [f"r{number}" for number in range(5, 5 - left, -1)] + ["alive"], keep


def test_ten_thousand_runs_are_listed_and_pruned(bridge: Bridge) -> None:
    with bridge.store.writing() as connection:
        connection.executemany(
            "INSERT INTO runs (run_id, principal, client, tool, operation, risk, targets, state, "
            "began, bridge, answer) VALUES (?, 'p', 'c', ?, 'o', 'read', '[\"lab\"]', 'failed', "
            "?, 'gone', '{\"ok\": false}')",
            [(f"r{number:05}", f"t{number % 7}", float(number + 1)) for number in range(10_000)],
        )
    latest = bridge.runs.listed({"tool": "t3", "target": "lab"}, limit=5)
    assert [run.run_id for run in latest] == [f"r{9999 - 7 * each:05}" for each in range(5)]
    assert bridge.runs.listed({"target": "other"}) == []
    bridge.runs.prune(Keep(days=1e6, count=9_000))
    assert len(bridge.names()) == 9_000


def test_the_runs_of_the_dead_are_given_up_once_by_whoever_is_first(tmp_path: Path) -> None:
    """Red when the report is made outside of the transaction."""
    dead, alive = Bridge(tmp_path), Bridge(tmp_path)
    dead.begin("d1", "d2")
    dead.ended("done")
    alive.begin("a1")
    dead.die()
    reports: list[Sequence[str]] = []
    others = [Bridge(tmp_path) for _each in range(4)]
    threads = [
        threading.Thread(target=other.runs.recover, args=(reports.append,)) for other in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [["d1", "d2"]]
    states = {run.run_id: run.state for run in alive.runs.listed({})}
    assert states == {
        "d1": "uncertain", "d2": "uncertain", "a1": "running", "done": "succeeded",
    }  # fmt: skip


def test_when_the_audit_cannot_be_written_they_are_given_up_later(tmp_path: Path) -> None:
    """Red when the rows are changed first: the audit would never say it."""
    dead, other = Bridge(tmp_path), Bridge(tmp_path)
    dead.begin("d1")
    dead.die()

    (tmp_path / "file").touch()
    full = Audit(Places.beside(tmp_path / "file" / "audit.jsonl", key=tmp_path / "key"))
    assert Cleaning(tmp_path, other.runs, full, Keep()).recover() == []
    seen = other.runs.find("d1")
    assert seen is not None
    assert seen.state == "uncertain"
    audit = Audit(Places.beside(tmp_path / "audit.jsonl", key=tmp_path / "key"))
    for found in (["d1"], []):
        assert Cleaning(tmp_path, other.runs, audit, Keep()).recover() == found
    assert audit.path.read_text().count('"status":"uncertain"') == 1


def test_the_end_of_a_run_may_stand_in_a_closed_part(tmp_path: Path) -> None:
    """Red when only the newest part is read: the run would have two ends."""
    dead, other = Bridge(tmp_path), Bridge(tmp_path)
    dead.begin("d1", "d2")
    dead.die()
    audit = Audit(Places.beside(tmp_path / "audit.jsonl"))
    audit.outcome("d1", "successful")
    assert audit.rotate("os:me") is not None
    assert Cleaning(tmp_path, other.runs, audit, Keep()).recover() == ["d1", "d2"]
    content = audit.path.read_text()
    assert '"run_id":"d2"' in content and '"run_id":"d1"' not in content


def test_a_long_audit_is_read_once_for_all_runs_of_the_dead(tmp_path: Path) -> None:
    """Red when it is read for each run: fifty times what it holds."""
    dead, other = Bridge(tmp_path), Bridge(tmp_path)
    names = [f"d{number}" for number in range(50)]
    dead.begin(*names)
    dead.die()
    audit = Audit(Places.beside(tmp_path / "audit.jsonl"))
    audit.outcome("d0", "ok")
    row = json.loads(audit.path.read_text())
    older = (json.dumps({**row, "run_id": f"{number:032}"}) for number in range(10_000))
    audit.path.write_text("\n".join([*older, audit.path.read_text()]))
    size = audit.path.stat().st_size
    before = read_so_far()
    assert len(Cleaning(tmp_path, other.runs, audit, Keep()).recover()) == 50
    assert size < read_so_far() - before < 5 * size
    rows = [json.loads(line) for line in audit.path.read_text().splitlines()]
    lost = [row["run_id"] for row in rows if row["how"] == "lost"]
    assert sorted(lost) == sorted(names[1:])


def read_so_far() -> int:
    """Return how many bytes this process has read, from wherever."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_only_its_own_bridge_ends_a_run(tmp_path: Path) -> None:
    """Red without the lease in the condition of the update."""
    first, second = Bridge(tmp_path), Bridge(tmp_path)
    first.begin("r")
    second.runs.end({"r": True}, OK, log="", how="warm")
    found = second.runs.find("r")
    assert found is not None
    assert (found.state, found.answer) == ("running", None)


def test_a_lease_lives_as_long_as_it_is_held(tmp_path: Path) -> None:
    """Red when a sweep takes away what is held."""
    held, left = Lease(tmp_path), Lease(tmp_path)
    os.close(left._file)
    assert (lives(tmp_path, held.name), lives(tmp_path, left.name)) == (True, False)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [held.name]
    held.close()
    assert not lives(tmp_path, held.name)
    sweep(tmp_path / "nowhere")


def test_what_ended_uncertain_or_refused_is_said_so(bridge: Bridge) -> None:
    for code, state in (
        ("uncertain", "uncertain"), ("audit_failed", "refused"), ("timeout", "failed"),
    ):  # fmt: skip
        bridge.begin(code)
        body = {"ok": False, "status": "failed", "error": {"code": code}}
        bridge.runs.end({code: True}, body, log="l" * 100_000, how=None)
        run = bridge.runs.find(code, "os:a")
        assert run is not None
        assert (run.state, run.code, len(run.log)) == (state, code, 65_536)
        assert bridge.runs.find(code, "os:b") is None


def test_artifacts_and_leftovers_go_by_age_number_and_size(bridge: Bridge) -> None:
    kept, links = bridge.folder / "artifacts", bridge.folder / "links" / "deep"
    links.mkdir(parents=True)
    for place, days in ((links / ".link-old", 2), (links / ".link-new", 0), (links / "plugins", 9)):
        place.mkdir()
        os.utime(place, (time.time() - days * 86_400,) * 2)
    for number in range(6):
        place = kept / f"a{number}"
        place.mkdir(parents=True)
        (place / "stdout").write_text("x" * 1000)
        os.utime(place, (time.time() - number * 86_400,) * 2)
    audit = Audit(Places.beside(bridge.folder / "audit.jsonl"))
    for keep, left in ((Keep(), 6), (Keep(days=4.5), 5), (Keep(count=3), 3), (Keep(bytes=2500), 2)):
        Cleaning(bridge.folder, bridge.runs, audit, keep).clean()
        assert sorted(each.name for each in kept.iterdir()) == [f"a{n}" for n in range(left)]
    assert sorted(each.name for each in links.iterdir()) == [".link-new", "plugins"]
