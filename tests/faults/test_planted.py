# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is loaded from where the bridge is started, nor from the home it is started with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.faults.served import KINDS
from tests.faults.traps import Traps
from tests.mcp.conftest import Bridge

BIN = Path(sys.executable).parent
WAYS: Mapping[str, Mapping[str, str]] = {**KINDS, "archives": {"VIRTBRIDGE_DIRECT": "0"}}


class Trapped(Bridge):
    """A bridge that is started, as its command, among traps."""

    def __init__(self, folder: Path, traps: Traps, more: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._traps, self._more = traps, more

    def command(self, *arguments: str) -> list[str]:
        """Return the command as it is installed, started in the folder of the traps."""
        super().command()
        there = 'cd "$0" && exec "$@"'
        return ["sh", "-c", there, str(self._traps.folder), str(BIN / "virtbridge"), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment with the folder of the traps as home."""
        usual = {**super().environment, **self._more, "HOME": str(self._traps.folder)}
        del usual["PYTHONPATH"]
        return usual


@pytest.mark.parametrize("way", WAYS)
def test_nothing_planted_is_loaded(tmp_path: Path, proxmox_sim: Any, way: str) -> None:
    """Red when runs get the HOME of the bridge, and no configuration of their own."""
    traps = Traps(tmp_path / "traps")
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    bridge = Trapped(folder, traps, WAYS[way])
    sim = proxmox_sim()
    bridge.add("lab", sim)

    async def talk(client: Client) -> list[dict[str, Any]]:
        answers = [await bridge.answer(client, "vm_list")]
        answers.append(await bridge.answer(client, "vm_power", ref="lab/-/101", state="started"))
        return answers

    answers = bridge.session(talk)
    assert [body["status"] for body in answers] == ["ok", "changed"]
    assert traps.sprung == []
    assert "planted" not in {row["user"] for row in sim.control.journal()}


def test_the_traps_would_be_sprung(tmp_path: Path) -> None:
    """What the tests above rely on: a plain Ansible in the same place falls for them."""
    traps = Traps(tmp_path / "traps")
    subprocess.run(
        [BIN / "ansible", "localhost", "-m", "ansible.legacy.vm_info"], cwd=traps.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(traps.folder), "PYTHONPATH": "."},
        capture_output=True, check=False, timeout=200,
    )  # fmt: skip
    assert {"sitecustomize.py", "ansible.py"} & set(traps.sprung)
    subprocess.run(
        [BIN / "ansible", "localhost", "-m", "ansible.legacy.vm_info"], cwd=traps.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(traps.folder)},
        capture_output=True, check=False, timeout=200,
    )  # fmt: skip
    assert {"log", "vars_plugins_host_group_vars.py"} <= set(traps.sprung)
