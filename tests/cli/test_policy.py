# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge policy`: a verdict explained, with nothing run, asked, audited or counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from mcp_bridge.cli import cli

TARGETS = {
    "lab": {
        "platform": "proxmox",
        "url": "https://127.0.0.1:9",
        "labels": {"env": "lab"},
        "credential": {"token_id": "a@pve!b", "token_secret_file": "secret"},
    },
    "kube": {
        "platform": "kubevirt",
        "url": "https://127.0.0.1:9",
        "labels": {"env": "prod"},
        "credential": {"token_file": "secret"},
    },
}
POLICY: dict[str, Any] = {
    "windows": {"night": {"days": ["sat"], "from": "22:00", "to": "02:00"}},
    "protected": {"tags": ["keep"]},
    "limits": {"destructive_per_hour": 3, "objects_per_call": 2},
    "rules": [
        {"name": "prod", "match": {"labels": {"env": "prod"}}, "verdict": "deny"},
        {"name": "tests", "match": {"name": "test-*"}, "verdict": "allow"},
        {
            "name": "night",
            "match": {"window": "night", "risk": "destructive"},
            "verdict": "approve",
            "four_eyes": True,
        },
        {"name": "eve", "match": {"principal": "os:eve"}, "verdict": "deny"},
    ],
}
DELETE = ("vm_delete", "ref=lab/-/100")


@pytest.fixture
def run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, content in (
        ("targets.yml", {"targets": TARGETS}),
        ("virtbridge.yml", {"policy": POLICY}),
    ):
        (tmp_path / name).write_text(yaml.safe_dump(content))
    (tmp_path / "secret").touch(mode=0o600)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    files = [f"--config={tmp_path}/virtbridge.yml", f"--targets={tmp_path}/targets.yml"]

    def policy(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, ["policy", *arguments, *files])
        assert not (tmp_path / "state").exists(), "it left something behind"
        return result

    return policy


def verdicts(result: Result) -> list[tuple[str, str]]:
    assert result.exit_code == 0, result.output
    calls = json.loads(result.stdout)["calls"]
    return [(call["verdict"]["decision"], call["verdict"]["rule"]) for call in calls]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (DELETE, ("deny", "protected")),
        ((*DELETE, "--tags", "x", "--at", "2026-07-01T12:00"), ("approve", "default")),
        ((*DELETE, "--tags", "x,keep"), ("deny", "protected")),
        ((*DELETE, "--tags", "", "--name", "test-1"), ("allow", "tests")),
        ((*DELETE, "--tags", "", "--at", "2026-07-04T23:00+00:00"), ("approve", "night")),
        ((*DELETE, "--tags", "", "--at", "2026-07-04T21:00+00:00"), ("approve", "default")),
        (("vm_delete", "ref=lab/-/1", "check=true"), ("allow", "default")),
        (("vm_delete", "ref=kube/a/b", "--tags", ""), ("deny", "prod")),
        (("vm_list", "targets=lab"), ("allow", "default")),
        (("vm_list", "targets=lab", "--principal", "os:eve"), ("deny", "eve")),
        ((*DELETE, "--tags", "", "--read-only"), ("deny", "read_only")),
        ((*DELETE, "--tags", "", "--no-destructive"), ("deny", "no_destructive")),
        (
            (
                "tool_call",
                "operation=proxmox:DELETE /nodes/{node}/qemu/{vmid}",
                "target=lab",
                "args.node=pve1",
                "args.vmid=100",
            ),
            ("deny", "protected"),
        ),
    ],
)
def test_a_verdict_for_a_given_call(
    run: Any, arguments: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert verdicts(run("test", *arguments, "--json")) == [expected]


def test_each_step_is_told(run: Any) -> None:
    (call,) = json.loads(run("test", *DELETE, "--name", "web", "--json").stdout)["calls"]
    assert call["why"] == "write in general, destructive with state=absent"
    assert call["unknown"] == ["tags"]
    assert call["object"] == {"ref": ["lab/-/100"], "name": ["web"]}
    steps = {step["what"]: (step["matched"], step["why"]) for step in call["steps"]["lab"]}
    assert steps["prod"] == ("no", "label env is lab")
    assert steps["tests"] == ("no", "name is web")
    assert steps["protected"][0] == "yes" and "would protect" in steps["protected"][1]
    (call,) = json.loads(run("test", *DELETE, "--json").stdout)["calls"]
    steps = {step["what"]: (step["matched"], step["why"]) for step in call["steps"]["lab"]}
    assert steps["tests"] == ("perhaps", "allow; name not known: does not count")
    shown = run("test", *DELETE, "--name", "test-1", "--tags", "")
    assert "not asked" in shown.stdout and "allow: rule tests allows" in shown.stdout


def test_many_objects_are_many_verdicts(run: Any) -> None:
    many = ["vm_delete", "refs=lab/-/1,lab/-/2", "--tags", "", "--name", "test-1", "--json"]
    assert verdicts(run("test", *many)) == [("allow", "tests")] * 2
    three = [many[0], "refs=lab/-/1,lab/-/2,lab/-/3", *many[2:]]
    assert verdicts(run("test", *three)) == [("deny", "limits.objects_per_call")] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vm_delte", "ref=lab/-/1"), "did you mean vm_delete"),
        (("vm_delete",), "missing argument ref"),
        (("vm_delete", "ref=nowhere/-/1"), "There is no target 'nowhere'"),
        ((*DELETE, "--at", "tomorrow"), "expected a time such as"),
        ((*DELETE, "--fact", "colour=red"), "expected one of namespace"),
    ],
)
def test_what_cannot_be_a_call_is_wrong_usage(
    run: Any, arguments: tuple[str, ...], message: str
) -> None:
    result = run("test", *arguments)
    assert result.exit_code == 2 and message in result.stderr


def test_what_the_bridge_answers_itself_has_no_verdict(run: Any) -> None:
    assert "policy is not asked" in run("test", "tool_search", "query=clone").stdout
    assert json.loads(run("test", "target_list", "--json").stdout)["calls"] == []


def test_the_policy_is_shown_in_its_order(run: Any) -> None:
    shown = json.loads(run("show", "--json").stdout)
    assert [rule["name"] for rule in shown["rules"]] == ["prod", "tests", "night", "eve"]
    assert shown["defaults"]["destructive"] == "approve by person"
    assert shown["windows"]["night"]["from"] == "22:00"
    text = run("show").stdout
    assert text.index("prod") < text.index("night") < text.index("default")
    for word in ("approve by person", "destructive_per_hour=3", "tags=keep", "days=sat"):
        assert word in text
    for arguments in (["--help"], ["test", "--help"], ["show", "--help"]):
        assert CliRunner().invoke(cli, ["policy", *arguments]).exit_code == 0
