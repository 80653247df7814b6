# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hundred hostile texts from the platforms: they are shown as text, and do nothing else."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import Client

import virtsim
from mcp_bridge.cli import cli
from mcp_bridge.plaintext import LONGEST
from tests.mcp.conftest import Bridge
from tests.security.hostile import CANARY, payloads
from tests.security.poisoned import KINDS, MARK, Poison

TEXTS = list(payloads(200))


def harmless(text: str) -> bool:
    """Whether a text can neither command a terminal nor hide or turn what is read."""
    kept = "\n\t\u200c\u200d"
    shown = all(each in kept or unicodedata.category(each) not in ("Cc", "Cf") for each in text)
    return shown and "\x1b" not in text and len(text) <= LONGEST


def texts_of(value: Any, place: str = "") -> list[tuple[str, str]]:
    """Return every text of an answer, keys too, and where it stands."""
    if isinstance(value, str):
        return [(place, value)]
    if isinstance(value, dict):
        return [
            each
            for key, part in value.items()
            for each in [(place, key), *texts_of(part, f"{place}.{key}")]
        ]
    if isinstance(value, list):
        return [each for part in value for each in texts_of(part, place)]
    return []


def guests(count: int) -> list[dict[str, Any]]:
    """Return VMs as a hostile server may list them."""
    return [
        {
            "type": "qemu", "vmid": 1000 + number, "id": f"qemu/{1000 + number}", "node": "pve1",
            "status": "running", "name": TEXTS[number], "tags": TEXTS[-number], "maxcpu": 1,
            "maxmem": 1 << 30, "mem": 0, "template": 0, "uptime": 1,
        }
        for number in range(count)
    ]  # fmt: skip


async def listed(client: Client) -> str:
    tools = await client.list_tools(cache_mode="bypass")
    return tools.model_dump_json()


def test_two_hundred_hostile_names_change_neither_tools_nor_verdicts(bridge: Bridge) -> None:
    """Red when `close` does not clean, or when a description or a verdict takes a name."""

    async def talk(client: Client) -> None:
        before = await listed(client)
        denied = await bridge.answer(client, "vm_delete", ref="lab/-/100")
        targets = await bridge.answer(client, "target_list")
        rows = {"data": guests(200)}
        sim.control.fault("status", path="/cluster/resources", count=0, status=200, json=rows)
        seen: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            body = await bridge.answer(
                client, "vm_list", fields=["ref", "name", "tags"], limit=50, **cursor
            )
            assert body["ok"], body
            for place, text in texts_of(body):
                assert harmless(text), (place, text)
            seen += bridge.table(body)
            if not body["page"]["next"]:
                break
            cursor = {"cursor": body["page"]["next"]}
        assert [row["ref"] for row in seen] == [f"lab/-/{1000 + number}" for number in range(200)]
        names = " ".join(str(row["name"]) for row in seen)
        assert "lookup('pipe'" in names and "Ignore all instructions" in names
        found = await bridge.answer(client, "vm_get", ref="lab/-/1000")
        assert all(harmless(text) for _place, text in texts_of(found))
        assert await listed(client) == before
        assert await bridge.answer(client, "vm_delete", ref="lab/-/100") == denied
        assert await bridge.answer(client, "target_list") == targets

    with virtsim.start("proxmox", seed="small") as sim:
        bridge.add("lab", sim)
        bridge.session(talk)
    assert not list(bridge.folder.parent.rglob(CANARY))
    assert not Path(CANARY).exists()
    verdicts = {(row["decision"], row["rule"]) for row in bridge.audit("refused")}
    assert len(verdicts) == 1


