# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain back end: each job is one new process that calls `ansible_runner.run`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ..redact import Redactor
from ..targets import write_run_targets
from . import play
from .base import MOST_AT_ONCE, Executor, Job, Outcome, Signals, Status
from .collection import collections_root
from .guarded import Guarded, started
from .keeping import known_secrets, retain, tail
from .objects import written
from .results import Results
from .turns import Turns
from .workspace import Workspace, base_folder, recover

_MAX_RESULT = 64 * 1024 * 1024
_POLL = 0.1
# Between ansible-runner's own timeout and the end of everything.
_MARGIN = 5.0
_FIXED = ("TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH", "VIRTBRIDGE_DIRECT")
_EVENTS = {"imported": "start", "playbook_on_start": "load", "runner_on_start": "begin"}


@dataclass(frozen=True)
class ColdSettings:
    """How runs are made; ``isolate`` asks for PID namespaces where the kernel allows them.

    ``direct`` false makes modules run as archives, in interpreters of their own.
    """

    state_dir: Path
    concurrency: int = 2
    queue: int = 8
    collections_path: Sequence[Path] = ()
    env_allow: Sequence[str] = ()
    vault_password_file: Path | None = None
    longest: float = 86_400.0
    isolate: bool = True
    direct: bool = True
    interpreter: str = sys.executable


@dataclass
class _Progressing:
    """What is known of a run while it goes on."""

    results: Results
    stamps: dict[str, float] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    how: str = "not started"
    isolated: bool = False

    @property
    def whole(self) -> bool:
        """Whether the run came to its own end, and so has said all that happened."""
        return self.end.get("status") not in (None, "error")


