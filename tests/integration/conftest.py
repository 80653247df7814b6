# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook itself, on each ansible-core that this machine can run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim
from tests import measured
from tools.cores import CORES, OWN, Core
from tools.tree import build

CALLBACK = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_NOCOLOR": "1"}


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("collections")
    build(place)
    return place


@pytest.fixture
def sim() -> Iterator[virtsim.SimServer]:
    with virtsim.start("proxmox", seed="small") as running:
        yield running


def _lines() -> list[Any]:
    own = pytest.param(None, id=f"core-{OWN}")
    others = [pytest.param(core, id=f"core-{core.line}", marks=pytest.mark.long) for core in CORES]
    return [own, *others]


@pytest.fixture(params=_lines())
def core(request: pytest.FixtureRequest) -> Core | None:
    """One line of ansible-core; None is the one that this environment has."""
    line: Core | None = request.param
    reason = line.why_not() if line is not None else ""
    if line is not None and reason:
        pytest.skip(f"ansible-core {line.line}: {reason}")
    return line


@pytest.fixture
def playbook_command(core: Core | None) -> Path:
    beside = Path(sys.executable).parent / "ansible-playbook"
    return beside if core is None else core.playbook_command()


@pytest.fixture
def targets(sim: virtsim.SimServer, tmp_path: Path) -> Path:
    """One target that works, one where nothing listens, one that is read-only."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(sim.credentials["token_secret"] + "\n")
    lab = {
        "platform": "proxmox",
        "url": sim.url,
        "ca_file": str(sim.ca_file),
        "credential": {"token_id": sim.credentials["token_id"], "token_secret_file": "token"},
    }
    dead = {**lab, "url": "https://127.0.0.1:1"}
    everything = {"lab": lab, "dead": dead, "museum": {**lab, "read_only": True}}
    file = tmp_path / "targets.yml"
    file.write_text(yaml.safe_dump({"targets": everything}))
    return file


@pytest.fixture
def play(
    playbook_command: Path, tree: Path, targets: Path, tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Run tasks in one play; returns each registered variable, and what was printed."""

    def run(
        tasks: list[dict[str, Any]],
        *options: str,
        env: Mapping[str, str] | None = None,
        **keywords: Any,
    ) -> dict[str, Any]:
        out = tmp_path / "registered.json"
        names = sorted({each["register"] for each in tasks if "register" in each})
        kept = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
        last = {"ansible.builtin.copy": {"content": kept, "dest": str(out)}, "check_mode": False}
        file = tmp_path / "play.json"
        plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [*tasks, last], **keywords}]
        file.write_text(json.dumps(plays))
        ran = subprocess.run(
            [str(playbook_command), str(file), *options],
            env=_environment(tree, targets, tmp_path) | dict(env or {}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        printed = ran.stdout + ran.stderr
        assert ran.returncode == 0, printed
        return {**json.loads(out.read_text()), "printed": printed}

    return run


def _environment(tree: Path, targets: Path, home: Path) -> dict[str, str]:
    config = home / "ansible.cfg"
    config.write_text("[defaults]\nlocalhost_warning = false\n")
    return {
        **measured.environment(),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(tree),
        "VIRTBRIDGE_TARGETS": str(targets),
        **CALLBACK,
    }
