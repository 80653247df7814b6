# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module as a process of its own, to its real end, or as if it ran in a pod."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contract.support.child import TIMEOUT, Result, answer_of, as_module, run_main

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MOUNT = f'mount -t tmpfs none /var/run && mkdir -p {ACCOUNT} && mount --bind "$0" {ACCOUNT}'


def run_process(
    name: str, args: Mapping[str, Any], *, env: Mapping[str, str], before: tuple[str, ...] = ()
) -> Result:
    """Run a module of the collection; ``before`` is put before the command."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "tests.contract.support.process", name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": dict(args)}),
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Result(answer_of(done.stdout, done.stderr), done.stdout, done.stderr, done.returncode)


def run_in_pod(
    name: str, args: Mapping[str, Any], *, account: Path, host: str, port: int
) -> Result:
    """Run a module where the files of ``account`` are those of the pod's service account."""
    env = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
    return run_process(name, args, env=env, before=_namespace(f'{_MOUNT} && exec "$@"', account))


@functools.cache
def why_no_pod() -> str:
    """Return why this machine lets nobody mount a folder for one process; empty when it does."""
    try:
        done = subprocess.run(
            _namespace(_MOUNT, ROOT), capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except OSError as error:
        return f"unshare cannot be run: {error.strerror}"
    return done.stderr.strip() if done.returncode else ""


def _namespace(script: str, account: Path) -> tuple[str, ...]:
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(account))


if __name__ == "__main__":
    import conftest  # noqa: F401  # registers the collection

    sys.exit(as_module(lambda: run_main(sys.argv[1]), sys.stdin.buffer.read()))
