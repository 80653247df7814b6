# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kill: a call that writes, a victim, a moment; and what must hold afterwards."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_bridge.runner.workspace import base_folder
from tests.faults.errands import Errand, World
from tests.faults.served import state_files
from tests.runner import tree
from tests.waiting import came_true

_ORPHANS_END = 2.0
_APPEARS = 20.0
_NOTHING, _NOT_BEGUN = "nothing was run", "not begun"
_DEFINITE = ("ok", "uncertain", _NOTHING, _NOT_BEGUN)
_GROWS = re.compile(r"\.(jsonl|db|key|head|checkpoints)(-wal|-shm)?$")
_ID = re.compile(r"[0-9a-f]{32}")
# The share of a call during which its victims are there, from their start.
_SILENT = 0.5
_SHARE = {"cli": 0.9, "worker": 0.7, "module": 0.7}


def victims(kind: str) -> tuple[str, ...]:
    """Return who can be killed in a bridge of a kind."""
    of_its_own = {"warm": ("server",), "worker": ("node",)}
    return ("bridge", *of_its_own.get(kind, ()), *tree.ROLES)


@dataclass
class Tally:
    """What became of the kills."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: int = 0
    orphans: int = 0
    doubles: int = 0
    written: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Return how many processes were killed."""
        return sum(self.outcomes.values())

    def figures(self) -> dict[str, Any]:
        """Return the sums, and what each kind of kill came to."""
        table: dict[str, dict[str, int]] = {}
        for (victim, outcome), count in sorted(self.outcomes.items()):
            table.setdefault(victim, {})[outcome] = count
        return {
            "kills": self.kills,
            "orphans": self.orphans,
            "doubles": self.doubles,
            "write_had_arrived": self.written,
            "problems": len(self.problems),
            "missed": self.missed,
            "outcomes": table,
        }


