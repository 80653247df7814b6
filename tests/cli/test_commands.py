# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `virtbridge` command as a person types it: exit codes, JSON, help that teaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import measured
from tests.waiting import Attended

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "audit", "bench", "call", "check-config", "client-config", "demo", "describe", "doctor",
    "runs", "search", "serve", "sim", "targets", "tools",
)  # fmt: skip


class Shell:
    """Runs the command with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "virtbridge"
        self.folder.mkdir(mode=0o700)
        self.environment = measured.environment() | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "COLUMNS": "120",
        }

    def __call__(self, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "mcp_bridge.cli", *words]
        return subprocess.run(
            command, env=self.environment, input=text, capture_output=True, text=True,
            timeout=200, check=False, cwd=self.folder,
        )  # fmt: skip

    def write(self, name: str, content: Any) -> Path:
        """Write a configuration file."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(content))
        return path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_help_lists_every_command_and_teaches_by_examples(shell: Shell) -> None:
    shown = shell("--help")
    assert shown.returncode == 0
    for word in (*COMMANDS, "Examples:", "virtbridge call vm_list state=running"):
        assert word in shown.stdout
    for name in ("call", "serve", "sim"):
        assert shell(name, "--help").returncode == 0
    assert "Examples:" in shell("call", "--help").stdout


def test_help_is_quick_because_the_sdk_is_not_imported(shell: Shell) -> None:
    code = "import sys, mcp_bridge.cli; print({'mcp', 'ansible', 'rich'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=shell.environment, capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell("--version").stdout.startswith("virtbridge, version ")


def test_tools_are_listed_without_any_configuration(shell: Shell) -> None:
    listed = shell("tools", "--json")
    assert listed.returncode == 0, listed.stderr
    names = [tool["name"] for tool in json.loads(listed.stdout)]
    golden = ROOT / "tests/mcp/golden/tools.json"
    assert names == [tool["name"] for tool in json.loads(golden.read_text())]
    assert "vm_power" in shell("tools").stdout
    assert "vm_power" not in shell("tools", "--read-only").stdout


def test_a_wrong_command_line_is_exit_code_two(shell: Shell) -> None:
    for words, says in (
        (("cal",), "cal"),
        (("call", "vm_lst"), "did you mean vm_list"),
        (("call", "vm_list", "state"), "is not NAME=VALUE"),
        (("call", "vm_list", "--json-args", "{"), "is not JSON"),
        (("call", "vm_list", "--json-args", "[]"), "one JSON object"),
        (("serve", "--config", "/nowhere.yml"), "/nowhere.yml"),
        (("sim", "start", "proxmix"), "proxmox"),
    ):
        done = shell(*words)
        assert done.returncode == 2, (words, done.stdout, done.stderr)
        assert done.stdout == ""
        assert says in done.stderr, words
        assert "Traceback" not in done.stderr


def test_an_operation_is_found_and_described(shell: Shell) -> None:
    found = shell("search", "clone", "a", "guest", "--platform", "proxmox", "--json")
    operations = [row["operation"] for row in json.loads(found.stdout)["data"]["operations"]]
    clone = "proxmox:POST /nodes/{node}/qemu/{vmid}/clone"
    assert clone in operations
    assert clone.split(maxsplit=1)[0] in shell("search", "clone", "a", "guest").stdout
    shown = shell("describe", clone)
    assert shown.returncode == 0
    assert "newid*" in shown.stdout
    assert "raw|qcow2|vmdk" in shown.stdout
    told = json.loads(shell("describe", "proxmox_vm_power", "--json").stdout)
    assert "state" in told["data"]["args"]["properties"]
    assert "state*" in shell("describe", "proxmox_vm_power").stdout


def test_what_cannot_be_found_is_exit_code_one(shell: Shell) -> None:
    for words, says in (
        (("describe", "proxmox_vm_powr"), "did you mean proxmox_vm_power"),
        (("search", "clone", "--platform", "proxmix"), "did you mean proxmox"),
        (("search", "clone", "--limit", "0"), "limit"),
    ):
        done = shell(*words)
        assert done.returncode == 1, words
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_a_refused_call_is_exit_code_one_and_names_what_to_do(shell: Shell) -> None:
    done = shell("call", "vm_list", "stat=running")
    assert done.returncode == 1
    assert "invalid_args" in done.stderr
    assert "did you mean state" in done.stderr
    told = json.loads(shell("call", "vm_list", "stat=running", "--json").stdout)
    assert told["error"]["code"] == "invalid_args"


def test_arguments_come_as_pairs_or_json_and_keep_their_types(shell: Shell) -> None:
    pairs = shell("call", "vm_list", "limit=0", "where.cpus=many", "fields=ref,nam", "--json")
    message = json.loads(pairs.stdout)["error"]["message"]
    assert "limit is 0, must be at least 1" in message
    assert 'where.cpus must be integer, is "many"' in message
    given = shell("call", "vm_list", "--json-args", "-", "--json", text='{"limit": "7"}')
    assert 'limit must be integer, is "7"' in json.loads(given.stdout)["error"]["message"]


def test_a_lone_surrogate_is_refused(shell: Shell) -> None:
    done = shell("call", "vm_list", "--json-args", '{"name": "\\ud800"}', "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], "name holds a lone surrogate" in error["message"]) == (
        "invalid_args",
        True,
    )


def test_check_config_reports_every_mistake_of_both_files_at_once(shell: Shell) -> None:
    shell.write("virtbridge.yml", {"servr": {}, "policy": {"rules": [{"verdict": "alow"}]}})
    shell.write("targets.yml", {"targets": {"lab": {"platform": "proxmx", "urll": "x"}}})
    done = shell("check-config", "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    text = "\n".join(told["problems"])
    for word in ("servr", "verdict", "platform", "urll", "virtbridge.yml", "targets.yml"):
        assert word in text
    assert len(told["problems"]) >= 4
    assert shell("serve").returncode == 2


def test_check_config_is_content_without_files(shell: Shell) -> None:
    done = shell("check-config")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok")


def test_a_running_target_is_probed_and_a_dead_one_is_exit_code_one(
    shell: Shell, proxmox_sim: Any
) -> None:
    sim = proxmox_sim()
    secret = shell.folder / "lab.token"
    secret.touch(mode=0o600)
    secret.write_text(sim.credentials["token_secret"])
    credential = {"token_id": sim.credentials["token_id"], "token_secret_file": secret.name}
    lab = {"platform": "proxmox", "url": sim.url, "ca_file": str(sim.ca_file)}
    shell.write("targets.yml", {"targets": {"lab": lab | {"credential": credential}}})
    with Attended() as when_it_runs:
        good = shell("targets", "--probe", "--json")
    assert good.returncode == 0, good.stdout + good.stderr
    assert json.loads(good.stdout)["data"]["targets"][0]["reachable"] is True
    listed = shell("call", "vm_list", "state=running", "fields=name,host")
    assert (listed.returncode, "lab/-/" in listed.stdout) == (0, True), listed.stderr
    sim.stop()
    with Attended() as when_it_is_dead:
        assert shell("targets", "--probe").returncode == 1
    # It is refused at once, so that only the command and its run take their time.
    assert when_it_is_dead.seconds < 15 + when_it_runs.seconds