@pytest.mark.parametrize("platform", ["proxmox", "cloudstack", "kubevirt"])
def test_hostile_errors_are_shown_as_messages_and_nothing_else(
    bridge: Bridge,
    platform: str,
) -> None:
    async def talk(client: Client) -> None:
        before = await listed(client)
        plain = await bridge.answer(client, "vm_list", targets=["none"])
        for start in range(0, 200, 40):
            chosen = [text for text in TEXTS[start : start + 40] if len(text) < 200]
            error = {"message": "\n".join(chosen), "errortext": "\n".join(chosen), "errors": chosen}
            sim.control.fault(
                "status", count=0, status=500, json={**error, "data": None, "kind": "Status"},
                reason=chosen[0],
            )  # fmt: skip
            body = await bridge.answer(client, "vm_list", targets=["lab"])
            sim.control.clear_faults()
            assert not body["ok"] and set(body) <= {
                "ok", "status", "error", "warnings", "run_id", "data", "diff"
            }  # fmt: skip
            for place, text in texts_of(body):
                assert harmless(text), (place, text)
                if place not in (".error.message", ".warnings"):
                    assert not any(each in text for each in chosen if len(each) > 8), (place, text)
        assert await listed(client) == before
        assert await bridge.answer(client, "vm_list", targets=["none"]) == plain

    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        bridge.session(talk)
    assert not list(bridge.folder.parent.rglob(CANARY))
    assert json.dumps(bridge.audit())


async def shown(
    bridge: Bridge, client: Client, platform: str, rows: list[dict[str, Any]]
) -> tuple[set[int], list[str]]:
    """Return which texts the answers show, and where, once all of them were shown."""
    seen: set[int] = set()
    places: set[str] = set()

    async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        body = await bridge.answer(client, tool, **arguments)
        for place, text in texts_of(body):
            assert harmless(text), (place, text)
            if MARK.search(text):
                seen.update(map(int, MARK.findall(text)))
                places.add(place)
        assert body.get("error", {}).get("code") != "internal", body
        return body

    await ask("vm_list", targets=["lab"], limit=50)
    for row in rows[:3]:
        await ask("vm_get", ref=row["ref"], raw=True)
    reads = KINDS[platform].reads
    for operation, given in (*reads, *(reads[0],) * 20):
        if len(seen) < len(TEXTS) or operation != reads[0][0]:
            await ask("tool_read", operation=operation, target="lab", args=given)
    stopped = next(row for row in rows if row["state"] == "stopped")
    failing = await ask("vm_power", ref=stopped["ref"], state="started")
    assert not failing["ok"], failing
    return seen, sorted(places)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("platform", sorted(KINDS))
def test_two_hundred_hostile_texts_of_everything_a_platform_says(
    bridge: Bridge, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, tags, notes, labels, guests, tasks. Red when what is shown is not cleaned, or a text
    of a platform stands where only the bridge speaks."""
    bridge.allow({"name": "restarts", "match": {"risk": "disruptive"}, "verdict": "allow"})
    unknown = {"operation": "vm_power", "target": "lab", "args": {"name": "none", "state": "x"}}

    async def talk(client: Client) -> None:
        before = await listed(client)
        verdicts = await bridge.answer(client, "target_list")
        refused = await bridge.answer(client, "tool_call", **unknown)
        rows = bridge.table(await bridge.answer(client, "vm_list", limit=50))
        ref = rows[0]["ref"]
        denied = await bridge.answer(client, "vm_delete", ref=ref)
        assert denied["error"]["code"] == "denied_by_policy"
        poison = Poison(sim, KINDS[platform].keys, TEXTS)
        sim.control.fault(KINDS[platform].fails, count=0)
        seen, places = await shown(bridge, client, platform, rows)
        assert len(seen) == len(TEXTS), (len(seen), len(poison.sent), places)
        allowed = (".data", ".diff", ".error.message", ".warnings")
        assert all(place.startswith(allowed) for place in places), places
        assert await bridge.answer(client, "vm_delete", ref=ref) == denied
        assert await bridge.answer(client, "target_list") == verdicts
        assert await bridge.answer(client, "tool_call", **unknown) == refused
        assert await listed(client) == before
        for name, value in bridge.environment.items():
            monkeypatch.setenv(name, value)
        printed = CliRunner().invoke(cli, ["call", "vm_list"])
        assert printed.exit_code == 0 and MARK.search(printed.output)
        assert all(harmless(line) for line in printed.output.splitlines())

    with virtsim.start(platform, seed="small") as sim:
        bridge.add("lab", sim)
        bridge.session(talk)
    assert not list(bridge.folder.parent.rglob(CANARY)) and not Path(CANARY).exists()
    for row in bridge.audit():
        assert not MARK.search(json.dumps(row)), row
