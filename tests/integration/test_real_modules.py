# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each platform's VM module over TLS, from a playbook and from the bridge, on each ansible-core.

``tools/seeded.py`` plants one defect for each promise here, and sees every one of these tests red.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import virtsim
from mcp_bridge.audit import Audit
from mcp_bridge.catalog import Catalog
from mcp_bridge.cli_open import PARTS
from mcp_bridge.config import Config
from mcp_bridge.opening import open_plans
from mcp_bridge.runner.base import Job, Outcome, Signals
from mcp_bridge.runner.cold import ColdSettings, LocalCold
from mcp_bridge.scopes import LOCAL
from mcp_bridge.store import Store
from mcp_bridge.targets import load
from mcp_bridge.tools import spec
from mcp_bridge.tools.door import Door, NoAnswer, Run, Setup
from mcp_bridge.tools.judging import Judge
from tests.integration.canaries import leaks
from tests.integration.platforms import GUEST_SECRET, WRONG_SECRET, Row
from tools.cores import Core

Play = Callable[..., dict[str, Any]]
TEXTS = [
    "{{ lookup('pipe', 'touch pwned') }}",
    "{% raw %}x{% endraw %} !unsafe y",
    "007",
    "[1,  2]",
    "a 'b' \"c\" $(id) \\ \n second line, ü € 🦊 \u202e end",
]
HARD, RETYPED = f"{TEXTS[0]}\n{TEXTS[-1]}", TEXTS[3]
ARGUMENTS = ("project/main.json", "tmp/")
"""What a run is given: these places hold the arguments while it lives, and must go with it."""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def sim(row: Row) -> Iterator[virtsim.SimServer]:
    """Start the platform's own; the other tests of this folder have Proxmox VE alone."""
    with virtsim.start(row.platform, seed="small") as running:
        yield running


@pytest.fixture
def targets(row: Row, sim: virtsim.SimServer, tmp_path: Path) -> Path:
    """A target for each login, and three that fail: wrong secret, nobody listening, wrong pin."""
    for name, secret in {**row.files(sim), "wrong": WRONG_SECRET}.items():
        file = tmp_path / name
        file.touch(0o600)
        file.write_text(secret)
    everything = {f"lab-{login}": row.target(sim, login) for login in row.logins}
    for login in row.logins:
        pinned = row.target(sim, login, fingerprint=":".join(["AB"] * 32))
        del pinned["ca_file"]
        everything[f"pinned-{login}"] = pinned
    first = row.target(sim, next(iter(row.logins)))
    wrong = {
        key: "wrong" if key.endswith("_file") else value
        for key, value in first["credential"].items()
    }
    everything["wrong"] = {**first, "credential": wrong}
    everything["dead"] = {**first, "url": f"https://127.0.0.1:1{row.path}"}
    file = tmp_path / "targets.yml"
    file.write_text(yaml.safe_dump({"targets": everything}))
    return file


@pytest.fixture
def lab(row: Row) -> str:
    """The name of a target that works."""
    return f"lab-{next(iter(row.logins))}"


class Keeping(LocalCold):
    """The plain back end, told to keep the artifacts of each run."""

    def _execute(self, job: Job, signals: Signals) -> Outcome:
        return super()._execute(replace(job, keep=True), signals)