class LocalCold(Executor):
    """Runs jobs on this machine, a bounded number at once, each from nothing."""

    def __init__(self, settings: ColdSettings) -> None:
        self._settings = settings
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.base = base_folder(settings.state_dir)
        self.recovered = recover(self.base)
        self.collections = collections_root(settings.state_dir / "links")
        objects = settings.state_dir / "objects"
        self.turns = Turns(objects, settings.concurrency, settings.queue)
        self._closing = threading.Event()

    def close(self) -> None:
        """Cancel every run and wait until its processes and its folder are gone."""
        if self._closing.is_set():
            return
        self._closing.set()
        # A turn that is never given back belongs to a thread that was abandoned.
        self.turns.quiet(2 * _MARGIN)

    def _execute(self, job: Job, signals: Signals) -> Outcome:
        job = replace(job, timeout=min(job.timeout, self._settings.longest))
        content = play.play(job)
        hosts = play.inventory(job, self._settings.interpreter)
        begin = time.time()
        turn = self.turns.take(written(job), job.timeout, lambda: self._stopped(signals))
        if turn is None:
            return _not_started(job, "canceled" if self._stopped(signals) else "timeout")
        workspace = None
        try:
            self._await(lambda: self._stopped(signals))
            if self._stopped(signals):
                return _not_started(job, "canceled")
            workspace = Workspace(self.base, job.run_id, turn.files)
            workspace.write("project/main.json", content)
            workspace.write("inventory/hosts.json", hosts)
            return self._run(job, signals, workspace, begin)
        finally:
            if workspace is not None:
                workspace.remove()
            turn.end()

    def _await(self, stopped: Callable[[], bool]) -> None:
        """Wait for what a run is made of, until it is there soon enough or ``stopped``."""

    def _stopped(self, signals: Signals) -> bool:
        return signals.cancelled.is_set() or self._closing.is_set()

    def _run(self, job: Job, signals: Signals, workspace: Workspace, begin: float) -> Outcome:
        vault = self._settings.vault_password_file
        targets = write_run_targets(workspace.path, job.targets, vault)
        redactor = Redactor([*known_secrets(targets), *job.secret_values])
        spec = workspace.write("spec.json", json.dumps(self._prepared(job, workspace)))
        progress = _Progressing(Results(job.hosts))
        progress.stamps["prepare"] = time.time()
        status = self._watch(job, signals, progress, (workspace, spec, targets))
        artifacts = workspace.path / "artifacts" / job.run_id
        stdout = redactor.known(tail(artifacts / "stdout"))
        problem = str(progress.end.get("problem") or "") or stdout
        return Outcome(
            run_id=job.run_id,
            status=status,
            hosts=redactor.known(progress.results.all(status, problem, whole=progress.whole)),
            rc=progress.end.get("rc"),
            stages_ms=_stages(progress.stamps, begin),
            how=progress.how,
            stdout=stdout,
            artifacts=self._kept(job, artifacts, redactor),
        )

    def _kept(self, job: Job, artifacts: Path, redactor: Redactor) -> Path | None:
        if not job.keep:
            return None
        return retain(artifacts, self._settings.state_dir / "artifacts" / job.run_id, redactor)

    def _prepared(self, job: Job, workspace: Workspace) -> dict[str, Any]:
        """Return what the guard is to run; all files of the job are in its workspace by now."""
        folder = workspace.path
        run = {
            "private_data_dir": str(folder),
            "playbook": "main.json",
            "inventory": str(folder / "inventory" / "hosts.json"),
            "ident": job.run_id,
            "forks": min(MOST_AT_ONCE, len(job.hosts)),
            "settings": {"pexpect_timeout": _POLL, "suppress_ansible_output": True},
            "timeout": max(1, round(job.timeout)),
        }
        return {
            "run": run,
            "folder": str(folder),
            "isolate": self._settings.isolate,
            "deadline": job.timeout + _MARGIN,
        }

    def _environment(self, folder: Path, targets: Path) -> dict[str, str]:
        """Return the whole environment of a run. It ends up in the artifacts: no secret here."""
        allowed = (*_FIXED, *self._settings.env_allow)
        environment = {name: os.environ[name] for name in allowed if name in os.environ}
        paths = [self.collections, *self._settings.collections_path]
        environment |= {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "VIRTBRIDGE_TARGETS": str(targets),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home" / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, paths)),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_INJECT_FACT_VARS": "False",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_NOCOLOR": "1",
            "MAX_EVENT_RES": str(_MAX_RESULT),
        }
        if not self._settings.direct:
            environment["VIRTBRIDGE_DIRECT"] = "0"
        if self._settings.vault_password_file is not None:
            environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(self._settings.vault_password_file)
        return environment

    def _watch(
        self,
        job: Job,
        signals: Signals,
        progress: _Progressing,
        files: tuple[Workspace, Path, Path],
    ) -> Status:
        """Start the guard, follow its lines to the end, pass a cancel on; return how it ended."""
        workspace, spec, targets = files
        environment = self._environment(workspace.path, targets)
        cancelled = False
        with workspace.write("guard.log", "").open("wb") as log:
            guard = self._launch(workspace, spec, environment, log.fileno())
        progress.how = guard.how
        with guard:
            for line in guard.said(job.timeout + 2 * _MARGIN):
                if self._stopped(signals) and not cancelled:
                    cancelled = True
                    guard.cancel()
                if line is not None:
                    _take(line, signals, progress)
        status = progress.end.get("status")
        if status is None:
            progress.end["problem"] = tail(workspace.path / "guard.log")
            return "canceled" if cancelled else "error"
        return cast(Status, status)

    def _launch(
        self, workspace: Workspace, spec: Path, environment: Mapping[str, str], log: int
    ) -> Guarded:
        """Start the guard of one run."""
        return started(workspace, spec, environment, log)


def _not_started(job: Job, status: Status) -> Outcome:
    results = Results(job.hosts).all(status, "")
    return Outcome(job.run_id, status, results, None, {}, "not started")


def _take(line: Mapping[str, Any], signals: Signals, progress: _Progressing) -> None:
    if "end" in line:
        progress.end = dict(line["end"])
        progress.stamps["end"] = time.time()
        return
    name = str(line.get("event"))
    progress.isolated = progress.isolated or name == "isolated"
    if name in _EVENTS:
        progress.stamps.setdefault(_EVENTS[name], float(line["at"]))
    shown = progress.results.note(line)
    if shown is not None:
        if shown.event != "runner_on_start":
            progress.stamps["module"] = float(line["at"])
        if signals.on_progress is not None:
            signals.on_progress(shown)


def _stages(stamps: Mapping[str, float], begin: float) -> dict[str, int]:
    """Return how long each stage took, in the order they came, and the whole."""
    stages, last = {}, begin
    for name, at in sorted(stamps.items(), key=lambda pair: pair[1]):
        stages[name] = max(0, round((at - last) * 1000))
        last = at
    return stages | {"total": round((time.time() - begin) * 1000)}
