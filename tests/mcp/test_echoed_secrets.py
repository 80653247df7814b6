# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that shows the request in its errors: no secret gets further than the module.

Looked at are answers, progress, the log, the audit, the store, what was kept, what is left of the
run folders, and the arguments and environments of every process while calls run.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

import virtsim
from tests.integration.canaries import leaks
from tests.integration.platforms import GUEST_SECRET, WRONG_SECRET, Row
from tests.mcp.test_secrets import _configure
from tests.runner import tree


class Processes:
    """Looks at all processes of a home, and at the files of its runs, again and again."""

    def __init__(self, home: Path) -> None:
        self.mark = str(home).encode()
        self.home = home
        self.seen: dict[str, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if int(folder.name) == os.getpid():
                        continue
                    both = [(folder / name).read_bytes() for name in ("environ", "cmdline")]
                    if self.mark in both[0] + both[1]:
                        for name, text in zip(("environ", "cmdline"), both, strict=True):
                            self.seen[f"{name} of {folder.name} {hash(text)}"] = text


def _calls(row: Row, refs: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    new = {**row.new, **row.secret}
    operation: dict[str, Any] = {"operation": row.module, "target": "lab"}
    return [
        ("vm_list", {"targets": ["lab"]}),
        ("vm_power", {"ref": refs["stopped"], "state": "started"}),
        ("vm_get", {"ref": refs["stopped"], "raw": True}),
        ("tool_call", {**operation, "args": new}),
        ("tool_call", {**operation, "args": new, "check": True}),
        ("vm_list", {"targets": ["refused"]}),
        ("target_list", {"probe": True}),
    ]


def _sinks(bridge: Any, log: Path, answers: list[Any], said: list[str]) -> dict[str, bytes]:
    home = bridge.folder.parent
    files = [file for file in (home / "state").rglob("*") if file.is_file()]
    texts = {str(file): file.read_bytes() for file in files if not file.name.endswith(".key")}
    # Logs of the runner and what a run left in memory, if it left anything.
    texts |= {
        str(file): content
        for base in (Path("/dev/shm"), Path("/tmp"))
        for file, content in tree.files(*base.glob(f"virtbridge-{os.getuid()}*"))
        if str(home).encode() in content
    }
    return texts | {
        "answers": json.dumps(answers, ensure_ascii=False).encode(),
        "progress": "\n".join(said).encode(),
        "log": log.read_bytes(),
    }


@pytest.mark.parametrize("as_text", [False, True], ids=["json", "text"])
def test_what_a_server_echoes_gets_nowhere(
    bridge: Any, row: Row, sim: virtsim.SimServer, tmp_path: Path, as_text: bool
) -> None:
    """Red when the runner's outcome is not masked, or the engine's errors are not."""
    _configure(bridge, row, sim)
    bridge.allow({"match": {"risk": ["disruptive", "destructive"]}, "verdict": "allow"})
    log, said, command = tmp_path / "log", list[str](), bridge.command
    into_log = ["sh", "-c", 'echo started >"$0"; exec "$@" 2>>"$0"', str(log)]
    bridge.command = lambda *arguments: [*into_log, *command("-v", *arguments)]

    async def progress(_done: float, _total: float | None, message: str | None) -> None:
        said.append(str(message))

    async def talk(client: Client) -> list[dict[str, Any]]:
        listed = await bridge.answer(client, "vm_list", targets=["lab"], state="stopped")
        calls = _calls(row, {"stopped": bridge.table(listed)[0]["ref"]})
        sim.control.fault("echo", count=0, text=as_text)
        bodies = []
        for name, given in calls:
            result = await client.call_tool(name, given, progress_callback=progress)
            bodies.append(result.structured_content)
        logs = [
            await bridge.answer(client, "run_get", run_id=body["run_id"], show="log")
            for body in bodies
            if body.get("run_id")
        ]
        every = await bridge.answer(client, "audit_query")
        return [*bodies, *logs, every]

    with Processes(tmp_path) as processes:
        answers = bridge.session(talk)
    assert [body["ok"] for body in answers[:6]] == [False] * 6
    assert said and processes.seen
    texts = _sinks(bridge, log, answers, said)
    assert any(name.endswith("audit.jsonl") for name in texts)
    assert any("sqlite" in name or ".db" in name for name in texts)
    secrets = {*row.secrets(sim), WRONG_SECRET, GUEST_SECRET}
    assert leaks(secrets, {**texts, **processes.seen}) == []


def test_the_server_of_this_test_does_echo(row: Row, sim: virtsim.SimServer) -> None:
    """Else the test above would show nothing."""
    import ssl
    import urllib.error
    import urllib.request

    sim.control.fault("echo", count=0)
    request = urllib.request.Request(f"{sim.url}/x?a=b", headers={"Authorization": WRONG_SECRET})
    trusted = ssl.create_default_context(cafile=str(sim.ca_file))
    opened: Callable[[], Any] = lambda: urllib.request.urlopen(request, context=trusted)  # noqa: E731
    with pytest.raises(urllib.error.HTTPError) as error:
        opened()
    assert leaks([WRONG_SECRET], {"body": error.value.read(), "reason": error.value.reason})
