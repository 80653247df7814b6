# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge runs`: listed, shown and stopped, also while another process has them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.mcp.conftest import Bridge, until
from virtsim import SimServer


class Command:
    """Runs the command on a bridge's files."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.bridge.command(*words), env=self.bridge.environment | {"COLUMNS": "200"},
            cwd=self.bridge.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, errors = process.communicate(timeout=200)
        assert "Traceback" not in errors
        return process.returncode, out, errors

    def listed(self, *words: str) -> list[dict[str, Any]]:
        code, out, errors = self("runs", "--json", *words)
        assert code == 0, errors
        rows: list[dict[str, Any]] = json.loads(out)["runs"]
        return rows


@pytest.fixture
def command(bridge: Bridge, proxmox_sim: Callable[..., SimServer]) -> tuple[Command, SimServer]:
    sim = proxmox_sim()
    bridge.add("lab", sim)
    bridge.add("other", sim)
    return Command(bridge), sim


@pytest.fixture
def bridge(tmp_path: Any) -> Bridge:
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    return Bridge(folder)


def test_where_nothing_ran_the_list_is_empty(bridge: Bridge) -> None:
    command = Command(bridge)
    assert command("runs")[:2] == (0, "no run yet\n")
    assert command.listed() == []
    for words in (("show", "abc"), ("cancel", "abc")):
        code, _out, errors = command("runs", *words)
        assert code == 1
        assert "virtbridge runs lists them" in errors


def test_runs_are_listed_filtered_and_shown(command: Any) -> None:
    """Red when a filter is ignored."""
    run, _sim = command
    assert run("call", "vm_list", "targets=lab")[0] == 0
    assert run("call", "vm_list", "targets=other")[0] == 0
    assert run("call", "vm_get", "ref=lab/-/999")[0] == 1
    rows = run.listed()
    assert [(row["tool"], row["state"], row["code"]) for row in rows] == [
        ("vm_get", "failed", "not_found"),
        ("vm_list", "succeeded", None),
        ("vm_list", "succeeded", None),
    ]
    assert {row["how"] for row in rows} == {"cold"}
    for words, count in (
        (("--target", "lab"), 2),
        (("--tool", "vm_list"), 2),
        (("--state", "failed"), 1),
        (("--state", "running"), 0),
        (("--limit", "1"), 1),
        (("--since", "1h"), 3),
        (("--since", "2999-01-01"), 0),
    ):
        assert len(run.listed(*words)) == count, words
    assert run("runs", "--state", "refused")[:2] == (0, "no such run\n")
    table = run("runs")[1]
    assert rows[0]["run_id"] in table
    assert "not_found" in table
    shown = json.loads(run("runs", "show", rows[1]["run_id"], "--json")[1])
    assert shown["answer"]["ok"] is True
    assert "other" in shown["log"]
    assert "not_found" in run("runs", "show", rows[0]["run_id"])[1]
    assert run("runs", "cancel", rows[0]["run_id"])[:2] == (0, "It had ended already: not_found\n")


def test_a_run_of_another_process_is_listed_and_stopped(command: Any) -> None:
    """Red when the bridge never looks for the mark: the run goes on to its time limit."""
    run, sim = command
    sim.control.fault("timeout", path="/api2/json/(nodes|cluster)", count=0)
    caller = run.start("call", "vm_list", "targets=lab", "--json")
    try:
        until(sim.control.journal)
        (row,) = run.listed("--state", "running")
        code, out, _errors = run("runs", "cancel", row["run_id"])
        assert (code, out) == (0, "ended: cancelled\n")
        out, _errors = caller.communicate(timeout=200)
    finally:
        caller.kill()
        caller.wait()
    assert json.loads(out)["error"]["code"] == "cancelled"


def test_a_moment_that_is_none_is_said(bridge: Bridge) -> None:
    code, _out, errors = Command(bridge)("runs", "--since", "yesterday")
    assert code == 2
    assert "30m" in errors
