# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from a tool to a run: target, risk, policy, audit, then the executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import policy
from ..catalog import Catalog, full_name
from ..runner.base import Executor, Job, Outcome, Progress
from ..targets import Target
from .arguments import suggestion
from .spec import Call, Refusal, Tool

_MARGIN = 5.0
_LONGEST_ANSWER = 105.0


@dataclass(frozen=True)
class Run:
    """What became of one run: the targets that answered, and those that failed."""

    run_id: str
    answered: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, Mapping[str, Any]]
    outcome: Outcome
