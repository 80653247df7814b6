# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules in real playbooks, over TLS, on every ansible-core that runs here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import virtsim

Play = Callable[..., dict[str, Any]]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "plugins/plugin_utils/schemas/vm.json").read_text()
)
pytestmark = pytest.mark.timeout(300)


def task(module: str, register: str, **options: Any) -> dict[str, Any]:
    return {f"virtbridge.core.{module}": {"target": "lab", **options}, "register": register}


def test_a_machine_from_birth_to_death(play: Play, sim: virtsim.SimServer) -> None:
    new = {
        "name": "fresh",
        "node": "pve1",
        "memory": 512,
        "disks": [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 4}],
        "ci_password": "canary-Passw0rd-5150",
    }
    preview = {**task("proxmox_vm", "preview", **new), "check_mode": True, "diff": True}
    seen = play(
        [
            preview,
            task("proxmox_vm", "created", **new),
            task("proxmox_vm", "again", **new),
            task("vm_power", "started", name="fresh", state="started"),
            task("vm_info", "listed", name="fresh", details=True),
            task("proxmox_vm", "changed", name="fresh", description="two"),
            task("proxmox_vm", "gone", name="fresh", state="absent", force=True),
            task("proxmox_vm", "still_gone", name="fresh", state="absent"),
        ],
        "-vvv",
    )
    flags = {name: each["changed"] for name, each in seen.items() if name != "printed"}
    assert flags == {
        "preview": True,
        "created": True,
        "again": False,
        "started": True,
        "listed": False,
        "changed": True,
        "gone": True,
        "still_gone": False,
    }
    assert seen["preview"]["diff"] == seen["created"]["diff"]
    assert seen["preview"]["operations"] == []
    for machine in (*seen["listed"]["objects"], seen["started"]["object"]):
        jsonschema.validate(machine, SCHEMA)
    assert seen["listed"]["objects"][0]["state"] == "running"
    secrets = (sim.credentials["token_secret"], new["ci_password"])
    assert not [secret for secret in secrets if secret in seen["printed"]]


def test_check_mode_sends_nothing(play: Play, sim: virtsim.SimServer) -> None:
    seen = play(
        [
            task("proxmox_vm", "made", name="never", node="pve1"),
            task("proxmox_vm", "changed", vmid=101, memory=4096),
            task("proxmox_vm", "deleted", vmid=101, state="absent"),
            task("proxmox_vm_power", "stopped", vmid=100, state="stopped"),
        ],
        "--check",
    )
    assert all(seen[name]["changed"] for name in ("made", "changed", "deleted", "stopped"))
    assert sim.control.writes() == []


def test_targets_and_what_is_wrong_with_them(play: Play, sim: virtsim.SimServer) -> None:
    wrong = [
        {**task("vm_info", "unknown", target="labb"), "ignore_errors": True},
        {**task("vm_info", "dead", target="dead"), "ignore_errors": True},
        {**task("vm_power", "museum", target="museum", name="web2", state="started")},
        {**task("vm_power", "no_ref", ref="elsewhere/-/100", state="started")},
        {**task("vm_info", "typo", nmae="web1")},
        {**task("vm_power", "background", name="web2", state="started"), "async": 10, "poll": 0},
    ]
    seen = play([{**each, "ignore_errors": True} for each in wrong])
    kinds = {name: seen[name]["error"]["kind"] for name in seen if name != "printed"}
    assert kinds == {
        "unknown": "validation",
        "dead": "unavailable",
        "museum": "permission",
        "no_ref": "validation",
        "typo": "validation",
        "background": "unsupported",
    }
    assert "did you mean lab?" in seen["unknown"]["msg"]
    assert sim.control.writes() == []


def test_defaults_of_the_group_reach_modules_and_facade(play: Play, sim: virtsim.SimServer) -> None:
    lab = {"target": "lab"}
    seen = play(
        [
            {"virtbridge.core.proxmox_vm_info": {"name": "web1"}, "register": "module"},
            {
                "virtbridge.core.proxmox_vm_info": {"name": "{{ item }}"},
                "loop": ["web1", "web2"],
                "register": "loop",
            },
            task("vm_info", "facade", name="app*"),
        ],
        module_defaults={"group/virtbridge.core.proxmox": {**lab, "node": "pve1"}},
    )
    assert [each["vmid"] for each in seen["module"]["objects"]] == [100]
    assert [each["total"] for each in seen["loop"]["results"]] == [1, 1]
    assert [each["ref"] for each in seen["facade"]["objects"]] == ["lab/-/104"]
