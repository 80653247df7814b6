# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows: days of the week and times on the wall, somewhere in the world. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = datetime.timedelta(days=1)
_TICK = datetime.timedelta(milliseconds=1)


@dataclass(frozen=True)
class WeeklyWindow:
    """A window that opens on some days of the week, and may end on the day after.

    It ends on the next day when ``ends`` is not later than ``begins``. On a day when the clock is
    changed, of a time that comes twice the later one opens and the earlier one closes; a time that
    does not come is when the clock jumps over it.
    """

    name: str
    days: frozenset[Day]
    begins: datetime.time
    ends: datetime.time
    zone: ZoneInfo

    def is_open(self, now: datetime.datetime) -> bool:
        """Whether an instant lies in it; its first moment does, its last does not."""
        today = now.astimezone(self.zone).date()
        return any(self._opened(day, now) for day in (today - _DAY, today))

    def _opened(self, day: datetime.date, now: datetime.datetime) -> bool:
        if DAYS[day.weekday()] not in self.days:
            return False
        last = day if self.ends > self.begins else day + _DAY
        return self._instants(day, self.begins)[1] <= now < self._instants(last, self.ends)[0]

    def _instants(
        self, day: datetime.date, wall: datetime.time
    ) -> tuple[datetime.datetime, datetime.datetime]:
        """Return the first and the last instant when the wall says this; in UTC."""
        first, last = (
            datetime.datetime.combine(day, wall.replace(fold=fold), self.zone).astimezone(
                datetime.UTC
            )
            for fold in (0, 1)
        )
        if first <= last:
            return first, last
        # The wall never says it: it is when the clock jumps over it, which lies between both.
        offset = first.astimezone(self.zone).utcoffset()
        while first - last > _TICK:
            middle = last + (first - last) / 2
            if middle.astimezone(self.zone).utcoffset() == offset:
                first = middle
            else:
                last = middle
        jump = first.replace(microsecond=0)
        return jump, jump
