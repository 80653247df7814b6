# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known defects of the audit."""

from __future__ import annotations

from tools.defect import Defect

_FILE, _VERIFY = "mcp_bridge/audit_file.py", "mcp_bridge/audit_verify.py"
_PARTS = "mcp_bridge/audit_parts.py"
_PRIVATE = "mcp_bridge/private.py"
_UNIT = "tests/unit/mcp_bridge"
_CHANGES = f"{_UNIT}/test_audit_verify.py"
_LINES = f"{_UNIT}/test_audit.py"
_ROTATED, _OF_PARTS = f"{_UNIT}/test_audit_rotate.py", f"{_UNIT}/test_audit_parts.py"
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
        _PARTS,
        "            fcntl.flock(descriptor, fcntl.LOCK_EX)\n",
        "",
        (f"{_LINES}::test_several_processes_share_one_chain",),
    ),
    Defect(
        "line kept although its head failed",
        _FILE,
        "            os.ftruncate(log, before)\n",
        "            pass\n",
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
        "audit line added to a part that was closed",
        _PARTS,
        "            if is_at(descriptor, path):\n",
        "            if path:\n",
        (f"{_ROTATED}::test_writers_and_readers_go_on_while_parts_are_closed",),
    ),
    Defect(
        "audit read at two moments",
        _PARTS,
        "            if names == closed(log) and is_at(now, log):",
        "            if names is not None:",
        (f"{_ROTATED}::test_who_reads_waits_for_a_part_that_is_just_closed",),
    ),
    Defect(
        "part of the audit closed unsigned",
        _FILE,
        "        self._sign(end)\n        self._places.log.rename(path)",
        "        self._places.log.rename(path)",
        (f"{_ROTATED}::test_parts_are_one_chain",),
    ),
    Defect(
        "part of the audit closed under a name that is taken",
        _FILE,
        "        if path.exists():\n            raise ValueError(",
        "        if not path:\n            raise ValueError(",
        (f"{_ROTATED}::test_a_part_takes_no_name_that_is_taken",),
    ),
    Defect(
        "line added after the last one of a part",
        _FILE,
        "                if end.event != CLOSED and not (full and end.event):",
        "                if not (full and end.event):",
        (f"{_ROTATED}::test_a_part_that_cannot_be_closed_refuses_and_is_closed_later",),
    ),
    Defect(
        "audit that goes on from a part without an end",
        _PARTS,
        '    if row is None or row.get("event") != CLOSED:',
        "    if row is None:",
        (f"{_OF_PARTS}::test_no_line_is_added_after_a_part_that_was_changed",),
    ),
    Defect(
        "parts of the audit joined or split unseen",
        _VERIFY,
        "            or _misplaced(row, event, part.number)\n",
        "",
        (f"{_OF_PARTS}::test_every_change_of_a_part_is_found",),
    ),
    Defect(
        "newest part of the audit read alone",
        "mcp_bridge/audit_read.py",
        "    for part in reversed(parts):",
        "    for part in parts[-1:]:",
        (f"{_OF_PARTS}::test_readers_see_all_parts_page_by_page",),
    ),
    Defect(
        "end of a run in a closed part unseen",
        "mcp_bridge/cleaning.py",
        "part.lines() for part in opened(path, files)",
        "part.lines() for part in opened(path, files)[-1:]",
        (f"{_UNIT}/test_run_store.py::test_the_end_of_a_run_may_stand_in_a_closed_part",),
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
