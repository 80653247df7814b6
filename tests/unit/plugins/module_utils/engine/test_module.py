# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration run as a module, in a forked child, through Ansible's own argument handling."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from plugins.module_utils.engine.resource import Declaration
from tests.contract.support.child import Result
from tests.unit.plugins.module_utils.engine import tiny

Runs = Callable[..., Result]


def test_an_action_changes_the_state_once(runs: Runs, store: tiny.Store) -> None:
    store.add(name="web")
    first = runs(tiny.POWER, name="web", state="started")
    second = runs(tiny.POWER, name="web", state="started")
    assert (first.changed, second.changed) == (True, False)
    assert first.diff == {"before": {"state": "stopped"}, "after": {"state": "running"}}
    assert first.object["state"] == "running"
    assert [each["call"] for each in first.json["operations"]] == ["started"]
    assert second.json["operations"] == []


def test_a_query_counts_what_it_does_not_keep(runs: Runs, store: tiny.Store) -> None:
    for number in range(5):
        store.add(name=f"web-{number}")
    result = runs(tiny.INFO, limit=2)
    assert [row["name"] for row in result.json["objects"]] == ["web-0", "web-1"]
    assert (result.json["total"], result.json["truncated"]) == (5, True)
    assert not result.changed
    assert "operations" not in result.json
    assert len(runs(tiny.INFO, limit=0).json["objects"]) == 5
    assert runs(tiny.INFO, name="nobody").json["objects"] == []


def test_a_resource_answers_with_diff_and_operations(runs: Runs, store: tiny.Store) -> None:
    result = runs(tiny.BOX, name="web", cpus="2", disks=[{"slot": "a", "size": 1}])
    assert result.diff["after"]["disks"] == [{"slot": "a", "size": 1}]
    assert result.object == {
        "name": "web",
        "cpus": 2,
        "disks": [{"slot": "a", "size": 1}],
        "state": "stopped",
    }
    (operation,) = result.json["operations"]
    assert (operation["call"], operation["id"]) == ("create", "op-2")
    assert 0 <= operation["seconds"] < 10
    assert not runs(tiny.BOX, name="web", cpus="2").changed


def test_check_mode_opens_the_client_read_only(runs: Runs, store: tiny.Store) -> None:
    result = runs(tiny.BOX, {"check": True}, name="web")
    assert result.changed
    assert store.writes == []


class Careless(tiny.BoxOperations):
    """Writes where only reading is allowed."""

    def find(self) -> list[dict[str, Any]]:
        self.client.call("poke")
        return super().find()

    def rows(self) -> Iterator[dict[str, Any]]:
        return iter(self.find())


@pytest.mark.parametrize(
    ("declaration", "check"),
    [(tiny.BOX, True), (tiny.POWER, True), (tiny.INFO, False), (tiny.INFO, True)],
)
def test_operations_that_write_while_reading_meet_a_read_only_client(
    runs: Runs, store: tiny.Store, declaration: Declaration, check: bool
) -> None:
    careless = dataclasses.replace(declaration, operations=Careless)
    args = {"state": "started"} if declaration.writes else {}
    result = runs(careless, {"check": check}, name="web", **args)
    assert "this client is read-only" in result.json["msg"]
    assert store.writes == []


def test_a_raw_call_is_sent_in_check_mode_only_when_it_reads(runs: Runs, store: tiny.Store) -> None:
    assert runs(tiny.API, name="poke").json["result"] == {"objects": 0}
    assert runs(tiny.API, {"check": True}, name="poke").json["result"] is None
    assert runs(tiny.API, {"check": True}, name="look").json["result"] == {"objects": 0}
    assert (runs(tiny.API, name="poke").changed, runs(tiny.API, name="look").changed) == (
        True,
        False,
    )


def test_an_expected_failure_is_an_error_and_no_traceback(runs: Runs, store: tiny.Store) -> None:
    store.fault("create", "failed")
    result = runs(tiny.BOX, name="web")
    assert result.failed
    assert result.kind == "operation_failed"
    assert result.json["msg"] == result.error["message"] == "create failed."
    assert result.error["log"] == ["line 1", "password (secret)"]
    assert result.json["operations"]
    assert "exception" not in result.json
    assert "Traceback" not in result.stdout + result.stderr


