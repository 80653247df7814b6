# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dead bridges leave behind: runs without an end, folders, and what is kept too long.

Done when a bridge starts, and now and then while it lasts.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path

from .audit import Audit
from .audit_parts import opened
from .errors import BridgeError
from .run_store import Keep, RunStore
from .runner.workspace import base_folder, recover

_EVERY = 3600.0
_OFTEN = 60.0
_PATIENCE = 5.0
_DAY = 86_400.0
_log = logging.getLogger(__name__)


class Cleaning:
    """Cleans one state folder."""

    def __init__(self, state_dir: Path, runs: RunStore, audit: Audit, keep: Keep) -> None:
        self._state_dir, self._runs, self._audit, self._keep = state_dir, runs, audit, keep
        self._also: Callable[[], None] = lambda: None
        self._often = _OFTEN
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._now_and_then, daemon=True)

    def recover(self) -> list[str]:
        """Give up the runs of dead bridges, in the store and in the audit; return them."""
        try:
            return self._runs.recover(self._report)
        except BridgeError as error:
            _log.warning("runs of a bridge that died are not given up yet: %s", error)
            return []

    def clean(self) -> None:
        """Remove what is kept too long, and what nobody will come back for."""
        try:
            self._runs.prune(self._keep)
            recover(base_folder(self._state_dir))
        except BridgeError as error:
            _log.warning("%s", error)
        _prune(self._state_dir / "artifacts", self._keep)
        _prune_links(self._state_dir / "links")

    def start(self, also: Callable[[], None], often: float = _OFTEN) -> None:
        """Clean in the background, at once and each hour, until `close`.

        ``also`` is what cannot wait so long: it is called each ``often`` seconds.
        """
        self._also, self._often = also, often
        self._thread.start()

    def close(self) -> None:
        """Clean no more, so that the store can be closed."""
        self._over.set()
        self._thread.join(_PATIENCE)

    def _now_and_then(self) -> None:
        self.clean()
        due = time.monotonic() + _EVERY
        while not self._over.wait(self._often):
            self._also()
            if time.monotonic() >= due:
                self.recover()
                self.clean()
                due = time.monotonic() + _EVERY

    def _report(self, run_ids: Sequence[str]) -> None:
        known = set(_with_outcome(self._audit.path, run_ids))
        for run_id in run_ids:
            if run_id not in known:
                self._audit.outcome(run_id, "uncertain", error="uncertain", how="lost")


def _with_outcome(path: Path, run_ids: Sequence[str]) -> list[str]:
    """Return those runs whose end the audit has: their bridge died right after it."""
    wanted, found = set(run_ids), []
    with suppress(OSError), ExitStack() as files:
        for line in chain.from_iterable(part.lines() for part in opened(path, files)):
            if b'"outcome"' not in line:
                continue
            with suppress(ValueError):
                row = json.loads(line)
                if row.get("event") == "outcome" and row.get("run_id") in wanted:
                    found.append(row["run_id"])
    return found


def _prune(folder: Path, keep: Keep) -> None:
    """Remove the oldest folders of artifacts beyond what is kept."""
    with suppress(OSError):
        places = sorted(folder.iterdir(), key=_changed, reverse=True)
        size = 0
        for number, place in enumerate(places, start=1):
            size += sum(each.lstat().st_size for each in place.rglob("*"))
            old = time.time() - _changed(place) > keep.days * _DAY
            if old or number > keep.count or size > keep.bytes:
                shutil.rmtree(place, ignore_errors=True)


def _prune_links(folder: Path) -> None:
    """Remove what a bridge left that was killed while it made the links of a checkout."""
    with suppress(OSError):
        for place in folder.rglob(".link-*"):
            if time.time() - _changed(place) > _DAY:
                shutil.rmtree(place, ignore_errors=True)


def _changed(place: Path) -> float:
    return place.lstat().st_mtime