class Killing:
    """Kills in one world, one after the other."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.tally = world, Tally()
        self._chance = chance
        self._base = base_folder(Path(world.bridge.environment["XDG_STATE_HOME"], "virtbridge"))
        self._usual = self._state()
        self._known: dict[str, tuple[float, int]] = {}
        self._queue: list[str] = []

    def one(self) -> None:
        """Kill somebody, or miss, and note everything that is wrong then."""
        if not self._queue:
            self._queue = list(victims(self.world.kind))
            self._chance.shuffle(self._queue)
        victim, errand = self._queue[-1], self._chance.choice(self.world.errands)
        if errand.name not in self._known:
            self._known[errand.name] = self._learnt(errand)
        length, requests = self._known[errand.name]
        moment = self._chance.uniform(0, length * _SHARE.get(victim, 1.0))
        self.world.fresh(errand.platform)
        held = self._held(victim, errand, requests)
        runs = self._runs()
        number = self.world.served.call(errand.tool, **errand.arguments)
        folders = self._server_folders()
        if not self._kill(victim, moment, number):
            self.tally.missed += 1
            if held or self.world.served.answer(number) is None:
                # It would wait for a silent platform for minutes, and must not meet the next kill.
                self.world.restart()
            return
        self._queue.pop()
        where = f"{victim} after {moment:.3f} s of {errand.name}{held}"
        self._judge(victim, errand, number, (where, runs, folders))

    def _held(self, victim: str, errand: Errand, requests: int) -> str:
        """Let the platform fall silent in every second run, so that a module would stay long."""
        if victim == "server" or self._chance.random() < _SILENT:
            return ""
        request = self._chance.randint(1, requests)
        applied = self._chance.random() < _SILENT
        control = self.world.sims[errand.platform].control
        control.fault("timeout", nth=request, count=0, applied=applied)
        return f", silent from request {request} on"

    def _learnt(self, errand: Errand) -> tuple[float, int]:
        """Return how long an errand takes when nobody is killed, and of how many requests."""
        self.world.fresh(errand.platform)
        begin = time.monotonic()
        body = self.world.served.asked(errand.tool, **errand.arguments)
        assert body["status"] == "changed", body
        return time.monotonic() - begin, len(self.world.sims[errand.platform].control.journal())

    def _kill(self, victim: str, moment: float, number: int) -> bool:
        """Kill the victim some time after it has appeared; whether it was still there."""
        served = self.world.served
        deadline = time.monotonic() + _APPEARS
        while self._found(victim) is None:
            if served.answered(number) or time.monotonic() > deadline:
                return False
        time.sleep(moment)
        pid = self._found(victim)
        if pid is None or served.answered(number):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def _found(self, victim: str) -> int | None:
        bridge = self.world.served.pid
        if victim == "bridge":
            return bridge
        if victim == "server":
            return next(iter(tree.servers(bridge)), None)
        return tree.roles(bridge).get(victim)

    def _judge(
        self, victim: str, errand: Errand, number: int, about: tuple[str, set[str], set[str]]
    ) -> None:
        """Look at everything after a kill: the answer, what is left, the next call, the writes."""
        where, before, folders = about
        world, problems = self.world, []
        body = world.served.answer(number)
        problems += self._orphans(victim)
        if victim == "bridge":
            self._restart({*(self._runs() - before), *folders})
            body = self._told_later(self._runs() - before)
        problems += self._folders(self._runs() - before)
        world.sims[errand.platform].control.clear_faults()
        following = world.served.asked("vm_get", ref=world.refs[errand.platform, "web1"])
        if not following["ok"]:
            problems.append(f"the next call: {following}")
        problems += self._folders(folders)
        writes = world.writes(errand.platform)
        double = [f"{name} {count} times" for name, count in writes.items() if count > 1]
        self.tally.doubles += len(double)
        self.tally.written += bool(writes)
        outcome = self._outcome(victim, body)
        if outcome not in _DEFINITE:
            problems.append(f"answered {body}")
        problems += [*double, *_contradictions(outcome, body, writes)]
        if world.served.twice:
            problems.append(f"answered twice: {world.served.twice}")
        if more := self._state() - self._usual:
            problems.append(f"left in the state: {dict(more)}")
        self.tally.outcomes[victim, outcome] += 1
        self.tally.problems += [f"{where}: {problem}" for problem in problems]

    def _told_later(self, runs: set[str]) -> dict[str, Any] | None:
        """Return what the next bridge says of the run; None when none was begun."""
        for run_id in runs:
            return self.world.served.asked("run_get", run_id=run_id, wait=20)
        return None

    def _state(self) -> Counter[str]:
        """Return the files of the state that are not databases or logs, ids taken out."""
        names = (name for name in state_files(self.world.bridge) if not _GROWS.search(name))
        return Counter(_ID.sub("ID", name) for name in names)

    def _outcome(self, victim: str, body: dict[str, Any] | None) -> str:
        if body is None:
            return _NOT_BEGUN if victim == "bridge" else "no answer"
        if "ok" not in body:
            return f"protocol error: {body}"
        if body["ok"]:
            return "ok"
        error = body["error"]
        if error["code"] == "internal" and "before the module started" in error["message"]:
            return _NOTHING
        return str(error["code"])

    def _orphans(self, victim: str) -> Iterator[str]:
        """Yield who lives on after two seconds; a bridge that was killed is started again."""
        world = self.world
        left: set[int] = set()

        def none_left() -> bool:
            nonlocal left
            own = set() if victim == "bridge" else world.served.own()
            left = {pid for pid in tree.marked(world.home) - own if tree.alive(pid)}
            if victim != "bridge":
                # The server is told to fork, and a fork looks like its server.
                left |= {child for pid in own - {world.served.pid} for child in tree.children(pid)}
            return not left

        if not came_true(none_left, _ORPHANS_END):
            for pid in left:
                self.tally.orphans += 1
                yield f"an orphan: {pid} {tree.command(pid)!r}"

    def _restart(self, names: set[str]) -> None:
        """Start a bridge after one was killed, which is to remove what that one has left."""
        for name in names:
            with suppress(FileNotFoundError):
                # A young folder is left alone, because its owner may only just have made it.
                os.utime(self._base / name, (1, 1))
        self.world.restart()

    def _folders(self, names: set[str]) -> Iterator[str]:
        """Yield the folders that nobody lives in any more."""
        for name in names - self._server_folders():
            if (self._base / name).exists():
                yield f"a folder is left: {name}"

    def _runs(self) -> set[str]:
        return {row["run_id"] for row in self.world.bridge.audit("intent")[-3:]}

    def _server_folders(self) -> set[str]:
        """Return the names of the folders that the fork servers live in."""
        found = set()
        for pid in tree.servers(self.world.served.pid):
            spec = tree.command(pid).rstrip(b"\0").rpartition(b"\0")[2]
            found.add(Path(os.fsdecode(spec)).parent.name)
        return found


def _contradictions(
    outcome: str, body: dict[str, Any] | None, writes: Counter[str]
) -> Iterator[str]:
    """Yield where an answer is not so, or is none."""
    if outcome == "ok" and body is not None and (body["status"] != "changed" or not writes):
        yield f"a success that is none: {body}"
    if outcome in (_NOTHING, _NOT_BEGUN) and writes:
        yield f"something was run: {dict(writes)}"
    if body is not None and not body.get("ok", True) and body["error"]["retryable"]:
        yield f"called retryable: {body}"
