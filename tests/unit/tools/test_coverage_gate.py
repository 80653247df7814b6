# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The coverage gate: what it counts, and that nothing measured is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.coverage_gate import Group, groups, share, show

ROOT = Path(__file__).parents[3]


def report(branches: int, taken: int, lines: int = 10, run: int = 10) -> dict[str, Any]:
    summary = {
        "num_branches": branches,
        "covered_branches": taken,
        "num_statements": lines,
        "covered_lines": run,
    }
    return {"summary": summary, "missing_branches": [[3, 4], [7, -1]]}


def group(**figures: int) -> Group:
    found = Group("some", {"a.py"})
    found.add("a.py", report(**figures))
    return found


def test_each_platform_and_what_they_share_are_groups_of_the_files_that_are_there(
    tmp_path: Path,
) -> None:
    for name in ("module_utils/engine", "module_utils/newcloud/resources", "module_utils", "other"):
        (tmp_path / "plugins" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "plugins" / name / "code.py").touch()
    (tmp_path / "mcp_bridge").mkdir()
    (tmp_path / "mcp_bridge" / "not_python.json").touch()
    assert {each.name: each.files for each in groups(tmp_path)} == {
        "engine": {"plugins/module_utils/engine/code.py"},
        "newcloud": {"plugins/module_utils/newcloud/resources/code.py"},
        "shared by platforms": {"plugins/module_utils/code.py"},
        "plugin_utils": set(),
        "mcp_bridge": set(),
    }


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        ({"branches": 100, "taken": 95}, True),
        ({"branches": 10_000, "taken": 9499}, False),
        ({"branches": 0, "taken": 0}, True),
        ({"branches": 0, "taken": 0, "lines": 100, "run": 94}, False),
        ({"branches": 0, "taken": 0, "lines": 0, "run": 0}, False),
    ],
)
def test_a_group_is_good_from_the_bar_on_and_never_without_code(
    figures: dict[str, int], good: bool
) -> None:
    assert group(**figures).ok is good


def test_a_share_is_rounded_down() -> None:
    assert (share(9499, 10_000), share(19, 20), share(0, 0)) == (94.9, 95.0, 100.0)


def test_a_bad_group_names_its_branches(capsys: pytest.CaptureFixture[str]) -> None:
    assert not show([group(branches=10, taken=9), Group("empty", set())], missing=False)
    shown = capsys.readouterr().out
    assert "FAIL some" in shown and "FAIL empty" in shown
    assert "a.py:3 to 4" in shown and "a.py:7 to the end" in shown
    assert not show([], missing=False)


@pytest.mark.parametrize("arguments", [["--report"], ["--", "--version"]])
def test_nothing_measured_is_a_failure(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "tools").mkdir()
    gate = tmp_path / "tools/coverage_gate.py"
    gate.write_bytes((ROOT / "tools/coverage_gate.py").read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for folder in ("plugins/module_utils/engine", "plugins/plugin_utils", "mcp_bridge"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "code.py").write_text("VALUE = 1\n")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, str(gate), *arguments],
        capture_output=True, text=True, env=clean, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAIL: nothing was measured: "), done.stdout
