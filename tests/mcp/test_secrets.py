# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of a target gets to a client, into the audit or into a log, also when a call fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcp import Client

import virtsim
from tests.integration.canaries import leaks
from tests.integration.platforms import WRONG_SECRET, Row


def _configure(bridge: Any, row: Row, sim: virtsim.SimServer) -> None:
    for name, secret in {**row.files(sim), "wrong": WRONG_SECRET}.items():
        (bridge.folder / name).touch(0o600)
        (bridge.folder / name).write_text(secret)
    lab = row.target(sim, next(iter(row.logins)))
    credential = {
        key: "wrong" if key.endswith("_file") else value for key, value in lab["credential"].items()
    }
    bridge.targets |= {"lab": lab, "refused": {**lab, "credential": credential}}
    bridge.targets["dead"] = {**lab, "url": f"https://127.0.0.1:1{row.path}"}


def test_no_secret_leaves_the_server(
    bridge: Any, row: Row, sim: virtsim.SimServer, tmp_path: Path
) -> None:
    _configure(bridge, row, sim)
    log = tmp_path / "log"
    command = bridge.command
    # The client hands the server a standard error that no test can read.
    into_log = ["sh", "-c", 'echo started >"$0"; exec "$@" 2>>"$0"', str(log)]
    bridge.command = lambda *arguments: [*into_log, *command(*arguments)]

    async def talk(client: Client) -> list[dict[str, Any]]:
        listed = await bridge.answer(client, "vm_list", targets=["lab"], state="stopped")
        ref = bridge.table(listed)[0]["ref"]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("target_list", {}),
            ("vm_power", {"ref": ref, "state": "started"}),
            ("vm_list", {"targets": ["refused"]}),
            ("vm_list", {"targets": ["dead"]}),
        ]
        return [listed, *[await bridge.answer(client, name, **given) for name, given in calls]]

    answers = bridge.session(talk)
    assert [body["ok"] for body in answers] == [True, True, True, False, False]
    state = tmp_path / "state"
    texts = {str(file): file.read_bytes() for file in state.rglob("*.jsonl") if file.is_file()}
    assert texts
    assert log.read_text().startswith("started")
    texts |= {"answers": json.dumps(answers).encode(), "log": log.read_bytes()}
    assert leaks({*row.secrets(sim), WRONG_SECRET}, texts) == []
