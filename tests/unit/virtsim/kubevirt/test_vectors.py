# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subresources of the simulator against those of the real virt-api v1.9.0, call by call."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tests.unit.virtsim.kubevirt.vectors import Line, documented, fill, lines, simulator
from virtsim.core.http import Request, Response
from virtsim.kubevirt import auth
from virtsim.kubevirt.simulator import KubeVirtSimulator
from virtsim.kubevirt.virt import names
from virtsim.kubevirt.virt.subresources import MODELLED

# What is faked there and has no part here, by name: the answers of node daemons, access reviews
# and certificates that virt-api makes itself, and an API server that fails behind it.
ELSEWHERE = ("handler", "sar-denied", "auth/", "write-failure")
SHORTEST, BAD = 6, 400


def ask(sim: KubeVirtSimulator, line: Line) -> Response:
    asked = line["request"]
    body = asked["body"]
    content = (
        b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    request = Request(
        method=asked["method"],
        path=asked["path"],
        body=content,
        headers={
            **{name.lower(): value for name, value in asked["headers"].items()},
            "authorization": f"Bearer {auth.TOKEN}",
        },
    )
    sim.annotate(request)
    return sim.answer(request)


def is_covered(line: Line) -> bool:
    parts = line["request"]["path"].split("/")
    modelled = len(parts) > SHORTEST and (parts[6], "/".join(parts[8:])) in MODELLED
    return modelled and not any(word in line["id"] for word in ELSEWHERE)


def message(body: Any) -> str:
    return str(body.get("message", "") if isinstance(body, dict) else body or "").strip()


def answers(answer: Response, line: Line) -> bool:
    """Whether status and text are as recorded, and the whole machine that expand-spec returns."""
    expected, text = line["response"], answer.body.decode()
    found = json.loads(text) if text.startswith("{") else text
    if answer.status != expected["status"]:
        return False
    if answer.status >= BAD:
        return message(found) == message(expected["body"])
    return not line["id"].startswith("expand") or plain(found) == plain(expected["body"])


def plain(vm: Any) -> Any:
    stamps = ("resourceVersion", "creationTimestamp")
    kept = {key: value for key, value in vm["metadata"].items() if key not in stamps}
    return {**vm, "metadata": kept}


def effect(sim: KubeVirtSimulator, line: Line) -> bool:
    """Whether the machine was changed as recorded: its strategy and its requests."""
    wanted: dict[str, Any] = {}
    dry = isinstance(line["request"]["body"], dict) and line["request"]["body"].get("dryRun")
    for write in () if dry else line["after"]["writes"]:
        for step in write["body"] if isinstance(write["body"], list) else ():
            done = step["op"] != "test" and write["status"] < BAD
            if done and "virtualmachines" in write["path"]:
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


def test_every_covered_call_of_a_subresource_is_answered_as_recorded() -> None:
    good, wrong, left = 0, [], Counter[str]()
    sim = simulator()
    for line in lines("subresources.jsonl"):
        if not is_covered(line):
            left[line["id"].split("/")[0]] += 1
            continue
        fill(sim, line["state"])
        answer = ask(sim, line)
        if answers(answer, line) and effect(sim, line):
            good += 1
        else:
            expected = line["response"]
            wrong.append((line["id"], answer.status, expected["status"], answer.body, expected))
    for row in wrong:
        print("differs:", *row, sep="\n    ")
    print(f"subresources: {good} of {good + len(wrong)} agree; {left.total()} not covered: {left}")
    assert not wrong
    assert documented(good, left.total())
