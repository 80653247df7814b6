# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile arguments: each reaches the job unchanged or the call is refused, and nothing else runs.

SEED chooses the inputs; it is printed when a test fails.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

import virtsim
from mcp_bridge.audit import Audit
from mcp_bridge.audit_proof import Signer
from mcp_bridge.audit_verify import verify
from mcp_bridge.scopes import LOCAL
from mcp_bridge.surface import Surface
from mcp_bridge.tools.spec import Caller
from tests.mcp.conftest import Bridge, processes_of
from tests.security.hostile import CANARY, payloads, text, value
from tests.security.stopped import Stops, stopped

SEED = int(os.environ.get("SEED", "1"))
CALLER = Caller("os:test", "test", LOCAL)
_BOUND = 5.0
# Commands that the texts try to run, and those that follow when they succeed.
_OPERATIONS = (
    "proxmox_vm", "vm_info", "vm_power", "proxmox:GET /nodes", "proxmox:POST /access/users",
)  # fmt: skip
_SHIMS = ("touch", "id", "curl", "wget", "nc", "whoami", "base64")


@pytest.fixture
def memory() -> Iterator[Path]:
    """Return a folder in memory: what is tested is not how fast a disk writes."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def surface(memory: Path) -> Iterator[tuple[Surface, Stops, Audit]]:
    with ExitStack() as running:
        yield stopped(memory, running)


def made(surface: Surface, chance: random.Random) -> tuple[str, dict[str, Any]]:
    """Return a call of any tool: right in most parts, hostile in one or some."""
    tool = chance.choice(surface.tools)
    known = list(tool.input_schema["properties"])
    arguments: dict[str, Any] = {}
    for name in tool.input_schema.get("required", ()):
        arguments[name] = value(chance)
    if chance.random() < 0.7:
        arguments |= {"target": "lab"} if "target" in known else {}
        arguments |= {"ref": "lab/-/100"} if "ref" in known else {}
        if "operation" in known:
            arguments["operation"] = chance.choice(
                (
                    "proxmox_vm",
                    "vm_info",
                    "vm_power",
                    "proxmox:GET /nodes",
                    "proxmox:POST /access/users",
                )
            )
            inner = {chance.choice(("name", "description", "vmid", text(chance))): value(chance)}
            arguments["args"] = inner
    for _ in range(chance.randrange(3)):
        arguments[chance.choice(known) if known and chance.random() < 0.8 else text(chance)] = (
            value(chance)
        )
    return tool.name, arguments


def strings(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        return [each for key, part in content.items() for each in (str(key), *strings(part))]
    return [each for part in content for each in strings(part)] if isinstance(content, list) else []


def fuzz(surface: tuple[Surface, Stops, Audit], count: int) -> None:
    tools, stops, audit = surface
    ended = {"refused": 0, "judged": 0}
    for number in range(count):
        seed = SEED * 1_000_000 + number
        name, arguments = made(tools, random.Random(seed))
        before, jobs = json.dumps(arguments), len(stops.jobs)
        begin = time.process_time()
        body = tools.call(name, arguments, CALLER).body
        assert time.process_time() - begin < _BOUND, (seed, name)
        json.dumps(body, ensure_ascii=False).encode()
        assert json.dumps(arguments) == before, seed
        ran = stops.jobs[jobs:]
        assert len(ran) <= 1, seed
        ended["judged" if ran else "refused"] += 1
        for job in ran:
            # What is in the job came from the call as it is, or is a word of the bridge's own.
            given = set(strings(arguments))
            hostile = [each for each in strings(dict(job.args)) if CANARY in each or "{{" in each]
            assert all(any(each in part for part in given) for each in hostile), seed
            if name == "tool_call" and "args" in arguments and ":" not in arguments["operation"]:
                assert dict(job.args) == arguments["args"], seed
    assert min(ended.values()) > count / 50, ended
    assert verify(audit.places, Signer.of_file(audit.places.key)).ok
    assert not Path(CANARY).exists()


def test_what_the_bridge_checks_is_refused_or_passed_on_unchanged(
    surface: tuple[Surface, Stops, Audit],
) -> None:
    """Red when an argument is stripped, retyped or formatted on its way to the job."""
    fuzz(surface, 800)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_thousand_inputs_are_refused_or_passed_on_unchanged(
    surface: tuple[Surface, Stops, Audit],
) -> None:
    fuzz(surface, 20_000)


def through_ansible(bridge: Bridge, folder: Path, texts: list[str]) -> None:
    shims = folder / "shims"
    shims.mkdir()
    for name in _SHIMS:
        (shims / name).write_text(f'#!/bin/sh\necho "$0 $@" >>"{folder}/started"\n')
        (shims / name).chmod(0o755)
    sent: list[str] = []

    async def talk(client: Client) -> None:
        for each in texts:
            sim.control.clear_journal()
            arguments = {"vmid": 101, "description": each}
            body = await bridge.answer(
                client, "tool_call", operation="proxmox_vm", target="lab", args=arguments
            )
            written = [
                row["params"]["description"]
                for row in sim.control.writes()
                if "description" in row["params"]
            ]
            if body["ok"] and body["status"] == "changed":
                assert written == [each], (SEED, each, written)
                sent.append(each)
            else:
                # The module refused it, or the platform did.
                assert written in ([], [each]), (SEED, each, body)

    path = f"{shims}:{os.environ['PATH']}"
    environment = Bridge.environment.fget  # type: ignore[attr-defined]
    with virtsim.start("proxmox", seed="small") as sim, pytest.MonkeyPatch.context() as patch:
        bridge.add("lab", sim)
        patch.setattr(
            Bridge, "environment", property(lambda self: environment(self) | {"PATH": path})
        )
        bridge.session(talk)
    assert len(sent) > len(texts) / 3
    assert not (folder / "started").exists(), (folder / "started").read_text()
    assert not list(folder.rglob(CANARY)) and not Path(CANARY).exists()
    assert not processes_of(folder)


def test_texts_go_through_ansible_unchanged_and_start_nothing(
    bridge: Bridge, tmp_path: Path
) -> None:
    through_ansible(bridge, tmp_path, list(payloads(1000, SEED))[::25])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_thousand_texts_go_through_ansible_unchanged_and_start_nothing(
    bridge: Bridge, tmp_path: Path
) -> None:
    every = list(payloads(1000, SEED))
    for start in range(0, 1000, 25):
        folder = tmp_path / str(start)
        folder.mkdir()
        through_ansible(bridge, folder, every[start : start + 25])
