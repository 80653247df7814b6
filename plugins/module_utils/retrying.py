# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""How long to pause before a read is tried again."""

from __future__ import annotations

import random
import time

ATTEMPTS = 3
_LONGEST_PAUSE = 20.0
_LONGEST_RETRY_AFTER = 60.0


def pause(attempt: int, retry_after: str | None) -> None:
    """Sleep before attempt ``attempt`` + 1, as long as the server asked for if it did."""
    if retry_after and retry_after.isdigit():
        time.sleep(min(float(retry_after), _LONGEST_RETRY_AFTER))
        return
    # Full jitter, as the AWS SDKs do; it spreads clients, and is no secret.
    time.sleep(random.random() * min(2.0**attempt / 4, _LONGEST_PAUSE))  # noqa: S311
