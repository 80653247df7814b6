# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge as a client has it: a process that is spoken to over its pipes, and may be killed."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.mcp.conftest import Bridge
from tests.mcp.test_process import INITIALIZE, INITIALIZED
from tests.runner import tree

KINDS: Mapping[str, Mapping[str, str]] = {
    "warm": {},
    "cold": {"VIRTBRIDGE_RUNNER": "cold"},
    "worker": {"VIRTBRIDGE_RUNNER_EXECUTOR": "worker"},
}
_START = 200.0


class Served:
    """One `virtbridge serve`. Answers are kept by the number of their call."""

    def __init__(self, bridge: Bridge, kind: str) -> None:
        self._bridge = bridge
        self.log = bridge.folder / "serve.log"
        with self.log.open("ab") as log:
            self._serving = subprocess.Popen(
                bridge.command("serve"), env={**bridge.environment, **KINDS[kind]},
                cwd=bridge.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.pid = self._serving.pid
        self._numbers = itertools.count(2)
        self._answers: dict[Any, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._over = False
        self.twice: list[int] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send(INITIALIZE)
        assert self._message(1, _START), self.log.read_text()
        self._send(INITIALIZED)

    def call(self, tool: str, **arguments: Any) -> int:
        """Send a call and return its number."""
        number = next(self._numbers)
        params = {"name": tool, "arguments": arguments}
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        self._send(call)
        return number

    def cancel(self, number: int) -> None:
        """Take a call back, after which a client waits for no answer."""
        params = {"requestId": number, "reason": "it is not wanted any more"}
        self._send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def answered(self, number: int) -> bool:
        """Whether the call has its answer, or never will."""
        with self._news:
            return number in self._answers or self._over

    def answer(self, number: int, seconds: float = 200.0) -> dict[str, Any] | None:
        """Return the envelope of a call; None when none came, in time or at all."""
        message = self._message(number, seconds)
        if message is None:
            return None
        return message["result"]["structuredContent"] if "result" in message else message

    def asked(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of a call that must have one."""
        body = self.answer(self.call(tool, **arguments))
        assert body is not None, f"{tool} was not answered"
        return body

    def own(self) -> set[int]:
        """Return the bridge and its fork servers: what may live when nothing runs."""
        return {self.pid, *tree.servers(self.pid)}

    def close(self) -> None:
        """Let it end as a client that leaves does; kill it when it does not."""
        assert self._serving.stdin is not None
        try:
            self._serving.stdin.close()
            self._serving.wait(60)
        except (OSError, subprocess.TimeoutExpired):
            self._serving.kill()
            self._serving.wait()
        self._reader.join(5)

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._serving.stdin is not None
        self._serving.stdin.write(json.dumps(message).encode() + b"\n")
        self._serving.stdin.flush()

    def _read(self) -> None:
        assert self._serving.stdout is not None
        for line in self._serving.stdout:
            message = json.loads(line)
            with self._news:
                if message.get("id") in self._answers:
                    self.twice.append(message["id"])
                self._answers[message.get("id")] = message
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()
        self._serving.stdout.close()

    def _message(self, number: int, seconds: float) -> dict[str, Any] | None:
        with self._news:
            self._news.wait_for(lambda: number in self._answers or self._over, seconds)
            return self._answers.get(number)


def state_files(bridge: Bridge) -> dict[str, Path]:
    """Return the files of the bridge's state by name, but not those of the collection it links."""
    state = Path(bridge.environment["XDG_STATE_HOME"])
    files = (file for file in state.rglob("*") if "links" not in file.parts and file.is_file())
    return {str(file.relative_to(state)): file for file in files}
