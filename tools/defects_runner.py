# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known defects of runs, their turns and runs of several, as data for ``tools/seeded.py``."""

from __future__ import annotations

from tools.defect import Defect

_BASE = "mcp_bridge/runner/base.py"
_COLD = "mcp_bridge/runner/cold.py"
_GUARD = "mcp_bridge/runner/guard.py"
_KEEPING = "mcp_bridge/runner/keeping.py"
_OBJECTS = "mcp_bridge/runner/objects.py"
_PLAY = "mcp_bridge/runner/play.py"
_STREAMED = "mcp_bridge/runner/streamed.py"
_TURNS = "mcp_bridge/runner/turns.py"
_WORKER = "mcp_bridge/runner/worker.py"
_DOOR = "mcp_bridge/tools/door.py"
_GENERIC = "mcp_bridge/tools/generic.py"
_SEVERAL = "mcp_bridge/tools/several.py"
_IN_TURN = "tests/runner/test_turns.py"
_STREAM = "tests/runner/test_worker.py"
_WARM = "tests/runner/test_warm.py"
_TOGETHER = "tests/runner/test_together.py"
_HUNG = "tests/runner/test_hung.py"
_ROWS = "tests/mcp/test_several.py"
_GATE = "mcp_bridge/tools/gate.py"

