# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every module runs as it is written, and again: then it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim
from tools.declarations import load
from tools.docgen.files import examples_of
from tools.tree import ROOT

PREFIX = "virtbridge.core."
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
KINDS = {declared.name: declared.declaration.kind for declared in load()}
TARGETS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "lab": ("proxmox", "", {"token_id": "token_id", "token_secret_file": "token_secret"}),
    "cloud": (
        "cloudstack",
        "/client/api",
        {"api_key_file": "api_key", "secret_key_file": "secret_key"},
    ),
    "cluster": ("kubevirt", "", {"token_file": "token"}),
}
"""What the examples call their targets: the platform, the path, the credential."""
AGAIN_CHANGES = ("restarted", "reset")
"""States that are events: to ask for them twice means to do it twice."""
pytestmark = pytest.mark.timeout(300)


def examples(module: Path) -> list[dict[str, Any]]:
    """Return the tasks of a module's examples, those inside blocks too, in their order."""
    return list(_flat(yaml.safe_load(examples_of(module))))


def _flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        parts = [part for part in ("block", "rescue", "always") if part in task]
        for part in parts:
            yield from _flat(task[part])
        if not parts:
            yield task


def call_of(task: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the module that a task runs, and its arguments."""
    ((name, arguments),) = [pair for pair in task.items() if pair[0].startswith(PREFIX)]
    return name.removeprefix(PREFIX), arguments


def repeatable(task: Mapping[str, Any]) -> bool:
    """Whether a second run must change nothing; a raw call does what it says each time."""
    module, arguments = call_of(task)
    return KINDS[module] != "api" and arguments.get("state") not in AGAIN_CHANGES


@pytest.fixture(params=MODULES, ids=lambda path: path.stem)
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def targets(module: Path, tmp_path: Path) -> Iterator[Path]:
    """The targets that the module's examples name, each a simulator with the small seed."""
    written: dict[str, Any] = {}
    with ExitStack() as running:
        for name in sorted({call_of(task)[1]["target"] for task in examples(module)}):
            platform, path, names = TARGETS[name]
            sim = running.enter_context(virtsim.start(platform, seed="small"))
            credential = {}
            for key, which in names.items():
                credential[key] = which if key.endswith("_file") else sim.credentials[which]
                if key.endswith("_file"):
                    (tmp_path / which).touch(0o600)
                    (tmp_path / which).write_text(sim.credentials[which])
            written[name] = {
                "platform": platform,
                "url": sim.url + path,
                "ca_file": str(sim.ca_file),
                "credential": credential,
            }
        file = tmp_path / "targets.yml"
        file.write_text(yaml.safe_dump({"targets": written}))
        yield file


def test_every_module_has_examples_that_call_it(module: Path) -> None:
    called = [call_of(task)[0] for task in examples(module)]
    assert called == [module.stem] * len(called)
    assert called


def test_the_examples_run_and_change_nothing_when_repeated(
    play: Callable[..., dict[str, Any]], module: Path
) -> None:
    tasks: list[dict[str, Any]] = []
    for number, task in enumerate(examples(module)):
        first = {"register": f"first_{number}", **task}
        tasks.append(first)
        if repeatable(task):
            tasks.append({**task, "register": f"second_{number}"})
    seen = play(tasks)
    second = {name: each for name, each in seen.items() if name.startswith("second_")}
    changed = [name for name, each in second.items() if each["changed"]]
    assert changed == []
    if KINDS[module.stem] in ("state", "action"):
        assert any(seen[task["register"]]["changed"] for task in tasks)
