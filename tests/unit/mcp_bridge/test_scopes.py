# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scope brings along, and what a call of each tool needs."""

from __future__ import annotations

import pytest

from mcp_bridge.scopes import ADMIN, APPLY, APPROVE, LOCAL, PLAN, READ, held, needed


@pytest.mark.parametrize(
    ("given", "gives"),
    [
        ((), set()),
        ((READ,), {READ}),
        ((PLAN,), {READ, PLAN}),
        ((APPLY, READ), {READ, PLAN, APPLY}),
        ((ADMIN,), {READ, PLAN, APPLY, ADMIN}),
        ((APPROVE,), {APPROVE}),
        ((READ, APPROVE), {READ, APPROVE}),
        (("openid", "VB:READ", "vb:read ", "vb:"), set()),
    ],
)
def test_a_scope_brings_those_below_it(given: tuple[str, ...], gives: set[str]) -> None:
    """Red when `vb:admin` brings `vb:approve`, too."""
    assert held(given) == gives


def test_a_user_of_the_machine_may_do_all_but_approve() -> None:
    assert held((ADMIN,)) == LOCAL
    assert APPROVE not in LOCAL


def test_what_a_call_needs() -> None:
    assert needed(writes=False) == needed(writes=False, check=True) == READ
    assert needed(writes=True, check=True) == PLAN
    assert needed(writes=True) == APPLY
