# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge refuses or cannot do, apart from what a module reports.

BridgeError
├── ConfigInvalid    virtbridge.yml or its environment is wrong; all problems at once
├── AuditFailed      the audit line could not be written, so nothing was run
├── NotPermitted     a job came to the runner without a permit that covers it
├── Busy             as many runs go on and wait as may, so nothing was run
├── JobRefused       arguments that no play can carry as literal text
├── RunnerBroken     the runner could not be started on this machine
├── StoreBroken      the store of runs, plans and approvals cannot be read or written
├── KeyBroken        a key file of the state folder cannot be used
├── SealBroken       what was stored encrypted cannot be opened
└── ApprovalRefused  a plan may not be approved, or not like this
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .targets_problems import Problem


class BridgeError(Exception):
    """An expected failure of the bridge itself: what, where, and what to do about it."""


class ConfigInvalid(BridgeError):
    """The configuration cannot be used; ``problems`` has all that is wrong with it."""

    def __init__(self, path: Path | None, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        where = path or "the environment"
        super().__init__(f"{where} has {count}: {'; '.join(map(str, problems))}")


class AuditFailed(BridgeError):
    """The audit line could not be written, so the call is refused."""


class NotPermitted(BridgeError):
    """A job came to the runner without a permit that covers exactly this job."""


class Busy(BridgeError):
    """As many runs go on and wait as may, so nothing was run; the message has the numbers."""


class JobRefused(BridgeError):
    """The arguments of a job cannot be carried as literal text; the message names the place."""


class RunnerBroken(BridgeError):
    """The runner could not be started on this machine; the message says what is missing."""


class StoreBroken(BridgeError):
    """The store of runs, plans and approvals cannot be used; the message says why."""


class KeyBroken(BridgeError):
    """A key file of the state folder cannot be used; the message says why."""


class SealBroken(BridgeError):
    """What was stored encrypted was changed, belongs elsewhere, or its key is gone."""


class ApprovalRefused(BridgeError):
    """A plan may not be approved, or not like this; the message says why and what to do."""


class AddressRefused(BridgeError):
    """The server cannot, or must not, listen on the address; the message says why."""
