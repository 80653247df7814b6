# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one-file platform of the engine's own tests: it proves the suite itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plugins.module_utils.engine.module import run
from plugins.module_utils.engine.resource import Declaration, Resource
from tests.contract.support.child import Result, run_in_child
from tests.contract.support.world import World
from tests.unit.plugins.module_utils.engine import tiny
from tools.declarations import Declared

DECLARED = tuple(
    Declared(getattr(tiny, name), "tiny", name) for name in ("BOX", "POWER", "INFO", "API")
)


class Tiny(World):
    """Boxes in a file."""

    def __init__(self, folder: Path) -> None:
        self._store = tiny.Store(folder / "world.json")
        self.base = {"store": str(self._store.path), "password": tiny.LOGIN}
        self.wrong_credentials = {"password": "not-the-password"}
        self.unreachable = {"password": "unreachable"}

    def run(self, declaration: Declaration, args: Mapping[str, Any], **how: Any) -> Result:
        return run_in_child(lambda: run(declaration), {**self.base, **args}, **how)

    def reset(self) -> None:
        self._store.write({"objects": [], "journal": [], "faults": []})
        for name, state in (("one", "running"), ("two", "stopped"), ("twin", "stopped")):
            self._store.add(name=name, state=state)
        self._store.add(name="twin")

    def forget(self) -> None:
        self._store.write({**self._store.read(), "journal": []})

    def requests(self) -> list[str]:
        return self._store.journal

    def writes(self) -> list[str]:
        return self._store.writes

    def snapshot(self) -> Any:
        return self._store.objects

    def lose_answer(self, *, applied: bool, count: int = 1) -> None:
        self._store.fault("any write", "lost_after" if applied else "lost_before", times=count)

    def hang_write(self) -> None:
        self._store.fault("any write", "hang")

    def fail_operation(self) -> str:
        self._store.fault("any write", "failed")
        return "line 1"

    def in_state(self, declaration: Declaration) -> Mapping[str, Mapping[str, Any]]:
        return {"running": {"name": "one"}, "stopped": {"name": "two"}}

    def twins(self, declaration: Declaration) -> Mapping[str, Any]:
        return {"name": "twin"}

    def unknown(self, declaration: Declaration) -> Mapping[str, Any]:
        return {"name": "nobody"}

    def new(self, resource: Resource) -> Mapping[str, Any]:
        return {"name": "new"}

    def call(self, declaration: Declaration, *, writes: bool) -> Mapping[str, Any]:
        return {"name": "poke" if writes else "look"}


@contextmanager
def start() -> Iterator[Tiny]:
    """Make the file, and remove it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        yield Tiny(Path(folder))