@dataclass
class Bridge:
    """The bridge below its tools: policy, audit, runner; and all that could be seen of a run."""

    folder: Path
    door: Door
    executor: LocalCold
    audit: Path
    seen: dict[str, bytes] = field(default_factory=dict)
    given: set[Path] = field(default_factory=set)

    def run(
        self, module: str, arguments: Mapping[str, Any], *names: str, check: bool = False
    ) -> Run:
        """Run a module and look at its folder and its processes while it runs."""
        signals = spec.Signals(progress=lambda _text: self._look())
        call = spec.Call("test", arguments, spec.Caller("stdio:test", "test", LOCAL), signals)
        return self.door.run(call, module, arguments, names, check=check)

    def left(self) -> dict[str, bytes]:
        """Return what is left after the run: the audit, and all other files of the state."""
        state = self.folder / "state"
        files = [file for file in state.rglob("*") if file.is_file() and "links" not in file.parts]
        return {str(file): file.read_bytes() for file in files}

    def _look(self) -> None:
        run_id = json.loads(self.audit.read_text().splitlines()[-1])["run_id"]
        folder = self.executor.base / run_id
        for place, _folders, names in os.walk(folder):
            for file in (Path(place, name) for name in names):
                # Some live for a moment only: ansible-runner writes beside its place and renames.
                with suppress(OSError):
                    self._note(file, str(file.relative_to(folder)))
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if run_id.encode() in (process / "environ").read_bytes():
                    name = f"arguments of {process.name}"
                    self.seen[name] = (process / "cmdline").read_bytes()
                    self.seen[f"environment of {process.name}"] = (process / "environ").read_bytes()

    def _note(self, file: Path, name: str) -> None:
        if name.startswith(ARGUMENTS):
            self.given.add(file)
        else:
            self.seen[name] = file.read_bytes()


@pytest.fixture
def bridge(
    core: Core | None, targets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bridge]:
    if core is not None:
        monkeypatch.setattr(sys, "executable", str(core.bridge_python()))
    interpreter = sys.executable if core is None else str(core.interpreter)
    state = tmp_path / "bridge/state"
    audit = state / "audit.jsonl"
    executor = Keeping(ColdSettings(state_dir=state, interpreter=interpreter))
    rule = {"match": {"risk": ["disruptive", "destructive"]}, "verdict": "allow"}
    config = Config.model_validate({"policy": {"rules": (rule,)}, "runner": {"state_dir": state}})
    store, record = Store(state / "state.db", PARTS), Audit(audit)
    with open_plans(config, store, record, state / "bridges") as (planner, _applying):
        door = Door(
            Setup(
                targets=load(targets),
                targets_path=targets,
                catalog=Catalog(),
                executor=executor,
                audit=record,
                planner=planner,
                judge=Judge(config.policy.rules),
            )
        )
        yield Bridge(tmp_path / "bridge", door, executor, audit)
    executor.close()
    store.close()


def task(row: Row, register: str, target: str, **options: Any) -> dict[str, Any]:
    return {f"virtbridge.core.{row.module}": {"target": target, **options}, "register": register}


def test_texts_arrive_byte_for_byte_from_a_playbook(
    play: Play, row: Row, sim: virtsim.SimServer, lab: str, tmp_path: Path
) -> None:
    tasks = []
    for number, text in enumerate(TEXTS):
        said = row.says(number, text).items()
        options = {
            key: {"__ansible_unsafe": text} if value is text else value for key, value in said
        }
        tasks.append(task(row, f"r{number}", lab, **options))
    play(tasks)
    assert row.received(sim) == TEXTS
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", [HARD, RETYPED], ids=["hard", "retyped"])
def test_texts_arrive_byte_for_byte_from_the_bridge(
    bridge: Bridge, row: Row, sim: virtsim.SimServer, lab: str, text: str
) -> None:
    run = bridge.run(row.module, row.says(0, text), lab)
    assert run.answered[lab]["changed"]
    assert row.received(sim) == [text]


def test_check_mode_writes_nothing_from_a_playbook(
    play: Play, row: Row, sim: virtsim.SimServer, lab: str
) -> None:
    seen = play(
        [
            task(row, "created", lab, **row.new),
            task(row, "changed", lab, **row.stopped, **row.change),
            task(row, "started", lab, **row.stopped, state="started"),
            task(row, "deleted", lab, **row.running, state="absent", force=True),
        ],
        "--check",
    )
    del seen["printed"]
    assert {name: (each["changed"], each["operations"]) for name, each in seen.items()} == (
        dict.fromkeys(("created", "changed", "started", "deleted"), (True, []))
    )
    assert sim.control.writes() == []


