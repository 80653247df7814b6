# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: simulators, a playbook twice, and an MCP session with an independent client.

It imports the SDK's client, and nothing of the server: what it sees is what any client sees.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import yaml
from mcp import Client, StdioServerParameters
from rich.console import Console

import virtsim

from .cli_demo import (
    LOGINS,
    PLATFORMS,
    Done,
    Memory,
    Report,
    Step,
    Unexpected,
    print_report,
    require,
    runs_of,
    session,
    target_name,
)
from .runner.collection import collection_path

PLAYBOOK = "demo.yml"
_AUDIT = "audit.jsonl"
_BETWEEN = ("started", "planned", "applied", "ended")
_PLAYBOOK_SECONDS = 180
_CALL_SECONDS = 110
_RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


class _Demo:
    """One demo in its own folder."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self.report = Report()

    @property
    def _targets(self) -> Path:
        return self._folder / "targets.yml"

    @property
    def _config(self) -> Path:
        return self._folder / "virtbridge.yml"

    def run(self, running: ExitStack) -> None:
        """Do all steps; stop at the first that shows something else."""
        self._step("start the simulators", lambda: self._start(running))
        self._step("playbook, first run", lambda: self._playbook(first=True))
        self._step("playbook, second run", lambda: self._playbook(first=False))
        anyio.run(self._session)
        if self.report.ok:
            self._step("each run was recorded before it began, and each plan", self._recorded)

    def _recorded(self) -> str:
        rows = [json.loads(line) for line in (self._folder / _AUDIT).read_text().splitlines()]
        every = [row["event"] for row in rows]
        require(every.count("applied") == len(PLATFORMS), every)
        events = [event for event in every if event not in _BETWEEN]
        runs = sum(runs_of(step) for platform in PLATFORMS for step in session(platform))
        require(events == ["intent", "outcome"] * runs, events)
        require(all(row.get("status", "successful") == "successful" for row in rows), rows)
        return f"{runs} runs of ansible-runner, {len(rows)} lines of audit"

    def _step(self, title: str, work: Callable[[], str]) -> None:
        with self._line(title) as say:
            say(work())

    @contextmanager
    def _line(self, title: str, begin: float | None = None) -> Iterator[Callable[[str], None]]:
        """Time one step; whatever it says, or the failure, becomes a line of the table."""
        shown = [""]
        begin = time.perf_counter() if begin is None else begin
        ok = False
        try:
            with self._console.status(title):
                yield lambda text: shown.__setitem__(0, text)
            ok = True
        except Exception as error:
            shown[0] = (
                str(error) if isinstance(error, Unexpected) else f"{type(error).__name__}: {error}"
            )
            raise _Stop from error
        finally:
            self.report.lines.append(Done(title, ok, time.perf_counter() - begin, shown[0]))

    def _start(self, running: ExitStack) -> str:
        targets: dict[str, Any] = {}
        urls = []
        for platform in PLATFORMS:
            sim = running.enter_context(
                virtsim.start(platform, seed="small", clock="real", speed=20.0)
            )
            targets[target_name(platform)] = _target(self._folder, platform, sim)
            urls.append(f"{platform} at {sim.url}")
        _write(self._targets, yaml.safe_dump({"targets": targets}))
        _write(self._folder / "ansible.cfg", "[defaults]\n")
        _write(self._config, yaml.safe_dump(_configuration(self._folder)))
        return ", ".join(urls)

    def _playbook(self, *, first: bool) -> str:
        collection = collection_path()
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            str(collection / "playbooks" / PLAYBOOK),
        ]
        environment = _environment(self._folder) | {
            "ANSIBLE_COLLECTIONS_PATH": str(collection.parents[2]),
            "ANSIBLE_CONFIG": str(self._folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "VIRTBRIDGE_TARGETS": str(self._targets),
        }
        code, output = _bounded(command, environment, self._folder)
        counts = [tuple(map(int, found)) for found in _RECAP.findall(output)]
        require(code == 0 and bool(counts), f"exit code {code}: {output[-1500:]}")
        changed = sum(count[1] for count in counts)
        require((changed > 0) == first, f"changed={changed}")
        return f"ok={sum(count[0] for count in counts)} changed={changed} failed=0"

    async def _session(self) -> None:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "mcp_bridge.cli", "serve", "--config", str(self._config)],
            env=_environment(self._folder) | {"VIRTBRIDGE_TARGETS": str(self._targets)},
            cwd=self._folder,
        )
        begin = time.perf_counter()
        # Caught inside, because the client's task group would wrap it.
        async with Client(server, read_timeout_seconds=_CALL_SECONDS) as client:
            with suppress(_Stop):
                await self._converse(client, begin)

    async def _converse(self, client: Client, begin: float) -> None:
        with self._line("MCP: start the server, list its tools", begin) as say:
            listed = await client.list_tools()
            names = ", ".join(tool.name for tool in listed.tools)
            say(f"{names} ({client.protocol_version})")
        for platform in PLATFORMS:
            memory: Memory = {}
            for step in session(platform):
                await self._call(client, step, memory)

    async def _call(self, client: Client, step: Step, memory: Memory) -> None:
        with self._line(f"MCP: {step.title} ({step.tool})") as say:
            answer = await client.call_tool(step.tool, dict(step.arguments(memory)))
            say(step.shows(answer.structured_content, memory))


class _Stop(Exception):
    """A step failed and stands in the report; the rest is not tried."""


def run_demo(*, keep: bool, quiet: bool) -> Report:
    """Run the demo, print its table, clean up, and return what happened.

    Ctrl-C and SIGTERM end it early; the simulators, the server and the folder go all the same.
    """
    console = Console(stderr=quiet, markup=True, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="virtbridge-demo-"))
    demo = _Demo(folder, console)
    # Set also where it was ignored: a shell ignores Ctrl-C for what it starts in the background.
    ends = (signal.SIGINT, signal.SIGTERM)
    previous = {each: signal.signal(each, signal.default_int_handler) for each in ends}
    try:
        with ExitStack() as running:
            demo.run(running)
    except _Stop:
        pass
    except KeyboardInterrupt:
        demo.report.interrupted = True
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
        if keep:
            console.print(f"left for you: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print_report(console, demo.report)
    return demo.report


def _target(folder: Path, platform: str, sim: virtsim.SimServer) -> dict[str, Any]:
    """Return the target of a simulator; its secret goes into a file of its own."""
    address, names = LOGINS[platform]
    credential: dict[str, str] = {}
    for name in names:
        if name == "token_id":
            credential[name] = sim.credentials[name]
            continue
        file = folder / f"{platform}.{name}"
        _write(file, sim.credentials[name])
        credential[f"{name}_file"] = file.name
    return {
        "platform": platform,
        "url": sim.url + address,
        "ca_file": str(sim.ca_file),
        "labels": {"env": "demo"},
        "credential": credential,
    }


def _configuration(folder: Path) -> dict[str, Any]:
    """Return the bridge's configuration: stopping is allowed on these targets, and only there."""
    names = [target_name(platform) for platform in PLATFORMS]
    return {
        "policy": {
            "rules": [
                {
                    "name": "demo",
                    "match": {"target": names, "risk": ["disruptive", "destructive"]},
                    "verdict": "allow",
                }
            ]
        },
        "audit": {"path": str(folder / _AUDIT)},
    }


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment that knows nothing of the user's own configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
    }


def _bounded(command: list[str], environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a command in a process group of its own, which ends whatever happens here."""
    with subprocess.Popen(  # noqa: S603  # our own command
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate(timeout=_PLAYBOOK_SECONDS)
            return child.returncode, output
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
