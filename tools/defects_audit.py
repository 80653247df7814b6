# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known defects of the audit."""

from __future__ import annotations

from tools.defect import Defect

_FILE, _VERIFY = "mcp_bridge/audit_file.py", "mcp_bridge/audit_verify.py"
_PRIVATE = "mcp_bridge/private.py"
_UNIT = "tests/unit/mcp_bridge"
_CHANGES = f"{_UNIT}/test_audit_verify.py"
_LINES = f"{_UNIT}/test_audit.py"
_REFUSED = "tests/mcp/test_audit_refused.py"
AUDIT = (
    Defect(
        "marks of audit lines not looked at",
        _VERIFY,
        '        if row.get("mac") != witness.line(row):',
        "        if False:",
        (_CHANGES,),
    ),
    Defect(
        "cut tail of the audit unseen",
        _VERIFY,
        "    if walk.number < head.seq or due is not None:",
        "    if due is not None:",
        (_CHANGES,),
        also=((_VERIFY, "    if walk.checkpoints < head.checkpoint.number:", "    if False:"),),
    ),
    Defect(
        "signatures of checkpoints not checked",
        _VERIFY,
        ' and witness.knows("checkpoint", row)',
        "",
        (_CHANGES,),
    ),
    Defect(
        "removed checkpoints unseen",
        _VERIFY,
        "    if walk.checkpoints < head.checkpoint.number:",
        "    if False:",
        (_CHANGES,),
    ),
    Defect(
        "line added to an audit that was cut",
        _FILE,
        "        if seq < head.seq or (seq == head.seq and sha256 != head.sha256):",
        "        if False:",
        (f"{_CHANGES}::test_no_line_is_added_where_lines_were_removed",),
    ),
    Defect(
        "audit written without a lock",
        _FILE,
        "        fcntl.flock(descriptor, fcntl.LOCK_EX)\n",
        "",
        (f"{_LINES}::test_several_processes_share_one_chain",),
    ),
    Defect(
        "line kept although its head failed",
        _FILE,
        "                os.ftruncate(log, before)\n",
        "                pass\n",
        (f"{_LINES}::test_each_part_that_fails_leaves_the_audit_as_it_was",),
    ),
    Defect(
        "audit line not synced",
        _FILE,
        "        os.fdatasync(log)\n",
        "",
        (f"{_REFUSED}::test_an_error_of_the_disk_refuses_every_call",),
    ),
    Defect(
        "failure of the audit passed over",
        "mcp_bridge/audit.py",
        '            self._parts()[1].append({"event": event, **row, **named})\n'
        "        except (OSError, ValueError) as error:\n"
        "            raise self._failed(error) from error\n",
        '            self._parts()[1].append({"event": event, **row, **named})\n'
        "        except (OSError, ValueError):\n"
        "            pass\n",
        (f"{_REFUSED}::test_a_part_that_is_not_this_users_alone_refuses_every_call",),
    ),
    Defect(
        "private file behind a link",
        _PRIVATE,
        "flags | os.O_NOFOLLOW | os.O_CLOEXEC",
        "flags | os.O_CLOEXEC",
        (f"{_LINES}::test_what_cannot_be_audited_is_refused",),
    ),
    Defect(
        "mode of a private file not looked at",
        _PRIVATE,
        "        if status.st_mode & 0o077:",
        "        if False:",
        (f"{_UNIT}/test_sealed.py",),
    ),
    Defect(
        "digest of arguments without a key",
        "mcp_bridge/audit.py",
        "self._parts()[0].arguments(arguments)",
        "digest(arguments)",
        (f"{_LINES}::test_a_run_has_a_line_before_and_a_line_after",),
    ),
    Defect(
        "audit of others shown to a caller",
        "mcp_bridge/tools/audit.py",
        "    if ADMIN not in caller.scopes:",
        "    if False:",
        (f"{_UNIT}/test_audit_read.py::test_a_caller_sees_its_own_calls_and_an_administrator_all",),
    ),
    Defect(
        "each refused token a line",
        "mcp_bridge/audit_refusals.py",
        "            if kind not in self._written:",
        "            if kind:",
        (f"{_UNIT}/test_audit_refusals.py",),
    ),
    Defect(
        "missing logins in the places of refused tokens",
        "mcp_bridge/audit_refusals.py",
        "            known = {each for each in every if each.event == kind.event}",
        "            known = every",
        (f"{_UNIT}/test_audit_refusals.py",),
    ),
    Defect(
        "request without a login unrecorded",
        "mcp_bridge/bearer.py",
        'await self._note(scope, "it is no bearer token" if given else NO_LOGIN)',
        'await self._note(scope, "it is no bearer token") if given else None',
        (f"{_UNIT}/test_audit_refusals.py",),
    ),
    Defect(
        "audit text that commands a terminal",
        "mcp_bridge/cli_audit.py",
        "[_plain(row) for row in found]",
        "found",
        ("tests/cli/test_audit.py::test_what_is_shown_cannot_command_a_terminal",),
    ),
)
