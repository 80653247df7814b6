# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured facts M1 to M5, M7, M11 and M12: what a careless runner gets wrong.

One real ansible-runner run carries the whole corpus; the tests look at it from all sides.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.errors import JobRefused
from mcp_bridge.runner import cold
from mcp_bridge.runner.base import Outcome, Progress
from tests.runner import tree

PASSWORD = "canary-52b9-guest-password"
ENVIRONMENT = "canary-e41a-environment"


def corpus(touched: Path) -> list[Any]:
    """Return what a caller may send, hostile and odd; each value must arrive as it is."""
    command = f"touch {touched}"
    return [
        f"{{{{ lookup('pipe', '{command}') }}}}",
        f"{{% set x = lookup('pipe', '{command}') %}}{{{{ x }}}}",
        "{{ 1 + 1 }}",
        "{# comment #}",
        "{% raw %}{{ a }}{% endraw %}",
        "{{",
        "}}",
        "7",
        "[1, 2]",
        '{"a": 1}',
        "true",
        "null",
        "1e3",
        "0x10",
        "2026-11-21",
        "",
        " leading and trailing ",
        "two\nlines\r\nand a \ttab",
        "nul \x00, nel \x85, bell \x07",
        "quotes ' \" ` \\ and $(id) `id` ${HOME} %s {0}",
        "!unsafe x",
        "!vault |",
        '{"__ansible_unsafe": "x"}',
        "\u202eright to left\u202c, \u00fc, \u4e2d\u6587, \U0001f600",
        "e\u0301 and \u00e9 are twins",
        {"plain": "{{ 1 }}", "{{ key }}": "v", "deep": [{"er": ["{{ 2 }}", None, True, 1, 1.5]}]},
        {"ansible_python_interpreter": "{{ 3 }}", "ansible_connection": "ssh"},
        [],
        {},
        2**62,
        -0.0,
        "x" * 300_000,
        "{{ y }}" * 150_000,
    ]


def digests(value: Any) -> Any:
    """Return the value with each text replaced by its digest, as the module does."""
    if isinstance(value, str):
        return hashlib.sha256(value.encode()).hexdigest()
    if isinstance(value, list):
        return [digests(part) for part in value]
    if isinstance(value, dict):
        return {key: digests(part) for key, part in value.items()}
    return value


@dataclass
class Seen:
    """One run of the corpus, and what could be seen of it while it went on."""

    outcome: Outcome
    sent: list[Any]
    touched: Path
    planted: Path
    artifacts: dict[str, str] = field(default_factory=dict)
    commands: list[bytes] = field(default_factory=list)
    kind: str = "cold"

    @property
    def result(self) -> Any:
        """Return the module's result."""
        return self.outcome.hosts["lab"]


def plant(folder: Path, touched: Path) -> None:
    """Put files into a folder that Ansible would follow if it ran there."""
    (folder / "library").mkdir(parents=True)
    script = f"#!/bin/sh\ntouch {touched}\n"
    for name in ("library/echo.py", "library/setup.py", "evil-python"):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    for name in ("ansible.cfg", ".ansible.cfg"):
        (folder / name).write_text(
            f"[defaults]\nlibrary = {folder}/library\nlog_path = {folder}/log\n"
            f"collections_path = {folder}\ninterpreter_python = {folder}/evil-python\n"
        )
    (folder / "sitecustomize.py").write_text(f"open({str(touched)!r}, 'w')\n")


@pytest.fixture(scope="module")
def seen(shared_bench: Any, tools: Any) -> Iterator[Seen]:
    bench, patch = shared_bench, pytest.MonkeyPatch()
    touched, planted = bench.folder / "touched", bench.folder / "planted"
    plant(planted, touched)
    patch.chdir(planted)
    patch.setenv("HOME", str(planted))
    patch.setenv("VIRTBRIDGE_TEST_SECRET", ENVIRONMENT)
    patch.setenv("PYTHONPATH", str(planted))
    patch.setenv("ANSIBLE_LIBRARY", str(planted / "library"))
    sent = corpus(touched)
    # The module stays until it was looked at, with all that it takes to run it.
    reached, looked = bench.folder / "reached", bench.folder / "looked"
    args = {"payload": sent, "password": PASSWORD, "says": str(reached), "hears": str(looked)}
    job = bench.job(args=args, keep=True, secret_values=(PASSWORD,))
    artifacts: dict[str, str] = {}
    commands: list[bytes] = []

    def look(_progress: Progress | None = None) -> None:
        folder = bench.base / job.run_id
        for file, content in tree.files(folder / "artifacts", folder / "node" / "artifacts"):
            artifacts[str(file.relative_to(folder))] = content.decode(errors="replace")
        commands.extend(map(tree.command, tools.processes_of(job.run_id)))

    def look_at_the_module() -> None:
        tools.wait_for(reached.exists)
        look()
        looked.touch()

    looking = threading.Thread(target=look_at_the_module, daemon=True)
    looking.start()
    try:
        outcome = bench.run(job, on_progress=look)
        looking.join()
        yield Seen(outcome, sent, touched, planted, artifacts, commands, bench.kind)
    finally:
        patch.undo()


