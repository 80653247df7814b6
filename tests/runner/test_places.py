# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where runs live, where the collection is, and what is kept of a run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mcp_bridge.errors import RunnerBroken
from mcp_bridge.redact import Redactor
from mcp_bridge.runner import collection, workspace
from mcp_bridge.runner.keeping import retain


def test_runs_are_in_memory_where_there_is_some_and_else_in_the_state(tmp_path: Path) -> None:
    memory, state = tmp_path / "shm", tmp_path / "state"
    assert workspace.base_folder(state, memory) == state / "runs"
    memory.mkdir()
    found = workspace.base_folder(state, memory)
    assert found.parent == memory
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_a_folder_that_others_can_enter_is_not_used(tmp_path: Path) -> None:
    memory, state = tmp_path / "shm", tmp_path / "state"
    memory.mkdir()
    workspace.base_folder(state, memory).chmod(0o755)
    assert workspace.base_folder(state, memory) == state / "runs"
    (state / "runs").rmdir()
    (state / "runs").write_text("in the way")
    with pytest.raises(RunnerBroken) as broken:
        workspace.base_folder(state, memory)
    assert "not a private folder of this user" in str(broken.value)
    assert "File exists" in str(broken.value)
    assert "Set runner.state_dir" in str(broken.value)


def test_the_shipped_collection_comes_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (collection.collection_path(tmp_path / "links") / "plugins/modules").is_dir()
    package = tmp_path / "site-packages" / "mcp_bridge"
    monkeypatch.setattr(collection, "_PACKAGE", package)
    with pytest.raises(RunnerBroken, match="install the wheel again"):
        collection.collection_path()
    shipped = package / "_collections/ansible_collections/virtbridge/core"
    shipped.mkdir(parents=True)
    assert collection.collection_path() == shipped
    assert collection.collections_root() == package / "_collections"


def test_what_is_kept_of_a_run_is_private_and_without_secrets(tmp_path: Path) -> None:
    artifacts, kept = tmp_path / "artifacts", tmp_path / "kept"
    (artifacts / "job_events").mkdir(parents=True)
    (artifacts / "job_events" / "1-a.json").write_text('{"stdout": "say hunter2hunter2"}')
    (artifacts / "stdout").write_text("hunter2hunter2")
    assert retain(artifacts, kept, Redactor(["hunter2hunter2"])) == kept
    files = {path.name: path for path in kept.rglob("*") if path.is_file()}
    assert set(files) == {"1-a.json", "stdout"}, "what a run did not write is not invented"
    assert not [name for name, path in files.items() if "hunter2" in path.read_text()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
