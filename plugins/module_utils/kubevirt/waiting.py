# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Wait for an object: list it, watch what changes, list again when the watch ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ..engine.errors import Unavailable, UncertainOutcome, WaitTimeout
from .client import Client
from .kinds import Kind

_LONGEST_WATCH = 30.0
_PAUSE = 0.2
Judge = Callable[[Any], bool]
"""Whether an object (None: there is none) is as it should be; raises when it never will be."""


def until(
    client: Client, kind: Kind, place: tuple[str, str], judge: Judge, *, timeout: float, what: str
) -> None:
    """Return when the judge is content with the object at namespace and name.

    Raises WaitTimeout after ``timeout`` seconds, saying that ``what`` has not happened.
    """
    ends = time.monotonic() + timeout
    while True:
        for obj in _seen(client, kind, place, ends):
            if judge(obj):
                return
        if time.monotonic() >= ends:
            raise WaitTimeout(
                f"{place[0]}/{place[1]}: {what} was accepted but has not happened within "
                f"{timeout:g} s. It may still happen; run this again with a longer wait_timeout.",
                request=what,
            )
        time.sleep(min(_PAUSE, max(0.0, ends - time.monotonic())))


def _seen(
    client: Client, kind: Kind, place: tuple[str, str], ends: float
) -> Iterator[dict[str, Any] | None]:
    """Yield an object as it is, and as it becomes while one watch lasts."""
    try:
        found, version = client.one(kind, *place)
        yield found
        left = min(_LONGEST_WATCH, ends - time.monotonic())
        if left <= 0:
            return
        for event, obj in client.watch(kind, *place, version, left):
            yield None if event == "DELETED" else obj
    except (Unavailable, UncertainOutcome):
        if time.monotonic() >= ends:
            raise
