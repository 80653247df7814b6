# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection, installed into an empty path, without bridge or checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

import virtsim
from mcp_bridge.cli_demo import LOGINS
from tools.tree import ROOT

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(120)


def run(command: list[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(cwd),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("installed")
    galaxy = str(BIN / "ansible-galaxy")
    run([galaxy, "collection", "build", "--output-path", str(place), str(ROOT)], place)
    archive = next(place.glob("virtbridge-core-*.tar.gz"))
    path = place / "collections"
    run([galaxy, "collection", "install", "--offline", str(archive), "-p", str(path)], place)
    return path


def test_every_plugin_is_documented(installed: Path, tmp_path: Path) -> None:
    listed = run(
        [str(BIN / "ansible-doc"), "-j", "-l", "virtbridge.core"],
        tmp_path,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    names = sorted(json.loads(listed))
    modules = sorted(each.stem for each in (ROOT / "plugins/modules").glob("*.py"))
    assert [name.removeprefix("virtbridge.core.") for name in names] == modules
    told = run(
        [str(BIN / "ansible-doc"), "-j", *names],
        tmp_path,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    for name, plugin in json.loads(told).items():
        assert plugin["doc"]["options"], name
        assert plugin["examples"].strip(), name
        assert plugin["return"], name


def test_the_demo_playbook_runs_from_there_twice(installed: Path, tmp_path: Path) -> None:
    everything, secrets = {}, {}
    with ExitStack() as running:
        for platform, (address, names) in LOGINS.items():
            sim = running.enter_context(virtsim.start(platform, seed="small"))
            credential = {}
            for name in names:
                variable = f"DEMO_{platform}_{name}".upper()
                secrets[variable] = sim.credentials[name]
                plain = name == "token_id"
                credential[name if plain else f"{name}_env"] = (
                    sim.credentials[name] if plain else variable
                )
            everything[f"demo-{platform}"] = {
                "platform": platform,
                "url": sim.url + address,
                "fingerprint": sim.fingerprint,
                "credential": credential,
            }
        targets = tmp_path / "targets.yml"
        targets.write_text(yaml.safe_dump({"targets": everything}))
        playbook = installed / "ansible_collections/virtbridge/core/playbooks/demo.yml"
        recaps = [
            run(
                [str(BIN / "ansible-playbook"), str(playbook)],
                tmp_path,
                ANSIBLE_COLLECTIONS_PATH=str(installed),
                VIRTBRIDGE_TARGETS=str(targets),
                **secrets,
            ).splitlines()[-2]
            for _turn in range(2)
        ]
    assert "changed=0" not in recaps[0]
    assert "changed=0" in recaps[1]


def test_the_wheel_carries_collection_and_simulators(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    run([*pip, "-w", str(tmp_path), str(ROOT)], tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    core = "mcp_bridge/_collections/ansible_collections/virtbridge/core"
    for name in ("galaxy.yml", "plugins/modules/proxmox_vm.py", "meta/runtime.yml"):
        assert f"{core}/{name}" in names
    assert "virtsim/proxmox/catalog.json" in names
    assert "mcp_bridge/_generated/modules.json" in names
    assert not [name for name in names if name.startswith("tests/")]
