# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time as people write them: how long ago, or a date with or without time."""

from __future__ import annotations

import datetime
import re
import time

FORMS = "90s, 30m, 2h or 7d ago, or a date like 2026-05-01 or 2026-05-01T12:00"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment_of(text: str) -> float:
    """Return the point in time as seconds since 1970. Raises ValueError that names the forms."""
    ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if ago:
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is neither {FORMS}") from None
