# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Whether, and after which pause, a read is tried again."""

from __future__ import annotations

import random
import time

ATTEMPTS = 3
_LONGEST_PAUSE = 20.0
_LONGEST_RETRY_AFTER = 60.0


class Attempts:
    """The attempts of one read: three, and no further one once ``seconds`` went by waiting.

    So a server that is silent costs its time once, and one that hangs up is asked again.
    """

    def __init__(self, seconds: float) -> None:
        self._made = 1
        self._ends = time.monotonic() + seconds

    def again(self, retry_after: str | None) -> bool:
        """Pause before another attempt; whether there is one.

        The pause is as long as the server asked for, if it did, and does not count as waiting.
        """
        if self._made == ATTEMPTS or time.monotonic() >= self._ends:
            return False
        if retry_after and retry_after.isdigit():
            seconds = min(float(retry_after), _LONGEST_RETRY_AFTER)
        else:
            # Full jitter, as the AWS SDKs do; it spreads clients, and is no secret.
            most = min(2.0**self._made / 4, _LONGEST_PAUSE)
            seconds = random.random() * most  # noqa: S311
        time.sleep(seconds)
        self._made += 1
        self._ends += seconds
        return True
