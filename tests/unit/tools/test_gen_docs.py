# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator on a small platform: what it writes is accepted by what reads it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.unit.plugins.module_utils.engine import tiny
from tools.declarations import Declared
from tools.docgen.files import PLACEHOLDER, GenerationError
from tools.docgen.options import plain
from tools.gen_docs import generate

EVERYTHING = tuple(
    Declared(getattr(tiny, name), "module_utils.tiny.resources.all", name)
    for name in ("API", "BOX", "INFO", "POWER")
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "runtime.yml").write_text('---\nrequires_ansible: ">=2.16.0"\n')
    return tmp_path


@pytest.fixture
def written(root: Path) -> Path:
    generate(root, EVERYTHING, check=False)
    for path in (root / "plugins" / "modules").iterdir():
        text = path.read_text().replace(PLACEHOLDER, f"- virtbridge.core.{path.stem}:\n")
        path.write_text(text)
    assert generate(root, EVERYTHING, check=False) == []
    return root


def doc(root: Path, module: str, name: str = "DOCUMENTATION") -> dict[str, Any]:
    tree = ast.parse((root / "plugins" / "modules" / f"{module}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            content: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return content
    raise AssertionError(f"{module} has no {name}")


def table(root: Path, module: str) -> dict[str, Any]:
    text = (root / "mcp_bridge" / "_generated" / "modules.json").read_text()
    entry: dict[str, Any] = json.loads(text)["modules"][module]
    return entry


def test_a_second_run_writes_nothing_and_check_agrees(written: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*") if path.is_file()}
    assert generate(written, EVERYTHING, check=True) == []
    assert generate(written, EVERYTHING, check=False) == []
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_check_refuses_a_module_without_examples(root: Path) -> None:
    problems = generate(root, EVERYTHING, check=False)
    assert len(problems) == len(EVERYTHING)
    assert all("no examples" in problem for problem in problems)


@pytest.mark.parametrize(
    "path",
    [
        "plugins/modules/tiny_box.py",
        "plugins/action/tiny_box.py",
        "plugins/doc_fragments/tiny.py",
        "meta/runtime.yml",
        "mcp_bridge/_generated/modules.json",
        "docs/modules/tiny_box.md",
    ],
)
def test_check_finds_what_is_stale_and_writes_nothing(written: Path, path: str) -> None:
    changed = (written / path).read_text().replace("tiny", "tidy")
    (written / path).write_text(changed)
    problems = generate(written, EVERYTHING, check=True)
    assert any(problem.startswith(f"{path}: stale") for problem in problems)
    assert (written / path).read_text() == changed


def test_a_file_without_a_declaration_is_named(written: Path) -> None:
    (written / "plugins" / "modules" / "tiny_old.py").write_text("")
    problems = generate(written, EVERYTHING, check=True)
    assert problems == ["plugins/modules/tiny_old.py: belongs to no declaration; delete it"]


def test_examples_by_hand_survive(written: Path) -> None:
    path = written / "plugins" / "modules" / "tiny_box.py"
    path.write_text(path.read_text().replace("- virtbridge", "- name: Mine\n  virtbridge"))
    generate(written, EVERYTHING, check=False)
    assert "- name: Mine" in path.read_text()


def test_a_module_that_lost_its_examples_block_is_refused(written: Path) -> None:
    (written / "plugins" / "modules" / "tiny_box.py").write_text("DOCUMENTATION = ''")
    with pytest.raises(GenerationError, match="tiny_box"):
        generate(written, EVERYTHING, check=True)


def test_documentation_says_what_the_declaration_says(written: Path) -> None:
    page = doc(written, "tiny_box")
    options = page["options"]
    assert page["attributes"]["check_mode"]["support"] == "full"
    assert page["attributes"]["action_group"]["membership"] == [
        "virtbridge.core.tiny",
        "virtbridge.core.all",
    ]
    assert page["extends_documentation_fragment"][0] == "virtbridge.core.tiny"
    assert options["name"]["required"]
    assert "default" not in options["cpus"]
    assert "The platform's own default is V(1)." in options["cpus"]["description"]
    assert options["state"]["choices"] == ["present", "absent", "started", "stopped"]
    assert options["disks"]["suboptions"]["slot"]["required"]
    assert options["disks"]["suboptions"]["state"]["default"] == "present"
    assert {"update_secrets", "allow_replace", "exact", "restart", "wait"} <= set(options)
    assert "store" not in options


def test_the_answer_is_documented_without_secrets(written: Path) -> None:
    answer = doc(written, "tiny_box", "RETURN")
    assert "agent_password" not in answer["object"]["contains"]
    assert set(answer) >= {"object", "diff", "operations", "pending", "restart_required", "error"}
    assert set(doc(written, "tiny_info", "RETURN")) == {"objects", "total", "truncated", "error"}
    assert "diff" not in doc(written, "tiny_api", "RETURN")


def test_the_table_holds_schemas_that_refuse_what_the_module_refuses(written: Path) -> None:
    schema = table(written, "tiny_box")["options"]
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    good = {"name": "web", "cpus": 2, "disks": [{"slot": "a", "size": 1, "state": "absent"}]}
    validator(schema).validate(good)
    for bad in (
        {"cpus": 2},
        {"name": "web", "cpus": 0},
        {"name": "Web"},
        {"name": "web", "nmae": "x"},
        {"name": "web", "disks": [{"size": 1}]},
        {"name": "web", "state": "gone"},
        {"name": "web", "store": "/etc"},
    ):
        assert not validator(schema).is_valid(bad), bad


def test_secrets_are_listed_however_deep(written: Path) -> None:
    assert table(written, "tiny_box")["secrets"] == [
        "agent_password",
        "password_of_guest",
        "disks.key",
    ]


def test_risk_follows_from_the_kind_and_the_declaration(written: Path) -> None:
    power, box = table(written, "tiny_power")["risk"], table(written, "tiny_box")["risk"]
    assert power["base"] == "write"
    assert power["raises"] == [
        {"option": "state", "values": ["restarted"], "to": "disruptive"},
        {"option": "settles", "values": [True], "to": "disruptive"},
    ]
    assert {"option": "state", "values": ["absent"], "to": "destructive"} in box["raises"]
    assert {"option": "state", "values": ["stopped"], "to": "disruptive"} in box["raises"]
    assert table(written, "tiny_info")["risk"] == {"base": "read", "raises": []}


def test_action_groups_keep_what_was_written_by_hand(written: Path) -> None:
    runtime = yaml.safe_load((written / "meta" / "runtime.yml").read_text())
    names = ["tiny_box", "tiny_power", "tiny_info", "tiny_api"]
    assert runtime["requires_ansible"] == ">=2.16.0"
    assert sorted(runtime["action_groups"]["tiny"]) == sorted(names)
    assert sorted(runtime["action_groups"]["all"]) == sorted(names)


def test_a_facade_module_is_documentation_and_an_action_plugin(written: Path) -> None:
    import dataclasses

    fleet = dataclasses.replace(tiny.TINY, name="fleet")
    facade = dataclasses.replace(tiny.INFO, name="box_info", platform=fleet)
    everything = (*EVERYTHING, Declared(facade, "plugin_utils.fleet_box", "INFO"))
    generate(written, everything, check=False)
    module = (written / "plugins" / "modules" / "box_info.py").read_text()
    action = (written / "plugins" / "action" / "box_info.py").read_text()
    assert "def main" not in module
    assert "class ActionModule(fleet.ActionModule):" in action
    assert table(written, "box_info")["platform"] == "fleet"


def test_pages_and_index_link_each_module(written: Path) -> None:
    index = (written / "docs" / "modules" / "index.md").read_text()
    for each in EVERYTHING:
        assert f"({each.name}.md)" in index
        page = (written / "docs" / "modules" / f"{each.name}.md").read_text()
        assert not re.search(r"\b[VOCE]\(", page)


def test_markup_is_taken_out_of_plain_text() -> None:
    assert plain(r"Set V(a\)b) or O(state=absent), as C(x).") == "Set a)b or state=absent, as x."
