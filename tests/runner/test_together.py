# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several jobs in one run: each with its own arguments and permit, none in another's way."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.errors import JobRefused, NotPermitted
from mcp_bridge.policy import Permit
from mcp_bridge.runner import play
from mcp_bridge.runner.base import Job

HOSTILE = [
    "{{ 7 * 7 }}", "{% for x in y %}", "$(id) `id`", "é\u202e\x00x", "{{ virtbridge_calls }}",
    {"{{ 1 + 1 }}": "{{ 1 + 1 }}", "list": [1, None, True, 1.5, "{{ lookup('env', 'HOME') }}"]},
]  # fmt: skip


def together(bench: Any, parts: list[dict[str, Any]], timeout: float = 60.0) -> Job:
    """Return a job of parts, each given as what differs from the usual one."""
    run_id = uuid.uuid4().hex
    jobs = [replace(bench.job(**part), run_id=run_id) for part in parts]
    return Job.together(jobs, timeout)


def joined(tools: Any, job: Job) -> Permit:
    return Permit.joined([tools.permit_for(part) for part in job.parts])


def test_each_part_answers_with_its_own_arguments(bench: Any, tools: Any) -> None:
    """Red when the arguments of the parts are not marked as literal."""
    parts: list[dict[str, Any]] = [{"args": {"payload": each}} for each in HOSTILE]
    parts.append({"args": {"mode": "fail"}, "targets": (bench.target("edge-2"),)})
    parts.append({"module": "vbtest.fixture.ecko"})
    job = together(bench, parts)
    outcome = bench.executor.run(job, joined(tools, job))
    results = [outcome.hosts[host] for host in job.hosts]
    assert [each["payload"] for each in results[:6]] == HOSTILE
    assert [each["target"] for each in results[:6]] == ["lab"] * 6
    assert results[6]["error"]["kind"] == "conflict"
    assert "vbtest.fixture.ecko" in results[7]["msg"]
    assert outcome.how == bench.kind
    # All parts were in one run: they saw the same folder of it.
    assert len({each["environment"]["HOME"] for each in results[:6]}) == 1


def test_a_part_that_hangs_costs_the_others_nothing(bench: Any, tools: Any, tmp_path: Path) -> None:
    """Red when parts go on one after the other: what comes after the hanging one never starts."""
    hanging = {"args": {"mode": "linger", "folder": str(tmp_path)}}
    others = [{"args": {"payload": 1}}, {"args": {"payload": 2}}]
    begin = time.monotonic()
    alone = together(bench, others)
    assert bench.executor.run(alone, joined(tools, alone)).status == "successful"
    enough = max(8.0, 4 * (time.monotonic() - begin))
    job = together(bench, [hanging, *others], enough)
    outcome = bench.executor.run(job, joined(tools, job))
    assert outcome.status == "timeout"
    assert outcome.hosts["call-1"]["error"]["kind"] == "timeout"
    assert [outcome.hosts[f"call-{n}"]["payload"] for n in (2, 3)] == [1, 2]
    assert not tools.processes_of(job.run_id)


def test_a_permit_covers_exactly_its_parts(bench: Any, tools: Any) -> None:
    """Red when the identity of a job forgets its parts."""
    job = together(bench, [{"args": {"payload": 1}}, {"args": {"payload": 2}}])
    more = together(bench, [{"args": {"payload": n}} for n in (1, 2, 3)])
    for other in (more, replace(job, parts=job.parts[::-1]), job.parts[0], replace(job, parts=())):
        with pytest.raises(NotPermitted):
            bench.executor.run(other, joined(tools, job))
    permit = tools.permit_for(job.parts[0])
    used = Permit.joined([permit, tools.permit_for(job.parts[1])])
    assert used.redeem(job.identity)
    assert not used.redeem(job.identity)
    with pytest.raises(ValueError, match="cannot be joined"):
        Permit.joined([permit])
    assert not permit.redeem(job.parts[0].identity)


def test_parts_that_do_not_belong_together_are_refused(bench: Any) -> None:
    one = bench.job()
    two = replace(one, targets=(bench.target("lab"), bench.target("edge-2")))
    for parts in (
        [],
        [two],
        [one, replace(one, check=True)],
        [one, bench.job()],
        [Job.together([one], 1.0)],
    ):
        with pytest.raises(JobRefused):
            Job.together(parts, 1.0)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"module": "ping"}, "full name"),
        ({"args": {"target": "other"}}, "not an argument"),
        ({"args": {"_ansible_no_log": False}}, "reserved"),
    ],
)
def test_a_part_is_checked_as_a_job_is(bench: Any, part: dict[str, Any], says: str) -> None:
    with pytest.raises(JobRefused, match=says):
        play.play(together(bench, [{}, part]))


def test_the_play_has_no_text_of_a_part_outside_its_variable(bench: Any) -> None:
    (content,) = json.loads(play.play(together(bench, [{"args": {"payload": "{{ x }}"}}] * 2)))
    assert content["tasks"] == [
        {
            "name": "call",
            "action": "{{ virtbridge_calls[inventory_hostname].module }}",
            "args": "{{ virtbridge_calls[inventory_hostname].args }}",
        }
    ]
    assert content["vars"]["virtbridge_calls"]["call-2"] == {
        "module": "vbtest.fixture.echo",
        "args": {
            "payload": {"__ansible_unsafe": "{{ x }}"},
            "target": {"__ansible_unsafe": "lab"},
        },
    }
