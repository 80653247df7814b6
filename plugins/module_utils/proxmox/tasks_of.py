# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The tasks of one guest: how a call whose answer was lost is found again."""

from __future__ import annotations

import time
from collections.abc import Collection

from .api import Client, path
from .waiting import parse_upid, wait_for_task

_LOOKS = 4
_BETWEEN_LOOKS = 0.5


class GuestTasks:
    """Remembers which tasks of a guest were there before a write, to know what it started.

    Only tasks of ``kinds`` count: somebody may open a console or start a backup meanwhile.
    """

    def __init__(self, client: Client, node: str, vmid: int, kinds: Collection[str]) -> None:
        self._client, self._node, self._vmid = client, node, vmid
        self._kinds = frozenset(kinds)
        self._known = frozenset(self._listed())

    def _listed(self) -> list[str]:
        where = path("/nodes/{node}/tasks", node=self._node)
        rows = self._client.get(where, vmid=self._vmid, source="all", limit=20) or []
        return [str(row["upid"]) for row in rows]

    def begun(self) -> list[str]:
        """Return the tasks of these kinds that were started since, the newest first."""
        return [
            upid
            for upid in self._listed()
            if upid not in self._known and parse_upid(upid).type in self._kinds
        ]

    def settle(self, timeout: float) -> bool:
        """Wait for the end of the tasks started since; False when none appears."""
        for look in range(_LOOKS):
            started = self.begun()
            for upid in started:
                wait_for_task(self._client, upid, timeout, parse_upid(upid).type)
            if started:
                return True
            if look < _LOOKS - 1:
                time.sleep(_BETWEEN_LOOKS)
        return False
