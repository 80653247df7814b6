# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facade modules in real playbooks: what they refuse, and what they hand over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim

Play = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.timeout(300)
VM, INFO, POWER, SNAPSHOT = (
    f"virtbridge.core.{name}" for name in ("vm", "vm_info", "vm_power", "vm_snapshot")
)


@pytest.fixture
def fleet(targets: Path) -> Path:
    """The targets and one of each other platform, where nothing listens."""
    content = yaml.safe_load(targets.read_text())["targets"]
    token = str(targets.with_name("token"))
    nowhere = "https://127.0.0.1:1"
    keys = {"api_key_file": token, "secret_key_file": token}
    content["cloud"] = {"platform": "cloudstack", "url": f"{nowhere}/client/api"}
    content["cloud"]["credential"] = keys
    content["cluster"] = {"platform": "kubevirt", "url": nowhere, "credential": {}}
    content["cluster"]["credential"] = {"token_file": token}
    targets.write_text(yaml.safe_dump({"targets": content}))
    return targets


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (POWER, {"target": "cloud", "name": "a", "state": "paused"}, "unsupported", "It has reset"),
    (POWER, {"target": "lab", "ref": "lab/-", "state": "started"}, "validation", "lab/-/100"),
    (POWER, {"target": "lab", "ref": "cloud/-/1", "state": "started"}, "validation", "lab/-/100"),
    (POWER, {"target": "lab", "ref": "lab//1", "state": "started"}, "validation", "lab/-/100"),
    (POWER, {"target": "lab", "ref": "lab/-/web1", "state": "started"}, "validation", "-/<vmid>"),
    (POWER, {"target": "lab", "ref": "lab/x/100", "state": "started"}, "validation", "-/<vmid>"),
    (POWER, {"target": "cloud", "ref": "cloud/-/1", "state": "started"}, "validation", "no id"),
    (POWER, {"target": "lab", "name": "a", "state": "flying"}, "validation", "state"),
    (INFO, {"target": "cloud", "tags": ["bare"]}, "validation", "key=value"),
    (INFO, {"target": ["lab"]}, "validation", "target"),
    (VM, {"target": "lab", "name": "a", "size": "big"}, "unsupported", "no size"),
    (VM, {"target": "cloud", "name": "a", "storage": "s"}, "unsupported", "no storage"),
    (VM, {"target": "cluster", "name": "a", "place": "n"}, "unsupported", "no place"),
    (VM, {"target": "cluster", "name": "a", "image": "debian"}, "validation", "disk_gib"),
    (
        "virtbridge.core.cloudstack_instance_info",
        {"target": "lab"},
        "validation",
        "that is a proxmox endpoint",
    ),
    ("virtbridge.core.proxmox_vm_info", {"target": 7}, "validation", "as text"),
    (
        "virtbridge.core.proxmox_vm_power",
        {"target": "museum", "vmid": 101, "state": "started"},
        "permission",
        "read_only",
    ),
    (SNAPSHOT, {"target": "cluster", "name": "a", "snapshot": "s", "memory": True},
     "unsupported", "no memory"),
]  # fmt: skip


def test_what_a_platform_cannot_do_is_refused_before_anything_is_sent(
    play: Play, fleet: Path, sim: virtsim.SimServer
) -> None:
    tasks = [
        {module: args, "register": f"t{number:02}", "ignore_errors": True}
        for number, (module, args, _kind, _says) in enumerate(REFUSED)
    ]
    late = {POWER: {"target": "lab", "name": "web2", "state": "started"}, "async": 5, "poll": 0}
    seen = play([*tasks, {**late, "register": "late", "ignore_errors": True}])
    for number, (_module, args, kind, says) in enumerate(REFUSED):
        error = seen[f"t{number:02}"]["error"]
        assert (error["kind"], says in error["message"]) == (kind, True), (args, error)
    assert "async" in str(seen["late"])
    assert seen["late"]["failed"] is True
    assert sim.control.journal() == []


def test_a_ref_a_state_and_tags_say_which_machines_are_meant(
    play: Play, sim: virtsim.SimServer
) -> None:
    web1 = {"target": "lab", "ref": "lab/-/100"}
    seen = play(
        [
            {INFO: {**web1, "raw": True}, "register": "raw"},
            {INFO: {"target": "lab", "tags": ["db", "test"]}, "register": "tagged"},
            {INFO: {"target": "lab", "state": ["paused", "error"]}, "register": "paused"},
            {POWER: {**web1, "state": "stopped", "force": True}, "register": "stopped"},
            {
                SNAPSHOT: {**web1, "snapshot": "before", "description": "a look back"},
                "register": "taken",
            },
            {SNAPSHOT: {**web1, "snapshot": "before", "state": "absent"}, "register": "gone"},
        ]
    )
    (raw,) = seen["raw"]["objects"]
    assert (raw["ref"], raw["raw"]["vmid"], "name" in raw["raw"]) == ("lab/-/100", 100, False)
    assert [each["name"] for each in seen["tagged"]["objects"]] == ["db2"]
    assert [each["name"] for each in seen["paused"]["objects"]] == ["db2"]
    stopped = seen["stopped"]["object"]
    assert (stopped["ref"], stopped["state"], "vmid" in stopped) == ("lab/-/100", "stopped", False)
    taken = seen["taken"]["object"]
    assert (taken["snapshot"], taken["target"]) == ("before", "lab")
    assert taken["description"] == "a look back"
    assert seen["gone"]["changed"]


def test_an_asynchronous_task_of_a_platforms_module_runs(
    play: Play, sim: virtsim.SimServer, tmp_path: Path
) -> None:
    module = "virtbridge.core.proxmox_vm_power"
    start = {module: {"target": "lab", "vmid": 101, "state": "started"}, "async": 30, "poll": 1}
    # Ansible's two halves of a job disagree where HOME is not that of the user.
    seen = play(
        [{**start, "register": "started"}], env={"ANSIBLE_ASYNC_DIR": str(tmp_path / "jobs")}
    )
    assert seen["started"]["changed"]
    assert sim.control.snapshot()["guests"]["101"]["status"] == "running"
