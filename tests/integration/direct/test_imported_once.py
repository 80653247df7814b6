# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of a playbook import is imported once, in the process that forks all tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim
from tests import measured
from tests.contract.kubevirt.kubeconfigs import kubeconfig

ROOT = Path(__file__).parents[3]
COUNTED = ("kubernetes", "requests")
# The interpreter loads it in each process that it starts; a fork goes on with it.
COUNTER = """
import os, sys
class Counter:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            with open({file!r}, "a") as file:
                file.write(f"{{name}} {{os.getpid()}}\\n")
        return None
sys.meta_path.insert(0, Counter())
"""
READS: list[dict[str, Any]] = [
    {"virtbridge.core.kubevirt_vm_info": {"target": "lab", "limit": 1}},
    {"virtbridge.core.kubevirt_vm_info": {"target": "lab"}, "loop": [1, 2]},
    {"virtbridge.core.vm_info": {"target": "lab", "limit": 1}},
    {"virtbridge.core.vm_info": {"target": "lab"}, "loop": [1, 2]},
]


class Playground:
    """A folder with a kubeconfig target, whose playbooks count what they import."""

    def __init__(self, folder: Path, sim: virtsim.SimServer) -> None:
        self.folder = folder
        file = kubeconfig(sim, folder, {"token": sim.credentials["token"]})
        Path(file).chmod(0o600)
        target = {"platform": "kubevirt", "credential": {"kubeconfig": file}}
        self.targets = folder / "targets.yml"
        self.targets.touch(mode=0o600)
        self.targets.write_text(yaml.safe_dump({"targets": {"lab": target}}))
        collections = folder / "collections/ansible_collections/virtbridge"
        collections.mkdir(parents=True)
        (collections / "core").symlink_to(ROOT)
        (folder / "site").mkdir()
        self.counted = folder / "counted"
        text = COUNTER.format(names=COUNTED, file=str(self.counted))
        (folder / "site/sitecustomize.py").write_text(text)

    def imports(self, tasks: list[dict[str, Any]], direct: str = "1") -> tuple[Counter[str], int]:
        """Run tasks; return how often each was imported, and by how many processes."""
        self.counted.unlink(missing_ok=True)
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        playbook = self.folder / "playbook.json"
        playbook.write_text(json.dumps([play]))
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook)],
            env=measured.environment() | {
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "PYTHONPATH": str(self.folder / "site"),
                "VIRTBRIDGE_DIRECT": direct,
                "VIRTBRIDGE_TARGETS": str(self.targets),
                "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            },
            cwd=self.folder, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [line.split() for line in self.counted.read_text().splitlines()]
        return Counter(name for name, _pid in rows), len({pid for _name, pid in rows})


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[Playground]:
    with virtsim.start("kubevirt", seed="small") as sim:
        yield Playground(tmp_path, sim)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tasks", [READS, READS[:2], READS[2:]], ids=["all", "own", "facade"])
def test_a_library_is_imported_once_whatever_the_number_of_tasks(
    playground: Playground, tasks: list[dict[str, Any]]
) -> None:
    """Red when an action does not import what is slow: then each of its tasks does."""
    assert playground.imports(tasks) == (Counter(COUNTED), 1)


@pytest.mark.timeout(300)
def test_a_module_in_an_interpreter_of_its_own_imports_it_each_time(
    playground: Playground,
) -> None:
    """What the other test relies on: the counter sees every process."""
    counts, processes = playground.imports(READS[1:2], direct="0")
    assert counts["kubernetes"] == 2
    assert processes >= 2
