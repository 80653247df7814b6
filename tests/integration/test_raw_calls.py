# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw modules in playbooks: the catalog is asked on the controller, read-only targets are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import virtsim

MODULE = "virtbridge.core.proxmox_api"
SECRET = "correct-horse-battery"


def task(name: str, target: str = "lab", **options: Any) -> dict[str, Any]:
    return {MODULE: {"target": target, **options}, "register": name, "ignore_errors": True}


def test_calls_are_checked_on_the_controller(
    play: Callable[..., dict[str, Any]], sim: virtsim.SimServer
) -> None:
    config = "/nodes/{node}/qemu/{vmid}/config"
    place = {"node": "pve1", "vmid": 101}
    seen = play(
        [
            task("version", path="/version"),
            task("museum", "museum", path="/version"),
            task("museum_write", "museum", path=config, method="PUT", params=place),
            task("typo", path="/nodes/pve1/qemo"),
            task("wrong", path=config, method="PUT", params={**place, "onboot": "maybe"}),
            task("write", path=config, method="PUT", params={**place, "cipassword": SECRET}),
        ],
        "-vvv",
    )
    assert seen["version"]["result"]["release"] == seen["museum"]["result"]["release"]
    kinds = {
        name: each.get("error", {}).get("kind") for name, each in seen.items() if name != "printed"
    }
    assert kinds == {
        "version": None,
        "museum": None,
        "museum_write": "permission",
        "typo": "validation",
        "wrong": "validation",
        "write": None,
    }
    assert [row["method"] for row in sim.control.writes()] == ["PUT"]
    assert seen["write"]["changed"]
    assert not seen["version"]["changed"]
    assert SECRET not in seen["printed"]
