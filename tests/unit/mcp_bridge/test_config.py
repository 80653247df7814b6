# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""virtbridge.yml: defaults, overrides, and every mistake told at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from mcp_bridge.config import SCHEMA_FILE, Config, load_config, location, schema, state_home
from mcp_bridge.errors import ConfigInvalid

EMPTY = {"HOME": "/nowhere"}


def write(folder: Path, content: Any) -> Path:
    path = folder / "virtbridge.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    path.chmod(0o600)
    return path


def problems(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        load_config(path, EMPTY | (environ or {}))
    return [str(problem) for problem in caught.value.problems]


def test_without_any_file_everything_has_its_default() -> None:
    config = load_config(environ=EMPTY)
    assert config.server.max_answer_bytes == 24 * 1024
    assert (config.flags.read_only, config.flags.no_destructive) == (False, False)
    assert config.policy.rules == ()
    assert config.runner.executor == "local" and config.runner.concurrency >= 1


def test_a_full_file_is_read_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    content = {
        "server": {"max_answer_bytes": 8192, "read_only": True, "no_destructive": True},
        "targets_file": "targets.yml",
        "policy": {
            "rules": [
                {"name": "demo", "match": {"target": "lab"}, "verdict": "allow"},
                {"match": {"risk": ["read"], "labels": {"env": "prod"}}, "verdict": "deny"},
            ]
        },
        "runner": {
            "concurrency": 3,
            "timeout": 20,
            "collections_path": ["more", "/abs"],
            "env_allow": ["HTTPS_PROXY"],
            "state_dir": "~/state",
            "vault_password_file": "vault",
        },
        "audit": {"path": "audit.jsonl"},
    }
    config = load_config(write(tmp_path, content), EMPTY)
    assert config.targets_file == tmp_path / "targets.yml"
    assert config.runner.collections_path == (tmp_path / "more", Path("/abs"))
    assert config.state_dir == Path("~/state").expanduser()
    assert config.audit_path == tmp_path / "audit.jsonl"
    assert [rule.name for rule in config.policy.rules] == ["demo", "policy.rules[1]"]
    assert config.policy.rules[0].patterns == {"target": ("lab",)}
    assert config.policy.rules[1].labels == {"env": "prod"}


def test_all_mistakes_are_told_at_once_with_place_and_nearest_key(tmp_path: Path) -> None:
    content = {
        "server": {"max_answer_bytes": 3, "red_only": True},
        "polcy": {},
        "policy": {
            "rules": [
                {"match": {}, "verdict": "allow"},
                {"match": {"targets": "lab", "risk": "distructive"}, "verdict": "alow"},
                {"verdict": "deny"},
            ]
        },
        "runner": {"concurrency": "2", "collections_path": "x", "env_allow": ["A B"]},
        "audit": [1],
    }
    environ = {"VIRTBRIDGE_SERVER_READ_ONLY": "maybe", "VIRTBRIDGE_RUNNER_TIMOUT": "3"}
    every = "\n".join(problems(write(tmp_path, content), environ))
    for text in (
        "VIRTBRIDGE_RUNNER_TIMOUT: unknown variable; did you mean VIRTBRIDGE_RUNNER_TIMEOUT?",
        "VIRTBRIDGE_SERVER_READ_ONLY: expected true or false, not 'maybe'",
        "audit: expected a mapping with path, checkpoint_path, checkpoint_every, "
        "checkpoint_seconds, rotate_bytes, not a list",
        "policy.rules[0].match: expected at least one of tool, operation, risk",
        "policy.rules[1].match.risk[0]: expected 'read', 'write', 'disruptive' or 'destructive'"
        " (did you mean destructive?), not 'distructive'",
        "policy.rules[1].match.targets: unknown key; did you mean target?",
        "policy.rules[1].verdict: expected 'allow', 'approve' or 'deny' (did you mean allow?),"
        " not 'alow'",
        "policy.rules[2].match: missing; expected what the rule speaks of",
        "polcy: unknown key; did you mean policy?",
        "runner.collections_path: expected a list, not",
        "runner.concurrency: expected a whole number, not '2'",
        "runner.env_allow[0]: expected",
        "server.max_answer_bytes: expected a number of at least 4096, not 3",
        "server.red_only: unknown key; did you mean read_only?",
    ):
        assert text in every
    assert len(every.splitlines()) == 14


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a: [", "line 1, column 5: not valid YAML"),
        ("server: {}\nserver: {}\n", "the key server is given twice"),
        ("- 1\n", "expected a mapping of sections"),
        ("a: !!python/object:os.system x\n", "not valid YAML"),
        ("server: {read_only: 'yes'}\n", "server.read_only: expected true or false, not 'yes'"),
        ("server: {read_only: 1}\n", "server.read_only: expected true or false, not 1"),
        ("runner: {timeout: 0.5}\n", "runner.timeout: expected a number of at least 1"),
        ("runner: {executor: warm}\n", "runner.executor: expected 'local'"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, content: str, text: str) -> None:
    assert text in "\n".join(problems(write(tmp_path, content)))


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    path.chmod(0o666)
    assert "run chmod go-w on it" in problems(path)[0]


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    missing = tmp_path / "none.yml"
    assert "there is no such file" in problems(missing)[0]
    assert "there is no such file" in problems(None, {"VIRTBRIDGE_CONFIG": str(missing)})[0]


def test_what_is_too_much_too_little_or_of_another_kind_is_said(tmp_path: Path) -> None:
    content = {
        "runner": {"concurrency": 65, "timeout": True, "env_allow": [["a"]]},
        "policy": {"rules": [{"match": {"labels": 5}, "verdict": "x" * 41, "reason": None}]},
        "server": 7,
    }
    every = "\n".join(problems(write(tmp_path, content)))
    for text in (
        "runner.concurrency: expected a number of at most 64, not 65",
        "runner.timeout: expected a number, not true",
        "runner.env_allow[0]: expected text, not a list",
        "policy.rules[0].match.labels: expected a mapping, not 5",
        "policy.rules[0].verdict: expected 'allow', 'approve' or 'deny', not such a long text",
        "server: expected a mapping with ",
    ):
        assert text in every, every


def test_a_rule_that_matches_nothing_says_so(tmp_path: Path) -> None:
    rule = {"match": {"risk": []}, "verdict": "deny"}
    (problem,) = problems(write(tmp_path, {"policy": {"rules": [rule]}}))
    assert problem.startswith("policy.rules[0].match.risk: expected at least one, not a list")


def test_a_variable_that_is_no_number_is_named(tmp_path: Path) -> None:
    (problem,) = problems(None, {"VIRTBRIDGE_RUNNER_TIMEOUT": "soon"})
    assert problem == "VIRTBRIDGE_RUNNER_TIMEOUT: expected a number, not 'soon'"


def test_what_is_no_file_or_too_large_is_not_read(tmp_path: Path) -> None:
    assert "not a regular file" in problems(Path("/dev/null"))[0]
    assert "larger than" in problems(write(tmp_path, "#" * (1 << 20) + "#"))[0]


def test_the_environment_beats_the_file_and_the_command_line_beats_both(tmp_path: Path) -> None:
    path = write(tmp_path, {"server": {"read_only": False, "max_answer_bytes": 5000}})
    environ = EMPTY | {
        "VIRTBRIDGE_SERVER_READ_ONLY": "yes",
        "VIRTBRIDGE_SERVER_MAX_ANSWER_BYTES": "6000",
        "VIRTBRIDGE_RUNNER_COLLECTIONS_PATH": "/a:/b",
        "VIRTBRIDGE_RUNNER_ENV_ALLOW": "A:B",
        "VIRTBRIDGE_RUNNER_TIMEOUT": "12.5",
        "VIRTBRIDGE_TARGETS": "/t.yml",
        "VIRTBRIDGE_LAB_TOKEN": "a credential of a target",
    }
    config = load_config(path, environ, {"server.max_answer_bytes": 7000})
    assert config.server.read_only is True
    assert config.server.max_answer_bytes == 7000
    assert config.runner.collections_path == (Path("/a"), Path("/b"))
    assert config.runner.env_allow == ("A", "B")
    assert config.runner.timeout == 12.5
    assert config.targets_file == Path("/t.yml")


def test_the_file_is_never_looked_for_in_the_working_directory() -> None:
    assert location({"HOME": "/h"}) == Path("/h/.config/virtbridge/virtbridge.yml")
    assert location({"HOME": "/h", "XDG_CONFIG_HOME": "."}).is_absolute()
    assert state_home({"HOME": "/h"}) == Path("/h/.local/state/virtbridge")
    assert state_home({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path("/s/virtbridge")


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    """Rewrite it with: python -m mcp_bridge.config > mcp_bridge/config.schema.json."""
    shipped = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert shipped == schema()
    Draft202012Validator.check_schema(shipped)


def test_every_key_is_described_and_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    for section, field in Config.model_fields.items():
        inner = getattr(field.annotation, "model_fields", {})
        for key, part in inner.items():
            assert part.description, f"{section}.{key}"
            assert f"`{section}.{key}`" in text
        if not inner:
            assert f"`{section}`" in text