RUNNER = (
    Defect(
        "turn given to whoever looks first",
        _TURNS,
        "        if len(self._running) >= self._at_once or self._is_before(turn):",
        "        if len(self._running) >= self._at_once:",
        (f"{_IN_TURN}::test_first_come_first_served",),
    ),
    Defect(
        "one too few may wait",
        _TURNS,
        "                if len(self._waiting) > self._queue:",
        "                if len(self._waiting) >= self._queue:",
        (f"{_IN_TURN}::test_too_many_are_refused_at_once_and_told_how_many",),
    ),
    Defect(
        "slot taken before the object",
        _TURNS,
        "        if not turn.lock(self._folder):\n            return False\n"
        "        self._running.add(turn)",
        "        self._running.add(turn)\n"
        "        if not turn.lock(self._folder):\n            return False",
        (f"{_IN_TURN}::test_writers_of_one_object_wait_for_each_other_and_hold_up_nobody",),
        also=((_TURNS, "return bool(held & turn.objects)", "return False"),),
    ),
    Defect(
        "who waits for an object holds up all",
        _TURNS,
        "            if not held & each.objects and not each.elsewhere:",
        "            if True:",
        (f"{_IN_TURN}::test_writers_of_one_object_wait_for_each_other_and_hold_up_nobody",),
    ),
    Defect(
        "objects not locked for other bridges",
        _TURNS,
        "        for key in sorted(self.objects):",
        "        for key in ():",
        (f"{_IN_TURN}::test_another_bridge_waits_too",),
    ),
    Defect(
        "lock of the bridge alone",
        _TURNS,
        "fcntl.flock(file, fcntl.LOCK_EX",
        "fcntl.lockf(file, fcntl.LOCK_EX",
        (f"{_IN_TURN}::test_a_lock_lives_as_long_as_a_process_that_has_it",),
    ),
    Defect(
        "locks not handed to the guard",
        _COLD,
        "Workspace(self.base, job.run_id, turn.files)",
        "Workspace(self.base, job.run_id)",
        (f"{_IN_TURN}::test_the_guard_of_a_run_holds_its_locks",),
    ),
    Defect(
        "locks of the dead not swept",
        _TURNS,
        "        sweep(folder)\n",
        "",
        (f"{_IN_TURN}::test_locks_of_a_killed_bridge_are_swept_and_held_ones_are_not",),
    ),
    Defect(
        "writers of one object at once",
        _OBJECTS,
        "    return frozenset(_keys(job))",
        "    return frozenset()",
        (f"{_IN_TURN}::test_two_runs_that_write_one_object_never_overlap",),
    ),
    Defect(
        "run begun before there is a worker",
        _GUARD,
        '    say(event="isolated"',
        '    say(event="running", at=time.time())\n    say(event="isolated"',
        (f"{_STREAM}::test_a_runner_killed_before_it_has_a_worker_has_run_nothing",),
    ),
    Defect(
        "nobody looks whether Ansible waits for the dead",
        _GUARD,
        "        if (command := stuck.found()) is not None:",
        "        if (command := None) is not None:",
        (f"{_HUNG}::test_who_waits_for_the_same_lock_is_as_good_as_dead",),
    ),
    Defect(
        "silent worker taken for an idle one",
        _STREAMED,
        '        wires["status_handler"]({"status": "running"})\n',
        "",
        (f"{_STREAM}::test_what_becomes_of_a_job_that_was_handed_on_is_not_known",),
    ),
    Defect(
        "secret file of a worker open to all",
        _WORKER,
        "        shutil.copyfile(file, to)\n",
        "        shutil.copyfile(file, to)\n        to.chmod(0o644)\n",
        (f"{_STREAM}::test_secrets_go_to_the_worker_in_private_files_alone",),
    ),
    Defect(
        "kept artifacts not redacted",
        _KEEPING,
        "file.write(redactor.known(text))",
        "file.write(text)",
        (f"{_STREAM}::test_what_comes_back_has_no_secret",),
    ),
    Defect(
        "parts with templates in them",
        _PLAY,
        '{**_arguments(part), "target"',
        '{**part.args, "target"',
        (f"{_TOGETHER}::test_each_part_answers_with_its_own_arguments",),
    ),
    Defect(
        "one part after the other",
        _COLD,
        '"forks": min(MOST_AT_ONCE, len(job.hosts))',
        '"forks": 1',
        (f"{_TOGETHER}::test_a_part_that_hangs_costs_the_others_nothing",),
    ),
    Defect(
        "identity without the parts",
        _BASE,
        "            return joined_identity([part.identity for part in self.parts])",
        "            return joined_identity([self.parts[0].identity])",
        (f"{_TOGETHER}::test_a_permit_covers_exactly_its_parts",),
    ),
    Defect(
        "identity without the order of parts",
        _BASE,
        "            return joined_identity([part.identity for part in self.parts])",
        "            return joined_identity(sorted(part.identity for part in self.parts))",
        (f"{_TOGETHER}::test_a_permit_covers_exactly_its_parts",),
    ),
    Defect(
        "rows that share no room",
        _SEVERAL,
        '{"results": shared(rows, budget)}',
        '{"results": rows}',
        (f"{_ROWS}::test_rows_share_the_room_of_an_answer",),
    ),
    Defect(
        "unchanged row that makes the whole unchanged",
        _SEVERAL,
        '"changed" if "changed" in statuses else statuses[0]',
        "statuses[-1]",
        (f"{_ROWS}::test_what_fails_is_told_and_the_rest_is_done",),
    ),
    Defect(
        "failed row without a code of the whole",
        _SEVERAL,
        "    if not bad:",
        "    if statuses:",
        (f"{_ROWS}::test_what_fails_is_told_and_the_rest_is_done",),
    ),
    Defect(
        "rest run although one was denied",
        _DOOR,
        "        if denied and (whole or not going):",
        "        if denied and not going:",
        (f"{_ROWS}::test_one_denied_machine_keeps_all_as_they_are",),
    ),
    Defect(
        "all reads refused for one that was denied",
        _GENERIC,
        "run_several(call, asks, whole=False)",
        "run_several(call, asks, whole=True)",
        (f"{_ROWS}::test_a_dead_target_and_a_denied_one_cost_the_others_nothing",),
    ),
    Defect(
        "wrong read left out",
        _GENERIC,
        "                raise Refusal(refusal.code, text, refusal.next_step) from refusal",
        "                del text",
        (f"{_ROWS}::test_one_wrong_call_starts_no_run",),
    ),
    Defect(
        "outcome recorded for each part",
        _DOOR,
        "        self._gate.record(outcome, results, time.monotonic() - begin, several=True)",
        "        for each in results:\n"
        "            self._gate.record(outcome, [each], 0.0, several=True)",
        (f"{_ROWS}::test_reads_of_all_kinds_are_one_run",),
    ),
    Defect(
        "each machine of several counted as all",
        _GATE,
        "        judged = replace(weighed.judged, objects=1)\n",
        "        judged = weighed.judged\n",
        (f"{_ROWS}::test_a_limit_counts_each_machine_once",),
    ),
    Defect(
        "job cancelled before its server was there is started",
        _COLD,
        "            if self._stopped(signals):\n"
        '                return _not_started(job, "canceled")\n',
        "",
        (f"{_WARM}::test_a_job_that_waits_for_the_server_can_be_cancelled",),
    ),
)
