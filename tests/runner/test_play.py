# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated play: literal arguments, fixed hosts, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.errors import JobRefused
from mcp_bridge.runner import play
from mcp_bridge.runner.base import Job
from mcp_bridge.targets import Target


def job(args: Any = None, module: str = "a.b.c", names: tuple[str, ...] = ("lab",)) -> Job:
    targets = tuple(Target(name, "proxmox", (), {}, False, Path("/"), {}) for name in names)
    return Job(module, args or {}, targets)


def test_every_text_is_marked_and_only_our_own_template_is_not() -> None:
    text = play.play(job({"a": "x", "b": [{"c": "{{ y }}"}, 1, None, True, 1.5]}))
    (content,) = json.loads(text)
    assert content["tasks"] == [
        {
            "name": "call",
            "a.b.c": {
                "target": {"__ansible_unsafe": "lab"},
                "a": {"__ansible_unsafe": "x"},
                "b": [{"c": {"__ansible_unsafe": "{{ y }}"}}, 1, None, True, 1.5],
            },
        }
    ]
    assert content["gather_facts"] is False


@pytest.mark.parametrize("module", ["ping", "a.b", "a.b.c d", "a.b.C", "a.b.c\n", "../x.y.z", ""])
def test_only_full_names_of_modules_are_run(module: str) -> None:
    with pytest.raises(JobRefused, match="full name"):
        play.play(job(module=module))


@pytest.mark.parametrize(
    "args",
    [
        {"target": "other"},
        {"_ansible_no_log": False},
        {"a": {"__ansible_vault": "x"}},
        {1: "x"},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": b"bytes"},
        {"a": {"b\ud800": 1}},
    ],
)
def test_what_a_play_cannot_carry_is_refused(args: Any) -> None:
    with pytest.raises(JobRefused):
        play.play(job(args))


def test_arguments_nested_too_deep_or_too_large_are_refused() -> None:
    deep: Any = "x"
    for _level in range(100):
        deep = [deep]
    with pytest.raises(JobRefused, match="nested deeper than 32"):
        play.play(job({"a": deep}))
    with pytest.raises(JobRefused, match="larger than"):
        play.play(job({"a": "x" * (play.MAX_ARGUMENTS + 1)}))


def test_the_inventory_fixes_connection_and_interpreter() -> None:
    content = json.loads(play.inventory(job(names=("lab", "edge_2")), "/usr/bin/python3"))
    fixed = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    assert content == {"virtbridge_targets": {"hosts": {"lab": fixed, "edge_2": fixed}}}


@pytest.mark.parametrize(
    "names", [("all",), ("ungrouped",), ("a b",), ("{{ x }}",), (), ("a", "a")]
)
def test_hosts_that_mean_something_else_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(JobRefused):
        play.inventory(job(names=names), "python")
