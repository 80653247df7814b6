# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge of one run, to be killed by a test: FOLDER COLLECTIONS RUN_ID ISOLATION KIND."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp_bridge import policy
from mcp_bridge.runner.base import Job
from mcp_bridge.runner.cold import ColdSettings, LocalCold
from mcp_bridge.runner.warm import LocalWarm
from mcp_bridge.runner.worker import LocalWorker
from mcp_bridge.targets import Target


def main(folder: Path, collections: Path, run_id: str, isolate: bool, kind: str) -> None:
    """Run a module that stays, until somebody ends this process."""
    settings = ColdSettings(folder / "state", collections_path=(collections,), isolate=isolate)
    credential = {"token_id": "a@b!c", "token_secret_file": str(folder / "token")}
    url = "https://127.0.0.1:1"
    spec = {"platform": "proxmox", "url": url, "credential": credential}
    target = Target("lab", "proxmox", (url,), {}, False, folder, spec)
    args = {"mode": "linger", "folder": str(folder)}
    job = Job("vbtest.fixture.echo", args, (target,), run_id=run_id)
    facts = (policy.TargetFacts("lab"),)
    call = policy.Call("test", job.module, "read", facts, job.identity)
    permit = policy.decide(call, (), policy.Flags()).permit
    assert permit is not None
    kinds = {"cold": LocalCold, "warm": LocalWarm, "worker": LocalWorker}
    executor = kinds[kind](settings)
    executor.run(job, permit)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "isolate", sys.argv[5])
