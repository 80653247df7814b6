# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the real virt-api v1.9.0, against the simulator's; prints what is not covered."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import virtsim
from virtsim.core.http import Request, Response
from virtsim.kubevirt import auth
from virtsim.kubevirt.simulator import KubeVirtSimulator
from virtsim.kubevirt.status import ApiError
from virtsim.kubevirt.virt import names
from virtsim.kubevirt.virt.subresources import MODELLED

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "kubevirt"
# Families that need what is faked there: node daemons, feature gates, other controllers.
ELSEWHERE = (
    "handler", "sar-denied", "no-cert", "snapshot-in-progress", "restore-in-progress",
    "volume-migration", "write-failure", "badbody", "content", "method", "freeze", "unfreeze",
)  # fmt: skip
TABLES = {"VirtualMachine": names.VM, "VirtualMachineInstance": names.VMI}


def lines(name: str) -> list[dict[str, Any]]:
    file = VECTORS / name
    if not file.exists():
        pytest.skip(f"no recorded answers at {file}")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def place(sim: KubeVirtSimulator, objects: list[dict[str, Any]]) -> bool:
    for obj in objects:
        if obj["kind"] not in TABLES:
            return False
        sim.store.create(TABLES[obj["kind"]], obj)
    return True


def ask(sim: KubeVirtSimulator, line: dict[str, Any]) -> Response:
    asked = line["request"]
    body = asked["body"]
    content = (
        b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    request = Request(
        method=asked["method"],
        path=asked["path"],
        body=content,
        headers={"authorization": f"Bearer {auth.TOKEN}", "content-type": "application/json"},
    )
    sim.annotate(request)
    return sim.answer(request)


def covered(line: dict[str, Any]) -> bool:
    parts = line["request"]["path"].split("/")
    if len(parts) < 9 or any(word in line["id"] for word in ELSEWHERE):
        return False
    if line["state"].get("subject_access_review") == "denied":
        return False
    return (parts[6], "/".join(parts[8:])) in MODELLED and parts[8] not in (
        "migrate",
        "expand-spec",
    )


def message(body: Any) -> str:
    return str(body.get("message", "") if isinstance(body, dict) else body or "")


def test_subresources_answer_as_recorded() -> None:
    good, wrong, skipped = 0, [], Counter[str]()
    sim = virtsim.create("kubevirt", seed="empty")
    assert isinstance(sim, KubeVirtSimulator)
    for line in lines("subresources.jsonl"):
        sim.reset()
        if not covered(line) or not place(sim, line["state"]["objects"]):
            skipped[line["id"].split("/")[0]] += 1
            continue
        answer = ask(sim, line)
        expected = line["response"]
        text = answer.body.decode()
        said = message(json.loads(text)) if text.startswith("{") else text
        same = answer.status == expected["status"]
        if expected["status"] >= 400:
            same = same and said.strip() == message(expected["body"]).strip()
        same = same and effect(sim, line)
        good += same
        if not same:
            wrong.append((line["id"], answer.status, expected["status"], said[:120]))
    total = good + len(wrong)
    print(f"subresources: {good} of {total} agree; {sum(skipped.values())} not covered: {skipped}")
    for row in wrong[:40]:
        print("  differs:", *row)
    assert total >= 300
    assert good >= total * 0.95


def effect(sim: KubeVirtSimulator, line: dict[str, Any]) -> bool:
    """Whether the machine was changed as recorded: its strategy and its requests."""
    wanted: dict[str, Any] = {}
    dry = isinstance(line["request"]["body"], dict) and line["request"]["body"].get("dryRun")
    for write in () if dry else line["after"]["writes"]:
        for step in write["body"] if isinstance(write["body"], list) else ():
            if step["op"] != "test" and "virtualmachines" in write["path"]:
                wanted[step["path"]] = step.get("value")
    vm = sim.store.get(names.VM, "default", "vm1")
    if vm is None:
        return not wanted
    found = {
        "/spec/runStrategy": vm["spec"].get("runStrategy"),
        "/spec/running": vm["spec"].get("running"),
        "/status/stateChangeRequests": vm.get("status", {}).get("stateChangeRequests"),
    }
    return all(found.get(path) == value for path, value in wanted.items() if path in found)


def test_admission_of_new_machines_as_recorded() -> None:
    good, verdicts, wrong, total = 0, 0, Counter[str](), 0
    sim = virtsim.create("kubevirt", seed="empty")
    assert isinstance(sim, KubeVirtSimulator)
    kind = sim.catalog.of(names.VM)
    for line in lines("admission.jsonl"):
        if not line["id"].startswith("vm-create/") or not line["id"].endswith("/validate"):
            continue
        total += 1
        expected = line["response"]["body"]["response"]
        causes: list[Any] = []
        try:
            sim.admission.admit("UPDATE", kind, line["request"]["body"]["request"]["object"], None)
            allowed = True
        except ApiError as error:
            allowed, causes = False, (error.details or {}).get("causes", [])
        recorded = ((expected.get("status") or {}).get("details") or {}).get("causes") or []
        verdicts += allowed == expected["allowed"]
        same = allowed == expected["allowed"] and (allowed or causes == recorded)
        good += same
        if not same:
            wrong[line["id"].split("/")[1]] += 1
    print(
        f"admission of new machines: {verdicts} verdicts and {good} whole answers of {total} agree"
    )
    print(f"  not modelled: {sorted(wrong)}")
    # No machine that the real webhook lets in is refused, and the common mistakes are.
    assert verdicts >= total * 0.6
