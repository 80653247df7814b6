# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The record of a write: made however its sending ends, unless certainly nothing was applied."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import UncertainOutcome, VirtbridgeError
from .resource import Access, Operation


@dataclass
class Sent:
    """A write on its way; ``id`` is the platform's id of the operation, once it is known."""

    id: str | None = None


@contextmanager
def sending(access: Access, call: str) -> Iterator[Sent]:
    """Record the write that is sent inside, with its duration.

    A refusal is no operation. A lost answer may be one, and so may a write in whose midst the
    module is stopped: whoever reads the result must not take it for nothing.
    """
    sent = Sent()
    begin = time.monotonic()
    refused = False
    try:
        yield sent
    except VirtbridgeError as error:
        refused = not isinstance(error, UncertainOutcome)
        raise
    finally:
        if not refused:
            access.record(Operation(call, sent.id, round(time.monotonic() - begin, 3)))
