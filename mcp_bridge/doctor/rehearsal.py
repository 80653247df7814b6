# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real run, end to end: this installation, the user's runner settings, and a simulator.

It lists the guests of a simulated Proxmox VE over TLS, as `vm_list` does, out of a fork server
where there is one. State and audit of it are in a folder that goes with it.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import yaml

import virtsim

from .. import targets as targets_file
from ..cli_open import opened_runs, opened_surface
from ..config import AuditSettings, Config
from ..errors import BridgeError
from ..person import os_user
from ..runner import wants_server
from ..scopes import LOCAL
from ..tools.spec import Answer, Caller
from .finding import Finding, fail, ok, warn

_READY = 60.0
_NAMES = ("a run", "fork server")


class _Heard(logging.Handler):
    """Keeps what the runner warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.texts.append(record.getMessage())


def run(config: Config) -> Iterator[Finding]:
    """Make one run, and yield whether it went well and whether out of a fork server."""
    heard = _Heard()
    logger = logging.getLogger("mcp_bridge.runner")
    logger.addHandler(heard)
    try:
        answer, how = _listed(config)
    except (BridgeError, OSError) as error:
        yield fail(_NAMES[0], str(error), "Mend what it names.")
        return
    finally:
        logger.removeHandler(heard)
    yield _of_run(answer, how)
    yield _of_server(config, how, heard.texts)


def _listed(config: Config) -> tuple[Answer, str]:
    """Return the answer, and by which back end it came."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="virtbridge-")))
        sim = opened.enter_context(virtsim.start("proxmox", seed="small"))
        path = _targets(folder, sim)
        runner = config.runner.model_copy(update={"state_dir": folder / "state"})
        own = Config(runner=runner, audit=AuditSettings(path=folder / "audit.jsonl"))
        targets = targets_file.load(path)
        surface = opened.enter_context(
            opened_surface(own, path, targets, lasting=True, ready=_READY)
        )
        runs = opened.enter_context(opened_runs(own))
        caller = Caller(os_user(), "virtbridge doctor", LOCAL)
        answer = surface.call("vm_list", {}, caller)
        found = runs.find(str(answer.body.get("run_id")))
        return answer, str(found.how) if found else ""


def _targets(folder: Path, sim: virtsim.SimServer) -> Path:
    secret = folder / "token"
    secret.touch(mode=0o600)
    secret.write_text(sim.credentials["token_secret"], encoding="utf-8")
    spec = {
        "platform": "proxmox",
        "url": sim.url,
        "ca_file": str(sim.ca_file),
        "credential": {"token_id": sim.credentials["token_id"], "token_secret_file": "token"},
    }
    path = folder / "targets.yml"
    path.write_text(yaml.safe_dump({"targets": {"rehearsal": spec}}), encoding="utf-8")
    return path


def _of_run(answer: Answer, how: str) -> Finding:
    if answer.ok:
        return ok(_NAMES[0], f"vm_list on a simulator over TLS went well ({how})")
    error = answer.body["error"]
    words = f"vm_list on a simulator failed: {error['code']}: {error['message']}"
    return fail(_NAMES[0], words, error["next"])


def _of_server(config: Config, how: str, heard: Sequence[str]) -> Finding:
    if how == "warm":
        return ok(_NAMES[1], "it starts, and runs are forked out of it")
    if not wants_server(config.runner.executor):
        words = "turned off (runner.executor, or VIRTBRIDGE_RUNNER): every run starts cold"
        return warn(_NAMES[1], words, "Turn it on: calls are about ten times as quick.")
    words = f"runs start cold: {heard[-1] if heard else 'it was not ready in time'}"
    return warn(_NAMES[1], words, "Calls work, but take longer; mend what it says.")
