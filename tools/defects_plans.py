# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known defects of plans and approvals, as data for ``tools/seeded.py``."""

from __future__ import annotations

from tools.defect import Defect

_PLANS = "mcp_bridge/plans.py"
_STORE = "mcp_bridge/plan_store.py"
_APPROVALS = "mcp_bridge/approvals.py"
_FACTOR = "mcp_bridge/approvals_factor.py"
_APPLYING = "mcp_bridge/tools/applying.py"
_ELICIT = "mcp_bridge/elicit.py"
_UNIT_PLANS = "tests/unit/mcp_bridge/test_plan_store.py"
_UNIT = "tests/unit/mcp_bridge/test_approvals.py"
_MCP = "tests/mcp/test_plans.py"
_ASKED = "tests/mcp/test_elicitation.py"

PLANS = (
    Defect(
        "plan taken without a look at its state",
        _STORE,
        "ELSE sealed END WHERE id = ? AND state = ? AND digest = ?",
        "ELSE sealed END WHERE id = ? AND (state = ? OR 1) AND digest = ?",
        (f"{_UNIT_PLANS}::test_of_many_who_take_a_plan_one_gets_it",),
    ),
    Defect(
        "stale plan applied",
        _APPLYING,
        "    if ticket.seen is not None and digest_of(ticket.seen) == plan.digest:",
        "    if ticket.seen is not None:",
        (f"{_MCP}::test_a_plan_is_stale_once_its_object_changed",),
    ),
    Defect(
        "plan that expires without a line",
        _APPROVALS,
        "        for over in self._plans.overdue(self._clock()):",
        "        for over in ():",
        (f"{_UNIT}::test_a_plan_that_expires_is_recorded_once_and_before_it_ends",),
    ),
    Defect(
        "plan that expires once for each bridge",
        _STORE,
        "(over.id, over.state, over.digest)).rowcount == 1:",
        "(over.id, over.state, over.digest)).rowcount >= 0:",
        ("tests/mcp/test_expired.py::test_a_plan_of_bridges_that_share_a_store_expires_once",),
    ),
    Defect(
        "plans that expire looked for once in an hour",
        "mcp_bridge/cleaning.py",
        "            self._also()\n            if time.monotonic() >= due:\n",
        "            if time.monotonic() >= due:\n                self._also()\n",
        ("tests/mcp/test_expired.py::test_a_plan_of_bridges_that_share_a_store_expires_once",),
    ),
    Defect(
        "second factor enrolled without a line",
        _FACTOR,
        "        record()\n",
        "",
        (f"{_UNIT}::test_a_second_factor_is_recorded_before_it_counts",),
    ),
    Defect(
        "second factor removed without a line",
        _FACTOR,
        '            record(row["kind"])\n',
        "",
        (f"{_UNIT}::test_a_second_factor_is_removed_once_its_line_is_written",),
    ),
    Defect(
        "lost factor removed in a pipe",
        "mcp_bridge/cli_approve.py",
        "    _must_be_terminal()\n    with _opened(config_file) as desk:\n        if unenroll:",
        "    if not unenroll:\n        _must_be_terminal()\n"
        "    with _opened(config_file) as desk:\n        if unenroll:",
        ("tests/mcp/test_approve.py::test_nobody_approves_in_a_pipe",),
    ),
    Defect(
        "machine made anew taken for the one that was planned",
        _PLANS,
        'result.get("uid"), before',
        "before",
        ("tests/mcp/test_remade.py",),
    ),
    Defect(
        "plan of another applied",
        _APPLYING,
        '            (plan.terms.get("principal"), plan.terms.get("client"))\n'
        "            == (caller.principal, caller.client)",
        "            bool(caller)",
        (f"{_MCP}::test_nobody_sees_the_plan_of_another",),
    ),
    Defect(
        "edited plan believed",
        _PLANS,
        "        return self.digest == digest_of(self.terms) and all(",
        "        return bool(self.digest) or all(",
        (f"{_UNIT_PLANS}::test_a_row_that_says_something_else_than_its_digest_is_not_intact",),
    ),
    Defect(
        "diff left out of what drifts",
        _PLANS,
        '    return identity_of({name: each.get("diff") for name, each in results.items()})',
        "    return identity_of(sorted(results))",
        (f"{_UNIT_PLANS}::test_what_was_seen_is_what_tells_objects_and_their_versions_apart",),
    ),
    Defect(
        "plan that never ends",
        _PLANS,
        "        return not self.created <= now < self.expires",
        "        return not self.created <= now",
        (f"{_UNIT_PLANS}::test_times_hold_also_when_the_clock_is_set_back",),
    ),
    Defect(
        "approval that never ends",
        _PLANS,
        "        return not self.approved <= now < self.approved + seconds",
        "        return not self.approved <= now",
        (f"{_UNIT_PLANS}::test_times_hold_also_when_the_clock_is_set_back",),
    ),
    Defect(
        "secret argument in the terms of a plan",
        _PLANS,
        '        return {"hmac": _mac(value, key)}\n    return value',
        "        return value\n    return value",
        (f"{_UNIT_PLANS}::test_secrets_are_covered_by_a_keyed_hash_alone",),
    ),
    Defect(
        "call of an ended plan not wiped",
        _STORE,
        "sealed = CASE WHEN ? THEN NULL ELSE sealed END",
        "sealed = CASE WHEN ? THEN sealed ELSE sealed END",
        (f"{_UNIT_PLANS}::test_no_secret_is_in_the_file",),
    ),
    Defect(
        "dead bridge's plan applied again",
        _STORE,
        '                ended = self.move(plan, "uncertain")',
        "                ended = None",
        (f"{_UNIT_PLANS}::test_the_next_bridge_settles_what_the_last_one_left",),
    ),
    Defect(
        "approval of another plan believed",
        _STORE,
        '    return f"{what}:{plan.id}:{plan.digest}".encode()',
        '    return f"{what}".encode()',
        (f"{_UNIT_PLANS}::test_an_approval_is_sealed_to_its_plan",),
    ),
    Defect(
        "client approves for a person",
        _APPROVALS,
        '        if channel != "person" and (plan.by != "client" or plan.four_eyes):',
        '        if channel != "person" and plan.by is None:',
        (f"{_UNIT}::test_who_may_not_approve_is_refused",),
    ),
    Defect(
        "one person for two",
        _APPROVALS,
        '        if plan.four_eyes and approver == plan.terms["principal"]:',
        '        if plan.four_eyes and approver == "":',
        (f"{_UNIT}::test_who_may_not_approve_is_refused",),
    ),
    Defect(
        "time code used twice",
        _FACTOR,
        "            if step > used and hmac.compare_digest(",
        "            if hmac.compare_digest(",
        (f"{_UNIT}::test_a_time_code_is_good_once_and_for_a_step_around_now",),
        also=((_FACTOR, "AND (kind != 'totp' OR step < ?)", "AND ? > -9"),),
    ),
    Defect(
        "wrong answers not counted",
        _FACTOR,
        '            failures = row["failures"] + 1',
        '            failures = row["failures"]',
        (f"{_UNIT}::test_wrong_answers_lock_for_longer_each_time",),
    ),
    Defect(
        "any reply is consent",
        _ELICIT,
        '    if action != "accept" or not isinstance(chosen, bool):\n        return "undecided"\n'
        '    return "approved" if chosen else "declined"',
        '    return "approved" if action == "accept" else "undecided"',
        (f"{_ASKED}::test_whatever_is_no_consent_runs_nothing",),
    ),
)
