# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tool call, one ansible-runner invocation."""

from __future__ import annotations

from ..config import Config
from .base import Executor


def open_executor(config: Config) -> Executor:
    """Return the back end that the configuration names; close it at the end."""
    # Only the back end that is used is imported.
    from .cold import ColdSettings, LocalCold  # noqa: PLC0415

    return LocalCold(
        ColdSettings(
            state_dir=config.state_dir,
            concurrency=config.runner.concurrency,
            collections_path=config.runner.collections_path,
            env_allow=config.runner.env_allow,
            vault_password_file=config.runner.vault_password_file,
            longest=config.runner.timeout,
        )
    )
