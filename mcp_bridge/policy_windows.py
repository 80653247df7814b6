# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows: days of the week and times on the wall, somewhere in the world. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class WeeklyWindow:
    """A window that opens on some days of the week, and may end on the day after.

    It ends on the next day when ``ends`` is not later than ``begins``. On a day when the clock is
    changed, of a time that comes twice the later one opens and the earlier one closes, so that
    the window is open only when both readings of the wall say so.
    """

    name: str
    days: frozenset[str]
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
        return max(self._readings(day, self.begins)) <= now < min(self._readings(last, self.ends))

    def _readings(self, day: datetime.date, wall: datetime.time) -> list[datetime.datetime]:
        # In UTC, because within one zone Python compares what the walls say.
        return [
            datetime.datetime.combine(day, wall.replace(fold=fold), self.zone).astimezone(
                datetime.UTC
            )
            for fold in (0, 1)
        ]
