# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations refuse to contradict themselves, and say which options follow from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.resource import Action, Raise, Resource, Risk
from plugins.module_utils.engine.spec import argument_spec, constraints
from tests.unit.plugins.module_utils.engine import tiny

BASE: dict[str, Any] = {
    "name": "x",
    "summary": "X",
    "platform": tiny.TINY,
    "operations": tiny.BoxOperations,
}
NAME = Field("name", doc="Name.")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Field("a", "text", doc="x"), "unknown type"),
        (lambda: Field("a", object, doc="x"), "unknown type"),
        (lambda: Field("a", role="state", doc="x"), "unknown role"),
        (lambda: Field("a"), "needs doc"),
        (lambda: Field("a", list, doc="x"), "elements goes with"),
        (lambda: Field("a", elements=str, doc="x"), "elements goes with"),
        (lambda: Field("a", list, elements=dict, key="b", doc="x"), "not one of its sub-options"),
        (lambda: Field("a", dict, key="name", fields=(NAME,), doc="x"), "list of dicts"),
        (lambda: Risk("harmless"), "unknown risk"),
        (lambda: Risk("read", (Raise("a", "worse"),)), "unknown risk"),
        (lambda: Resource(**BASE, fields=(NAME, NAME), identity=("name",)), "declared twice"),
        (lambda: Resource(**BASE, fields=(NAME,), identity=("id",)), "is not a field"),
        (lambda: Resource(**BASE, fields=(NAME,)), "needs an identity"),
        (
            lambda: Resource(
                **BASE, fields=(NAME, Field("a", default="b", doc="x")), identity=("name",)
            ),
            "cannot have a default",
        ),
        (lambda: Action(**BASE, fields=(NAME,), identity=("name",)), "needs an identity and"),
    ],
)
def test_a_contradiction_is_refused_where_it_is_written(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_fields_and_transitions_are_found_by_name() -> None:
    assert tiny.BOX.field("cpus").unit == ""
    assert tiny.BOX.field("memory").api_name == "memory"
    assert tiny.POWER.transition("started").result == "running"
    with pytest.raises(KeyError):
        tiny.BOX.field("nothing")
    with pytest.raises(KeyError):
        tiny.POWER.transition("nothing")


def test_options_of_the_engine_are_there_only_where_they_mean_something() -> None:
    plain = Resource(**BASE, fields=(NAME,), identity=("name",))
    engine = {"update_secrets", "allow_replace", "exact", "restart"}
    assert not engine & set(argument_spec(plain))
    assert engine <= set(argument_spec(tiny.BOX))
    assert {"limit"} == {"limit", "wait"} & set(argument_spec(tiny.INFO))
    assert {"wait", "wait_timeout"} <= set(argument_spec(tiny.POWER))
    assert {"wait", "wait_timeout"} <= set(argument_spec(tiny.API))


def test_every_option_says_whether_it_is_secret() -> None:
    spec = argument_spec(tiny.BOX)
    assert spec["agent_password"]["no_log"] is True
    assert spec["update_secrets"]["no_log"] is False
    assert spec["disks"]["options"]["key"]["no_log"] is True


def test_an_item_of_a_list_needs_its_key_and_may_be_absent() -> None:
    options = argument_spec(tiny.BOX)["disks"]["options"]
    assert options["slot"]["required"]
    assert options["state"]["choices"] == ["present", "absent"]
    assert "required" not in options["size"]


def test_aliases_and_environment_become_arguments() -> None:
    field = Field("host", doc="x", aliases=("server",), env=("TINY_HOST",))
    resource = Resource(**BASE, fields=(NAME, field), identity=("name",))
    argument = argument_spec(resource)["host"]
    assert argument["aliases"] == ["server"]
    assert argument["fallback"][1] == ["TINY_HOST"]


def test_rules_of_the_platform_and_of_the_identity_become_constraints() -> None:
    import dataclasses

    platform = dataclasses.replace(
        tiny.TINY,
        mutually_exclusive=(("store", "password"),),
        required_together=(("store", "late_secret"),),
    )
    two = {**BASE, "platform": platform}
    resource = Resource(**two, fields=(NAME, Field("id", doc="x")), identity=("id", "name"))
    assert constraints(resource) == {
        "required_together": [["store", "late_secret"]],
        "required_one_of": [["id", "name"]],
    }
    assert constraints(tiny.INFO) == {}