def test_check_mode_writes_nothing_from_the_bridge(
    bridge: Bridge, row: Row, sim: virtsim.SimServer, lab: str
) -> None:
    run = bridge.run(row.module, row.new, lab, check=True)
    assert run.answered[lab]["changed"]
    assert sim.control.writes() == []


def test_no_secret_is_in_what_a_playbook_shows(
    play: Play, row: Row, sim: virtsim.SimServer, tmp_path: Path
) -> None:
    """Secrets of targets and of the guest, in a run that works and in two that fail."""
    new = {**row.new, **row.secret}
    good = [
        task(row, f"new_{number}", f"lab-{login}", **{**new, "name": f"fresh{number}"})
        for number, login in enumerate(row.logins)
    ]
    bad = [
        {**task(row, name, name, **new), "ignore_errors": True, "diff": True}
        for name in ("wrong", "dead")
    ]
    seen = play([*good, *bad], "-vvvv", env={"ANSIBLE_LOG_PATH": str(tmp_path / "log")})
    kinds = [seen[name]["error"]["kind"] for name in ("wrong", "dead")]
    assert kinds == ["auth", "unavailable"]
    assert all(seen[f"new_{number}"]["changed"] for number in range(len(good)))
    texts = {"printed": seen["printed"], "registered": json.dumps(seen)}
    texts["log"] = (tmp_path / "log").read_text()
    secrets = {*row.secrets(sim), GUEST_SECRET, WRONG_SECRET}
    assert leaks(secrets, texts) == []


def test_no_secret_is_in_any_artifact_of_the_bridge(
    bridge: Bridge, row: Row, sim: virtsim.SimServer, lab: str
) -> None:
    """Every file of the run's folder, its processes, the artifacts kept, the answer."""
    run = bridge.run(row.module, {**row.new, **row.secret}, lab, "wrong", "dead")
    kinds = {name: result["error"]["kind"] for name, result in run.failed.items()}
    assert kinds == {"wrong": "auth", "dead": "unavailable"}
    left = {name: text for name, text in bridge.left().items() if name != str(bridge.audit)}
    names = {name.partition(run.run_id)[2] for name in left} | set(bridge.seen)
    for part in ("/stdout", "/job_events/", "targets.yml", "arguments of", "inventory/", "spec"):
        assert any(part in name for name in names), part
    assert any("job_events" in name for name in bridge.seen)
    answer = {"answered": json.dumps(run.answered), "failed": json.dumps(run.failed)}
    secrets = {*row.secrets(sim), GUEST_SECRET, WRONG_SECRET}
    assert leaks(secrets, {**bridge.seen, **left, **answer}) == []
    assert bridge.given
    assert not [file for file in bridge.given if file.exists()]


def test_no_secret_is_in_the_audit(
    bridge: Bridge, row: Row, sim: virtsim.SimServer, lab: str
) -> None:
    bridge.run(row.module, {**row.new, **row.secret}, lab, check=True)
    text = bridge.audit.read_text()
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events == ["intent", "outcome", "planned"]
    secrets = {*row.secrets(sim), GUEST_SECRET}
    assert leaks(secrets, {"audit": text}) == []


def test_a_wrong_pin_stops_before_a_credential_is_sent(
    play: Play, row: Row, sim: virtsim.SimServer
) -> None:
    bad = [
        {**task(row, login, f"pinned-{login}", **row.stopped), "ignore_errors": True}
        for login in row.logins
    ]
    seen = play(bad)
    assert [seen[login]["error"]["kind"] for login in row.logins] == ["unavailable"] * len(bad)
    assert sim.control.journal() == []


def test_a_wrong_pin_stops_the_bridge_too(bridge: Bridge, row: Row, sim: virtsim.SimServer) -> None:
    names = [f"pinned-{login}" for login in row.logins]
    with pytest.raises(NoAnswer) as error:
        bridge.run(row.module, row.stopped, *names)
    failed = error.value.run.failed
    assert [failed[name]["error"]["kind"] for name in names] == ["unavailable"] * len(names)
    assert sim.control.journal() == []
