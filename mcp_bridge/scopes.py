# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token may be used for: the scopes, each with those below it, and what a call needs.

Scopes narrow what policy allows; none of them widens it.
"""

from __future__ import annotations

from collections.abc import Iterable

READ, PLAN, APPLY, ADMIN, APPROVE = "vb:read", "vb:plan", "vb:apply", "vb:admin", "vb:approve"
LADDER = (READ, PLAN, APPLY, ADMIN)
# Approving stands apart: whoever may do everything else must still not approve it.
SCOPES = (*LADDER, APPROVE)
# A user of this machine has all but the right to approve.
LOCAL = frozenset(LADDER)


def held(granted: Iterable[str]) -> frozenset[str]:
    """Return these scopes with those that they bring along; words that are no scope are dropped."""
    given = set(granted)
    highest = max((LADDER.index(each) for each in given if each in LADDER), default=-1)
    return frozenset(LADDER[: highest + 1]) | (given & {APPROVE})


def needed(*, writes: bool, check: bool = False) -> str:
    """Return the scope that a call needs: to read, to preview a write, or to do it."""
    return READ if not writes else PLAN if check else APPLY
