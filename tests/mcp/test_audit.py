# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit as a client sees it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from mcp import Client


def test_the_audit_of_a_bridge_that_serves_is_closed_and_goes_on(lab: Any) -> None:
    """Red when the bridge writes on in the closed part, or its client sees the newest alone."""
    bridge, _sim = lab

    async def talk(client: Client) -> list[dict[str, Any]]:
        await bridge.answer(client, "vm_list")
        for _turn in range(2):
            done = subprocess.run(
                bridge.command("audit", "rotate", "--json"), env=bridge.environment,
                cwd=bridge.folder, capture_output=True, text=True, timeout=200, check=True,
            )  # fmt: skip
            assert json.loads(done.stdout)["closed"]
            await bridge.answer(client, "vm_list")
        whole = await bridge.answer(client, "audit_query", target="lab")
        rows, page = [], await bridge.answer(client, "audit_query", limit=1)
        while page["page"]["next"]:
            rows += bridge.table(page)
            cursor = page["page"]["next"]
            page = await bridge.answer(client, "audit_query", limit=1, cursor=cursor)
        return [whole, {"events": [row["event"] for row in [*rows, *bridge.table(page)]]}]

    whole, paged = bridge.session(talk)
    assert [row["status"] for row in bridge.table(whole)] == ["successful"] * 3
    assert paged["events"] == [
        "intent", "continued", "rotated", "intent", "continued", "rotated", "intent", "started",
    ]  # fmt: skip
    done = subprocess.run(
        bridge.command("audit", "verify"), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [row["event"] for row in bridge.audit("continued")] == ["continued"]


def test_a_client_reads_what_it_asked_for_and_what_was_decided(lab: Any) -> None:
    bridge, _sim = lab

    async def talk(client: Client) -> list[dict[str, Any]]:
        listed = await bridge.answer(client, "vm_list")
        ref = bridge.table(listed)[0]["ref"]
        await bridge.answer(client, "vm_delete", ref=ref)
        every = await bridge.answer(client, "audit_query")
        denied = await bridge.answer(client, "audit_query", decision="approve")
        wrong = await bridge.answer(client, "audit_query", since="yesterday")
        return [every, denied, wrong]

    every, denied, wrong = bridge.session(talk)
    first, second, began = bridge.table(every)
    assert (began["event"], began["transport"]) == ("started", "stdio")
    assert (first["tool"], first["decision"]) == ("vm_delete", "approve")
    assert (second["tool"], second["status"], second["changed"]) == ("vm_list", "successful", False)
    assert bridge.table(denied) == [first]
    assert wrong["error"]["code"] == "invalid_args"
    # What is read of the audit is not written into it, and the last lines are signed at the end.
    assert len(bridge.audit()) == 3
    folder = bridge.folder.parent / "state/virtbridge"
    checkpoint = json.loads((folder / "audit.checkpoints").read_text())
    assert checkpoint["sha256"] == bridge.audit("ended")[-1]["sha256"]