def test_a_defect_says_where_and_never_what(runs: Runs, store: tiny.Store) -> None:
    store.fault("create", "crash")
    result = runs(tiny.BOX, name="web", notes="unrelated-argument")
    assert result.kind == "internal"
    assert "KeyError at" in result.json["msg"]
    assert "tiny.py:" in result.json["msg"]
    assert result.error["log"]
    everything = result.stdout.split('"invocation"')[0] + result.stderr
    assert tiny.LOGIN not in everything
    assert "unrelated-argument" not in everything


def test_secrets_are_masked_in_every_form(runs: Runs) -> None:
    wrong = "wrong+pass/word 1"
    result = runs(tiny.BOX, name="web", password=wrong)
    assert result.kind == "auth"
    assert wrong not in result.stdout + result.stderr
    late = "late-secret-9"
    encoded = base64.b64encode(late.encode()).decode()
    result = runs(tiny.BOX, name="web", late_secret=late, notes=encoded)
    shown = {k: v for k, v in result.json.items() if k != "invocation"}
    assert late not in str(shown)
    assert encoded not in str(shown)
    assert any("(secret)" in text or "***" in text for text in result.warnings)


def test_a_secret_from_the_environment_is_one_too(runs: Runs, store: tiny.Store) -> None:
    env = {"TINY_PASSWORD": "from-environment-1"}
    result = runs(tiny.BOX, {"env": env}, name="web", password=None)
    assert result.kind == "auth"
    assert "from-environment-1" not in result.stdout + result.stderr


def test_a_short_secret_is_warned_about(runs: Runs) -> None:
    result = runs(tiny.BOX, name="web", agent_password="abc")
    assert any("shorter than 8 characters" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"name": "web", "cpsu": 1}, "did you mean cpus?"),
        ({"name": "web", "disks": [{"slot": "a", "siez": 1}]}, "did you mean size?"),
        ({"name": "web", "zzzzzzzz": 1}, "Unsupported parameters"),
        ({"cpus": 1}, "missing required arguments: name"),
        ({"name": "web", "cpus": "many"}, "cpus"),
        ({"name": "web", "state": "gone"}, "present, absent, started, stopped"),
        ({"name": "web", "cpus": 99}, "above the most allowed, 64"),
        ({"name": "web", "target": "lab"}, "target 'lab' reached the module unresolved"),
    ],
)
def test_bad_input_is_a_validation_error_and_nothing_is_sent(
    runs: Runs, store: tiny.Store, args: dict[str, Any], says: str
) -> None:
    result = runs(tiny.BOX, **args)
    assert result.kind == "validation"
    assert says in result.json["msg"]
    assert store.journal == []


def test_the_field_of_an_unknown_option_is_named(runs: Runs) -> None:
    assert runs(tiny.BOX, name="web", cpsu=1).error["fields"] == {
        "cpsu": "unknown option; did you mean cpus?"
    }


def test_sigterm_is_answered(runs: Runs, store: tiny.Store) -> None:
    store.fault("create", "hang")
    interrupt = {"interrupt": lambda: "create" in store.journal}
    result = runs(tiny.BOX, interrupt, name="web")
    assert result.kind == "cancelled"
    assert "create" in result.json["msg"]
    store.fault("find", "hang")
    interrupt = {"interrupt": lambda: store.journal.count("find") == 2}
    assert "nothing had been sent" in runs(tiny.BOX, interrupt, name="web").json["msg"]


def test_a_kind_of_declaration_that_nobody_knows_is_a_defect(runs: Runs) -> None:
    strange = Declaration("tiny_odd", "Odd", tiny.TINY, tiny.BoxOperations)
    assert runs(strange).kind == "internal"


def test_one_of_several_identities_is_needed(runs: Runs) -> None:
    two = dataclasses.replace(tiny.POWER, identity=("name", "settles"))
    assert "one of the following is required" in runs(two, state="started").json["msg"]


def test_a_facade_platform_may_have_a_target_of_its_own(runs: Runs, store: tiny.Store) -> None:
    from plugins.module_utils.engine.field import Field

    own = (*tiny.TINY.connection, Field("target", doc="Own."))
    fleet = dataclasses.replace(tiny.TINY, connection=own)
    info = dataclasses.replace(tiny.INFO, platform=fleet)
    assert not runs(info, target="lab").failed
