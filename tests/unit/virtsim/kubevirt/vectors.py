# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers recorded from the real virt-api v1.9.0, and a simulator that holds what they held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import virtsim
from virtsim.kubevirt.kinds import Kind
from virtsim.kubevirt.simulator import KubeVirtSimulator
from virtsim.kubevirt.virt.gates import KUBEVIRTS

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "kubevirt"
Line = dict[str, Any]


def lines(name: str) -> list[Line]:
    file = VECTORS / name
    if not file.exists():
        pytest.skip(f"no recorded answers at {file}")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def simulator() -> KubeVirtSimulator:
    sim = virtsim.create("kubevirt", seed="empty")
    assert isinstance(sim, KubeVirtSimulator)
    return sim


def kind_of(sim: KubeVirtSimulator, obj: Line) -> Kind:
    group = obj["apiVersion"].rpartition("/")[0]
    return next(
        each
        for each in sim.catalog.kinds.values()
        if (each.group, each.kind) == (group, obj["kind"])
    )


def fill(sim: KubeVirtSimulator, state: Line) -> None:
    """Put what the real cluster held into the simulator."""
    sim.reset()
    for obj in state["objects"]:
        sim.store.create(kind_of(sim, obj).key, obj)
    sim.store.change(
        KUBEVIRTS,
        "kubevirt",
        "kubevirt",
        lambda obj: obj["spec"].__setitem__("configuration", state["kubevirt_configuration"]),
    )


def documented(covered: int, left: int) -> bool:
    """Whether the documentation has these numbers in one row of its table."""
    page = Path(__file__).resolve().parents[4] / "docs" / "virtsim-kubevirt.md"
    return f"| {covered} of {covered + left} | {left} |" in page.read_text(encoding="utf-8")