def test_m1_arguments_are_never_templates(seen: Seen) -> None:
    """Red when `literal` returns the bare text: the command runs and the file exists."""
    assert seen.outcome.status == "successful", seen.outcome.stdout
    assert not seen.touched.exists()


def test_m11_every_value_arrives_byte_for_byte(seen: Seen) -> None:
    """Red when arguments go through a variable and `from_json`: `7` and `[1, 2]` change type."""
    arrived = seen.result["payload"]
    assert seen.result["digests"] == digests(seen.sent)
    for number, value in enumerate(seen.sent):
        assert arrived[number] == value, number
        assert type(arrived[number]) is type(value), number


def test_m2_keys_of_the_caller_steer_nothing(bench: Any) -> None:
    """Red when arguments go as extravars: the caller's interpreter is started."""
    touched = bench.folder / "touched"
    plant(bench.folder / "planted", touched)
    evil = str(bench.folder / "planted" / "evil-python")
    args = {"ansible_python_interpreter": evil, "ansible_connection": "ssh", "payload": 1}
    result = bench.run(bench.job(args=args)).hosts["lab"]
    assert result["failed"] and "ansible_python_interpreter" in result["msg"]
    assert not touched.exists()
    for key in ("_ansible_check_mode", "__ansible_unsafe", "__ansible_vault"):
        with pytest.raises(JobRefused, match=key):
            bench.run(bench.job(args={key: "x"}))
        with pytest.raises(JobRefused, match=key):
            bench.run(bench.job(args={"payload": [{"a": {key: "x"}}]}))


def test_m3_no_secret_is_in_any_artifact(seen: Seen, tools: Any) -> None:
    """Red when the bridge's environment is passed on: artifacts/*/command holds all of it."""
    assert {"command", "stdout"} <= {Path(name).name for name in seen.artifacts}
    kept = seen.outcome.artifacts
    assert kept is not None and kept.stat().st_mode & 0o077 == 0
    after = {str(file): file.read_text() for file in kept.rglob("*") if file.is_file()}
    assert any("job_events" in name for name in after)
    told = {"hosts": json.dumps(seen.outcome.hosts), "stdout": seen.outcome.stdout}
    for secret in (tools.canary, PASSWORD, ENVIRONMENT):
        for name, text in {**seen.artifacts, **after, **told}.items():
            assert secret not in text, f"{secret} in {name}"


def test_m4_no_argument_is_on_a_command_line(seen: Seen, tools: Any) -> None:
    """Red with suppress_env_files=True: the arguments are in argv, and 200 KB are too many."""
    running = b"forkserver.py" if seen.kind == "warm" else b"ansible-playbook"
    assert any(running in command for command in seen.commands)
    for command in seen.commands:
        assert b"lookup" not in command
        for secret in (tools.canary, PASSWORD, ENVIRONMENT):
            assert secret.encode() not in command


def test_m5_a_large_result_comes_back_whole(seen: Seen) -> None:
    """Red without MAX_EVENT_RES: the status is successful and the result is empty."""
    assert len(seen.result["payload"][-1]) == len("{{ y }}") * 150_000


def test_m5_a_lost_result_is_an_error(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when an empty result is taken as it comes: rc is 0 and nothing says failed."""
    monkeypatch.setattr(cold, "_MAX_RESULT", 1000)
    outcome = bench.run(bench.job(args={"size": 2000}))
    assert outcome.rc == 0
    assert outcome.hosts["lab"]["failed"]
    assert outcome.hosts["lab"]["error"]["kind"] == "uncertain"
    assert "too large or was lost" in outcome.hosts["lab"]["msg"]


def test_m7_the_interpreter_is_the_bridges_own(seen: Seen) -> None:
    """Red when the inventory does not fix it: another Python is discovered."""
    assert seen.result["interpreter"] == sys.executable


def test_m12_nothing_planted_is_followed(seen: Seen) -> None:
    """Red when the bridge's environment is passed on: HOME, PYTHONPATH and library are used."""
    assert not seen.touched.exists()
    assert not (seen.planted / "log").exists()
    environment = seen.result["environment"]
    assert str(seen.planted) not in json.dumps(environment)
    assert "PYTHONPATH" not in environment and "ANSIBLE_LIBRARY" not in environment
    assert not seen.result["folder"].startswith(str(seen.planted))


def test_m11_a_lone_surrogate_starts_no_run(bench: Any) -> None:
    """Red without the check of `literal`: the run starts and fails with a traceback."""
    for args in ({"payload": ["a\ud800"]}, {"payload": {"\udfff": 1}}):
        job = bench.job(args=args)
        with pytest.raises(JobRefused, match="surrogate"):
            bench.run(job)
        # The folder is one for all bridges of this user, also for those of other tests.
        assert not (bench.base / job.run_id).exists()


def test_the_run_sees_only_its_own_targets(seen: Seen) -> None:
    """Red when the user's targets.yml is named: other targets and their credentials are there."""
    assert list(json.loads(seen.result["targets"])["targets"]) == ["lab"]
    assert seen.result["environment"]["VIRTBRIDGE_TARGETS"] != os.environ.get("VIRTBRIDGE_TARGETS")
