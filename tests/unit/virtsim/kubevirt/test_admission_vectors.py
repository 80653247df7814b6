# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhooks of the simulator against those of the real virt-api v1.9.0, answer by answer."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.unit.virtsim.kubevirt.vectors import Line, documented, fill, lines, simulator
from virtsim.kubevirt.simulator import KubeVirtSimulator
from virtsim.kubevirt.status import ApiError

# What the simulator has no part for, by name: the webhooks themselves are not served, KubeVirt's
# own parts write instances and migrations without them, and those two kinds are stored as sent.
UNCHANGED = ("vmi-create", "vmi-update", "vmim-create")
OWN = "system:serviceaccount:kubevirt:"
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=clone-vm1-)[0-9a-z]{5}")
Answer = tuple[bool, str, list[Any], list[str]]


def is_covered(line: Line) -> bool:
    family = line["id"].split("/")[0]
    if family == "raw" or line["response"]["status"] != 200:
        return False
    user = line["request"]["body"]["request"]["userInfo"]["username"]
    own = user.startswith(OWN) and family != "vm-create" and family != "vm-update"
    return not own and not (family in UNCHANGED and line["id"].endswith("/mutate"))


def recorded(line: Line) -> Answer:
    answer = line["response"]["body"]["response"]
    status = answer.get("status") or {}
    causes = (status.get("details") or {}).get("causes") or []
    return answer["allowed"], status.get("message", ""), causes, answer.get("warnings") or []


def given(sim: KubeVirtSimulator, line: Line) -> tuple[Answer, Any]:
    asked = line["request"]["body"]["request"]
    group, resource = (asked["resource"][name] for name in ("group", "resource"))
    kind = sim.catalog.kinds[group, resource]
    obj, live = copy.deepcopy(asked["object"]), asked["oldObject"]
    sub = "status" if line["request"]["path"].startswith("/status") else ""
    try:
        if line["id"].endswith("/mutate"):
            sim.admission.mutate(kind, obj, live)
            return (True, "", [], []), obj
        return (True, "", [], sim.admission.validate(kind, obj, live, sub)), None
    except ApiError as error:
        said = error.message.partition(" denied the request: ")[2]
        return (False, said, (error.details or {}).get("causes", []), []), None


def plain(value: Any) -> str:
    """Return a value as text, without what is random in it."""
    return RANDOM.sub("", json.dumps(value, sort_keys=True))


def made(line: Line, obj: Any) -> tuple[Any, Any]:
    """Return the objects that both webhooks make."""
    wanted = copy.deepcopy(line["request"]["body"]["request"]["object"])
    for step in line["response"].get("decoded_patch") or ():
        assert step["path"].count("/") == 1, step
        wanted[step["path"][1:]] = step["value"]
    # A null is no value, and the real webhook leaves it out.
    metadata = wanted["metadata"], obj["metadata"]
    for each in metadata:
        for name in [name for name, value in each.items() if value is None]:
            del each[name]
    return wanted, obj


@pytest.fixture(scope="module")
def outcome() -> dict[str, Counter[str]]:
    sim, found = simulator(), {name: Counter[str]() for name in ("good", "all", "left")}
    for line in lines("admission.jsonl"):
        family = line["id"].split("/")[0]
        family += "/mutate" if line["id"].endswith("/mutate") else ""
        if not is_covered(line):
            found["left"][family] += 1
            continue
        fill(sim, line["state"])
        answer, obj = given(sim, line)
        expected = recorded(line)
        same = plain(answer) == plain(expected)
        if same and obj is not None:
            wanted, obj = made(line, obj)
            same = plain(obj) == plain(wanted)
            answer, expected = (obj, wanted) if not same else (answer, expected)
        found["good"][family] += same
        found["all"][family] += 1
        if not same:
            print("differs:", line["id"], answer, expected, sep="\n    ")
    return found


def test_every_covered_answer_of_the_webhooks_is_as_recorded(
    outcome: dict[str, Counter[str]],
) -> None:
    good, every, left = (outcome[name].total() for name in ("good", "all", "left"))
    print(f"admission: {good} of {every} answers agree; {left} not covered: {outcome['left']}")
    assert outcome["good"] == outcome["all"]
    assert documented(good, left)
