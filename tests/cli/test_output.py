# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command prints for people: tables, warnings, changes, the next page, mistakes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from mcp_bridge.cli_demo import Done, Report, Unexpected, print_report, require
from tests.cli.test_commands import Shell
from virtsim import SimServer


@pytest.fixture
def shell(tmp_path: Any) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def lab(shell: Shell, proxmox_sim: Any) -> SimServer:
    sim: SimServer = proxmox_sim()
    secret = shell.folder / "lab.token"
    secret.touch(mode=0o600)
    secret.write_text(sim.credentials["token_secret"])
    credential = {"token_id": sim.credentials["token_id"], "token_secret_file": secret.name}
    lab = {"platform": "proxmox", "url": sim.url, "ca_file": str(sim.ca_file)}
    shell.write("targets.yml", {"targets": {"lab": lab | {"credential": credential}}})
    return sim


def test_tools_are_a_table_with_their_required_arguments(shell: Shell) -> None:
    shown = shell("tools")
    assert (shown.returncode, shown.stderr) == (0, "")
    row = next(line for line in shown.stdout.splitlines() if line.lstrip().startswith("vm_get"))
    assert "read" in row
    assert "ref*" in row


def test_a_page_says_how_to_get_the_next(shell: Shell, lab: SimServer) -> None:
    first = shell("call", "vm_list", "limit=2", "fields=name,tags,os")
    assert first.returncode == 0, first.stderr
    assert "more: repeat with cursor=" in first.stderr
    assert "ok" in first.stderr
    lines = [line.split() for line in first.stdout.splitlines() if line.strip()]
    assert lines[0] == ["ref", "name", "tags", "os"]
    assert "prod," in first.stdout


def test_a_machine_is_a_table_of_its_own_and_a_change_shows_before_and_after(
    shell: Shell, lab: SimServer
) -> None:
    machine = shell("call", "vm_get", "ref=lab/-/100")
    assert "web1" in machine.stdout
    assert "prod, web" in machine.stdout
    plan = shell("call", "vm_update", "ref=lab/-/100", "memory_mib=4096", "check=true")
    assert plan.returncode == 0, plan.stderr
    assert "planned" in plan.stderr
    table = [line.split() for line in plan.stdout.splitlines() if "4096" in line]
    assert ["memory", "2048", "4096"] in table or table, plan.stdout
    assert [row["path"] for row in lab.control.writes()] == []


def test_a_warning_goes_to_standard_error(shell: Shell, lab: SimServer) -> None:
    lab.control.fault("warn_task", path="/qemu/101/status/start")
    shown = shell("call", "vm_power", "ref=lab/-/101", "state=started")
    assert shown.returncode == 0, shown.stderr
    assert "warning: " in shown.stderr
    assert "warning" not in shown.stdout


def test_of_several_that_partly_failed_each_is_shown(shell: Shell, lab: SimServer) -> None:
    """Red when only the error is printed: nobody sees which machine it was."""
    shown = shell("call", "vm_power", "refs=lab/-/101,lab/-/999", "state=started")
    assert shown.returncode == 1
    assert "partial: " in shown.stderr
    rows = {line.split()[0]: line for line in shown.stdout.splitlines() if "lab/-/" in line}
    assert set(rows) == {"lab/-/101", "lab/-/999"}, shown.stdout
    assert "not_found" in rows["lab/-/999"]


def test_mistakes_of_the_configuration_are_counted(shell: Shell) -> None:
    shell.write("virtbridge.yml", {"servr": {}})
    one = shell("check-config")
    assert one.returncode == 2
    assert "servr: unknown key; did you mean server?" in one.stderr
    assert one.stdout.startswith("1 mistake in ")
    shell.write("targets.yml", {"targets": {"lab": 5}})
    assert shell("check-config").stdout.startswith("2 mistakes in ")


def test_secrets_and_files_that_are_not_there_are_mistakes(shell: Shell, lab: SimServer) -> None:
    assert shell("check-config").returncode == 0
    (shell.folder / "lab.token").chmod(0o644)
    told = shell("check-config")
    assert told.returncode == 2
    assert "others may use it" in told.stderr


def test_a_value_and_an_object_cannot_be_the_same_argument(shell: Shell) -> None:
    done = shell("call", "vm_list", "where=1", "where.cpus=2")
    assert done.returncode == 2
    assert "both as a value and as an object" in done.stderr


def test_a_name_with_a_lone_surrogate_is_refused(shell: Shell) -> None:
    done = shell("call", "vm_list", "--json-args", '{"where": {"\\ud800": 1}}')
    assert done.returncode == 1
    assert "a name in where holds a lone surrogate" in done.stderr


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (Report([Done("a", True, 1.2, "x")]), "All 1 steps showed what they should in 1 s"),
        (Report([Done("a", True, 1, "x"), Done("b", False, 1, "[y]")]), "did not show what it"),
        (Report([Done("a", True, 1, "x")], interrupted=True), "is gone again"),
    ],
)
def test_the_demo_says_how_it_ended(report: Report, says: str) -> None:
    console = Console(file=io.StringIO(), width=120)
    print_report(console, report)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert says in shown
    assert all(line.shown in shown for line in report.lines)
    assert report.as_json()["ok"] is (report.ok) is says.startswith("All")


def test_the_demo_requires_what_it_shows() -> None:
    require(True, "never said")
    with pytest.raises(Unexpected, match="what was seen"):
        require(False, "what was seen")
