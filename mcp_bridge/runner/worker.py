# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The back end for a mesh: each job goes as a stream to ``ansible-runner worker``.

Everything else is the plain back end's. Only what a job needs is moved to a folder of its own,
which is what the stream carries: play, inventory, configuration, targets and their secrets.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .base import Job
from .cold import LocalCold
from .guarded import Guarded
from .workspace import Workspace

_JOB, _NODE = "job", "node"
_PARTS = ("project", "inventory", "ansible.cfg", "targets.yml")
_COPIED = ("ca_file", "client_cert_file")
_WORKER = [sys.executable, "-I", "-m", "ansible_runner", "worker", "--private-data-dir"]


class LocalWorker(LocalCold):
    """Runs jobs on this machine, each in an ``ansible-runner worker`` that gets it as a stream."""

    def _prepared(self, job: Job, workspace: Workspace) -> dict[str, Any]:
        folder = workspace.path
        source, node = folder / _JOB, folder / _NODE
        for made in (source, node, source / "home", source / "tmp"):
            made.mkdir(mode=0o700)
        _carry_secrets(folder, source, node)
        for part in _PARTS:
            (folder / part).rename(source / part)
        spec = super()._prepared(job, workspace)
        inventory = source / "inventory" / "hosts.json"
        spec["run"] |= {"private_data_dir": str(source), "inventory": str(inventory)}
        spec["worker"] = {
            "command": [*_WORKER, str(node)],
            "folder": str(node),
            "environment": self._environment(node, node / "targets.yml"),
        }
        return spec

    def _launch(
        self, workspace: Workspace, spec: Path, environment: Mapping[str, str], log: int
    ) -> Guarded:
        guard = super()._launch(workspace, spec, environment, log)
        guard.how = "worker"
        return guard


def _carry_secrets(folder: Path, source: Path, node: Path) -> None:
    """Put the files that targets name into the stream, and name them by where they will be.

    A kubeconfig may name further files, relative to itself; so it stays where it is.
    """
    targets = folder / "targets.yml"
    content = json.loads(targets.read_text(encoding="utf-8"))
    for number, target in enumerate(content["targets"].values()):
        for options in (target, target["credential"]):
            for key, value in options.items():
                if key in _COPIED or (options is not target and key.endswith("_file")):
                    copy = source / f"file-{number}-{key}"
                    if _copied(Path(value), copy):
                        options[key] = str(node / copy.name)
    targets.write_text(json.dumps(content), encoding="utf-8")


def _copied(file: Path, to: Path) -> bool:
    """Copy a file for its owner only; whether that went well. If not, its reader will say so."""
    to.touch(mode=0o600)
    with suppress(OSError):
        shutil.copyfile(file, to)
        return True
    to.unlink()
    return False
