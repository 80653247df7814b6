# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The tasks of one guest: how a call whose answer was lost is found again."""

from __future__ import annotations

import time

from .api import Client, path
from .waiting import parse_upid, wait_for_task

_LOOKS = 4
_BETWEEN_LOOKS = 0.5


class GuestTasks:
    """Remembers which tasks of a guest were there before a write, to know what it started."""

    def __init__(self, client: Client, node: str, vmid: int) -> None:
        self._client, self._node, self._vmid = client, node, vmid
        self._known = frozenset(self._listed())

    def _listed(self) -> list[str]:
        where = path("/nodes/{node}/tasks", node=self._node)
        rows = self._client.get(where, vmid=self._vmid, source="all", limit=20) or []
        return [str(row["upid"]) for row in rows]

    def settle(self, timeout: float) -> bool:
        """Wait for the end of a task started since; False when none appears."""
        for look in range(_LOOKS):
            started = [upid for upid in self._listed() if upid not in self._known]
            if started:
                upid = started[0]
                wait_for_task(self._client, upid, timeout, parse_upid(upid).type)
                return True
            if look < _LOOKS - 1:
                time.sleep(_BETWEEN_LOOKS)
        return False
