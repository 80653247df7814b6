# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose every word on its pipes is kept, and somebody who looks while it works."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.mcp.conftest import Bridge
from tests.mcp.test_process import INITIALIZE, INITIALIZED
from tests.security.secret_kinds import MARK

# What a run is given, in the two forms that its folder has.
_GIVEN = ("project/main.json", "tmp/", "secret-")
ARGUMENTS = (*_GIVEN, *(f"{place}/{each}" for place in ("job", "node") for each in _GIVEN),
             "job/file-", "node/file-")  # fmt: skip


class Spoken:
    """One `virtbridge serve`, spoken to one call after the other."""

    def __init__(self, bridge: Bridge, environment: dict[str, str], log: Path) -> None:
        self.answers: list[bytes] = []
        self.notifications: list[bytes] = []
        self._number = 1
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                bridge.command("-v", "serve"), env=environment, cwd=bridge.folder,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._asked(INITIALIZE)
        self._send(INITIALIZED)
        # The log shows it.
        self._send({"jsonrpc": "2.0", "method": f"notifications/{MARK}"})

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of a call, with progress."""
        self._number += 1
        params = {
            "name": tool, "arguments": arguments, "_meta": {"progressToken": self._number},
        }  # fmt: skip
        call = {"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params}
        body: dict[str, Any] = self._asked(call)["result"]["structuredContent"]
        return body

    def close(self) -> None:
        """Leave as a client does, and wait until the server has ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self.notifications += self._process.stdout.readlines()
        self._process.stdout.close()
        self._process.wait(30)

    def __enter__(self) -> Spoken:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _asked(self, message: dict[str, Any]) -> dict[str, Any]:
        self._send(message)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said: dict[str, Any] = json.loads(line)
            # The text within has escapes of its own; both layers are looked at.
            kept = line + json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
            if said.get("id") == message["id"]:
                self.answers.append(kept)
                return said
            self.notifications.append(kept)
        raise AssertionError("the server ended")


class Looking:
    """Looks, in a thread, at all processes and at the folders of runs, until it is left.

    ``ours`` are the command lines of those with a mark in their environment.
    """

    def __init__(self, base: Path, mark: str = "") -> None:
        self._base, self._mark = base, mark.encode()
        self.processes: dict[str, bytes] = {}
        self.ours: set[bytes] = set()
        self.runs: dict[str, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Looking:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for name in (each.name for each in Path("/proc").iterdir()):
                if name.isdigit() and int(name) != os.getpid():
                    with suppress(OSError):
                        self._process(name)
            for place, _folders, names in os.walk(self._base):
                for file in (Path(place, each) for each in names):
                    within = "/".join(file.relative_to(self._base).parts[1:])
                    if not within.startswith(ARGUMENTS):
                        with suppress(OSError):
                            self._note(self.runs, str(file), file.read_bytes())

    def _process(self, pid: str) -> None:
        command = Path("/proc", pid, "cmdline").read_bytes()
        environment = Path("/proc", pid, "environ").read_bytes()
        self._note(self.processes, f"cmdline of {hash(command)}", command)
        if self._mark and self._mark in environment:
            self.ours.add(command)
        # What an operator gave to the bridge itself stands there; nobody below may have it.
        own = b"\0-m\0mcp_bridge.cli\0" in command
        name = f"environ of {hash(environment)}{' (own)' if own else ''}"
        self._note(self.processes, name, environment)

    @staticmethod
    def _note(seen: dict[str, bytes], name: str, content: bytes) -> None:
        """Keep what is new; a file that grew is kept once."""
        if content.startswith(seen.get(name, b"")):
            seen[name] = content
        else:
            seen[f"{name} {hash(content)}"] = content
