# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command needs in an otherwise clean environment, to be measured by coverage."""

from __future__ import annotations

import os

_RUNS = "VIRTBRIDGE_RUNNER_ENV_ALLOW"
_BACK_END = "VIRTBRIDGE_RUNNER"


def environment() -> dict[str, str]:
    """Return the variables for a command of the bridge: what measures it, and which runner it has.

    There are none when nothing is measured, and every runner is as it is by default.
    """
    kept = {name: os.environ[name] for name in passed_on()}
    if kept and _RUNS in os.environ:
        kept[_RUNS] = os.environ[_RUNS]
    return {**kept, _BACK_END: os.environ[_BACK_END]} if _BACK_END in os.environ else kept


def passed_on() -> tuple[str, ...]:
    """Return the names of what a run of the bridge must let through."""
    return tuple(name for name in os.environ if name.startswith("COVERAGE_"))
