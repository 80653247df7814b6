# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection, installed into an empty path, without bridge or checkout."""

from __future__ import annotations

import json
import os
import site
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
CORE = "mcp_bridge/_collections/ansible_collections/virtbridge/core"
pytestmark = pytest.mark.timeout(300)


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


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of an ansible-playbook whose Python has neither the bridge nor the simulators.

    It has our libraries, but not what they hook in: the checkout is installed by such a hook.
    """
    place = tmp_path_factory.mktemp("alone")
    run([sys.executable, "-m", "venv", "--without-pip", "venv"], place)
    python = str(place / "venv/bin/python")
    own = run([python, "-c", "import site; print(site.getsitepackages()[0])"], place).strip()
    Path(own, "libraries.pth").write_text(f"{site.getsitepackages()[0]}\n")
    for name in ("mcp_bridge", "virtsim"):
        tried = [python, "-c", f"import importlib.util as u; print(u.find_spec({name!r}))"]
        assert run(tried, place).strip() == "None", name
    return [python, "-m", "ansible", "playbook"]


KINDS = {"modules": "module", **{kind: kind for kind in ("inventory", "lookup", "filter", "test")}}
INSIDE = {"action", "doc_fragments", "module_utils", "plugin_utils"}
"""Folders of what stands behind the documented plugins, and has no page of its own."""


def test_every_plugin_is_documented(installed: Path, tmp_path: Path) -> None:
    folders = {each.name for each in (ROOT / "plugins").iterdir() if each.is_dir()}
    assert "modules" in folders
    assert folders - INSIDE <= set(KINDS)
    for folder in folders - INSIDE:
        ask = [str(BIN / "ansible-doc"), "-t", KINDS[folder], "-j"]
        where = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
        names = sorted(json.loads(run([*ask, "-l", "virtbridge.core"], tmp_path, **where)))
        stems = sorted(each.stem for each in (ROOT / "plugins" / folder).glob("*.py"))
        assert [name.removeprefix("virtbridge.core.") for name in names] == stems
        told = json.loads(run([*ask, *names], tmp_path, **where))
        assert sorted(told) == names
        for name, plugin in told.items():
            assert plugin["doc"]["options"], name
            assert plugin["examples"].strip(), name
            assert plugin["return"] or folder != "modules", name


def test_the_demo_playbook_runs_from_there_twice_without_the_bridge(
    installed: Path, alone: list[str], tmp_path: Path
) -> None:
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
                [*alone, str(playbook)],
                tmp_path,
                ANSIBLE_COLLECTIONS_PATH=str(installed),
                VIRTBRIDGE_TARGETS=str(targets),
                **secrets,
            ).splitlines()[-2]
            for _turn in range(2)
        ]
    assert "changed=0" not in recaps[0]
    assert "changed=0" in recaps[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    run([*pip, "-w", str(place), str(ROOT)], place)
    return next(place.glob("*.whl"))


def test_the_wheel_carries_collection_and_simulators(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    for name in ("galaxy.yml", "plugins/modules/proxmox_vm.py", "meta/runtime.yml"):
        assert f"{CORE}/{name}" in names
    assert "virtsim/proxmox/catalog.json" in names
    assert "mcp_bridge/_generated/modules.json" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_doctor_sees_what_was_done_to_an_installed_collection(
    wheel: Path, tmp_path: Path
) -> None:
    """Red when the wheel has no sums, or when only those files are looked at that are there."""
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place)

    def found(*words: str) -> dict[str, dict[str, str]]:
        home = str(tmp_path)
        done = subprocess.run(
            [sys.executable, "-m", "mcp_bridge.cli", "doctor", "--json", *words],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(place),
                "HOME": home,
                "XDG_STATE_HOME": f"{home}/state",
                "XDG_CONFIG_HOME": home,
                "LC_ALL": "C.UTF-8",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return {each["name"]: each for each in json.loads(done.stdout)["checks"]}

    whole = found("--quick")["collection"]
    assert whole["verdict"] == "ok", whole
    assert "files as they were built" in whole["words"]
    module = place / CORE / "plugins/modules/proxmox_vm_info.py"
    module.write_text("raise SystemExit('broken')\n")
    (place / CORE / "meta/runtime.yml").unlink()
    (place / CORE / "plugins/action/planted.py").touch()
    damaged = found()
    assert damaged["collection"]["verdict"] == "fail"
    for words in ("proxmox_vm_info.py was changed", "runtime.yml is missing", "planted.py was"):
        assert words in damaged["collection"]["words"]
    assert damaged["a run"]["verdict"] == "fail", damaged["a run"]
