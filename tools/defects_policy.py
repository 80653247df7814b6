# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known defects of the policy, as data for ``tools/seeded.py``."""

from __future__ import annotations

from tools.defect import Defect

_POLICY = "mcp_bridge/policy.py"
_GUARDS = "mcp_bridge/policy_guards.py"
_MATCH = "mcp_bridge/policy_match.py"
_WINDOWS = "mcp_bridge/policy_windows.py"
_JUDGING = "mcp_bridge/tools/judging.py"
_LOOKING = "mcp_bridge/tools/looking.py"
_UNIT = "tests/unit/mcp_bridge"
_APPROVAL = f"{_UNIT}/test_policy_approval.py"
_DOOR = "tests/mcp/test_policy_guards.py"

POLICY = (
    Defect(
        "read-only forgets what interrupts",
        _POLICY,
        '    if risk != "read" and flags.read_only:',
        '    if risk in ("write", "destructive") and flags.read_only:',
        ("tests/mcp/test_read_only.py::test_no_operation_of_the_catalog_can_write",),
    ),
    Defect(
        "reading tool runs what writes",
        "mcp_bridge/tools/generic.py",
        '        if ask.operation is not None and ask.operation[1] != "read":',
        '        if ask.operation is not None and ask.operation[1] == "destructive":',
        ("tests/mcp/test_read_only.py::test_no_operation_of_the_catalog_can_write",),
    ),
    Defect(
        "unknown risk is judged as a read",
        _POLICY,
        "    if risk not in RISKS:",
        "    if not risk:",
        (f"{_UNIT}/test_policy.py",),
        also=(
            (
                _POLICY,
                "    decision, by = DEFAULTS[risk]",
                '    decision, by = DEFAULTS.get(risk, ("allow", None))',
            ),
        ),
    ),
    Defect(
        "approval for another plan",
        _POLICY,
        "    if not call.plan_digest or approval.digest != call.plan_digest:",
        "    if not call.plan_digest:",
        (_APPROVAL,),
    ),
    Defect(
        "approval without a plan",
        _POLICY,
        "    if not call.plan_digest or approval.digest != call.plan_digest:",
        "    if approval.digest != call.plan_digest:",
        (_APPROVAL,),
    ),
    Defect(
        "client attests as a person",
        _POLICY,
        '    return approval.channel == "client" and verdict.by == "client" and',
        '    return approval.channel == "client" and',
        (_APPROVAL,),
    ),
    Defect(
        "caller approves with four eyes",
        _POLICY,
        "        return not verdict.four_eyes or approval.approver != call.principal",
        "        return True or approval.approver != call.principal",
        (_APPROVAL,),
    ),
    Defect(
        "mildest target decides",
        _POLICY,
        "        (one, other), key=lambda each: _STRICTNESS.index(each.decision), reverse=True",
        "        (one, other), key=lambda each: _STRICTNESS.index(each.decision), reverse=False",
        (_APPROVAL,),
    ),
    Defect(
        "uncertain rule makes it easier",
        _POLICY,
        "        if found.sure:",
        "        if found.matches:",
        (_APPROVAL,),
    ),
    Defect(
        "unknown fact does not match a denial",
        _MATCH,
        "            unknown.append(part)",
        '            return Match(False, f"{part} is not known")',
        (_APPROVAL,),
    ),
    Defect(
        "unknown tags do not protect",
        _GUARDS,
        "    patterns, values = guarded.of(part), call.about.get(part)",
        "    patterns, values = guarded.of(part), call.about.get(part, ())",
        (f"{_UNIT}/test_policy_guards.py",),
    ),
    Defect(
        "plain write takes a protecting tag away",
        _GUARDS,
        '    if call.effective_risk == "write":',
        '    if call.effective_risk == "read":',
        (f"{_UNIT}/test_policy_guards.py",),
    ),
    Defect(
        "limit counts one too many",
        _GUARDS,
        "            if count + objects > allowed:",
        "            if count > allowed:",
        (f"{_UNIT}/test_policy_guards.py",),
    ),
    Defect(
        "limits are counted after the decision",
        _JUDGING,
        "            verdict = self._decide(call, Surroundings(now, claim.recent))\n"
        "            if verdict.allowed and counts:\n"
        "                claim.count(",
        "            recent = claim.recent\n"
        "        verdict = self._decide(call, Surroundings(now, recent))\n"
        "        with self.ledger.claiming(call.principal, now.timestamp()) as claim:\n"
        "            if verdict.allowed and counts:\n"
        "                claim.count(",
        (f"{_UNIT}/test_limits.py",),
    ),
    Defect(
        "previews use limits up",
        _JUDGING,
        'call.effective_risk == "read":\n            return self._decide',
        'call.risk == "read":\n            return self._decide',
        (f"{_UNIT}/test_limits.py",),
        also=(
            (
                _JUDGING,
                "                claim.count(call.effective_risk, ",
                '                claim.count("write", ',
            ),
        ),
    ),
    Defect(
        "window that went past midnight is shut",
        _WINDOWS,
        "for day in (today - _DAY, today))",
        "for day in (today,))",
        (f"{_UNIT}/test_policy_windows.py",),
    ),
    Defect(
        "window by the time of the machine",
        _WINDOWS,
        "datetime.datetime.combine(day, wall.replace(fold=fold), self.zone)",
        "datetime.datetime.combine(day, wall.replace(fold=fold), datetime.UTC)",
        (f"{_UNIT}/test_policy_windows.py",),
    ),
    Defect(
        "object is not looked up",
        _LOOKING,
        "    if not wanted:\n        return calls",
        "    if True:\n"
        '        bare = {"name": (), "tags": ()}\n'
        "        return [replace(each, about={**bare, **each.about}) for each in calls]",
        (f"{_DOOR}::test_a_tag_on_the_platform_protects_and_cannot_be_taken_away",),
    ),
)
