# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as a process: clean output, and nothing left behind however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import pytest

from tests.mcp.conftest import processes_of, until

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Raw:
    """A server whose pipes are in our hands."""

    def __init__(self, bridge: Any) -> None:
        self.process = subprocess.Popen(
            bridge.command("serve"), env=bridge.environment, text=True, cwd=bridge.folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.send(INITIALIZE)
        assert self.read()["result"]["protocolVersion"] == "2025-11-25"
        self.send(INITIALIZED)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def send(self, message: dict[str, Any]) -> None:
        self.write(json.dumps(message).encode())

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.decode() + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def call(self, tool: str, number: int, **arguments: Any) -> None:
        params = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})

    def close(self) -> tuple[str, str]:
        rest = self.process.communicate(timeout=40)
        return rest[0], rest[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, None])
def test_however_the_server_ends_no_process_of_a_run_is_left(lab: Any, number: Any) -> None:
    bridge, sim = lab
    sim.control.fault("timeout", path="/api2/json/(nodes|cluster)", count=0)
    home = bridge.folder.parent
    with Raw(bridge) as raw:
        raw.call("vm_list", 2)
        until(lambda: any(row["path"].startswith("/api2") for row in sim.control.journal()))
        assert len(processes_of(home)) > 1
        if number is not None:
            raw.process.send_signal(number)
        _out, errors = raw.close()
    assert "Traceback" not in errors
    until(lambda: not processes_of(home))
    if number != signal.SIGKILL:
        assert [row["status"] for row in bridge.audit("outcome")] == ["canceled"]


Line = tuple[bytes, Any, int]
UNREADABLE: tuple[Line, ...] = (
    (rb'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"\ud800"}}', 7, -32700),
    (rb'{"jsonrpc":"2.0","id":"\ud800","method":"tools/call"}', None, -32700),
    (rb'{"jsonrpc":"2.0","id":7,"result":"\ud800"}', None, -32700),
    (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]}', 7, -32600),
    (b'{"jsonrpc":"1.0","id":0,"method":"tools/list"}', 0, -32600),
    (b'{"jsonrpc":"1.0","id":"a","method":"tools/list"}', "a", -32600),
    (b'{"jsonrpc":"1.0","id":true,"method":"tools/list"}', None, -32600),
    (b'{"no": "message"}', None, -32600),
    (b"secret words", None, -32700),
    (b"[" * 100_000, None, -32700),
    (b'[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]', None, -32600),
)


def test_what_is_no_valid_message_is_answered(lab: Any) -> None:
    """Red when the SDK is left alone with it: a client waits for ever for its call's answer."""
    bridge, sim = lab
    with Raw(bridge) as raw:
        for line, number, code in UNREADABLE:
            raw.write(line)
            answered = raw.read()
            assert (answered["id"], answered["error"]["code"]) == (number, code), line
            assert "secret" not in str(answered)
        raw.write(b"")
        raw.call("vm_list", 2, name="\ud800")
        assert raw.read()["id"] == 2
        raw.call("target_list", 3)
        answered = raw.read()
        assert (answered["id"], answered["result"]["isError"]) == (3, False)
        out, errors = raw.close()
    assert out == ""
    assert "Traceback" not in errors
    assert raw.process.returncode == 0
    assert sim.control.journal() == []
