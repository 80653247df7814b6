# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tool call, one ansible-runner invocation."""

from __future__ import annotations

import logging
import os

from ..config import Config
from .base import Executor
from .cold import ColdSettings, LocalCold
from .possible import why_not
from .warm import LocalWarm
from .worker import LocalWorker

SWITCH = "VIRTBRIDGE_RUNNER"
_log = logging.getLogger(__name__)


def open_executor(config: Config, *, lasting: bool) -> Executor:
    """Return the back end that the configuration names; close it at the end.

    Only what is ``lasting``, and so runs many jobs, gets a fork server: its start costs as much as
    a run. ``VIRTBRIDGE_RUNNER=cold`` in the environment turns it off.
    """
    runner = config.runner
    settings = ColdSettings(
        state_dir=config.state_dir,
        concurrency=runner.concurrency,
        queue=4 * runner.concurrency if runner.queue is None else runner.queue,
        collections_path=runner.collections_path,
        env_allow=runner.env_allow,
        vault_password_file=runner.vault_password_file,
    )
    if runner.executor == "worker":
        return LocalWorker(settings)
    wanted = lasting and wants_server(runner.executor)
    lack = why_not() if wanted else ""
    if lack:
        _log.warning("no fork server, so that every run starts cold: %s", lack)
    return LocalWarm(settings) if wanted and not lack else LocalCold(settings)


def wants_server(executor: str) -> bool:
    """Whether runs are to come out of a fork server, as far as somebody has said."""
    return executor == "local" and os.environ.get(SWITCH) != "cold"
