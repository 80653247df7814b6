# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands share: exit codes, options, and the form of their examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .moments import moment_of

FAILED, USAGE = 1, 2
_Command = TypeVar("_Command", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """Return the examples at the end of a command's help, printed line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def moment(_context: click.Context, _option: click.Parameter, value: str | None) -> float:
    """Read how long ago, or a date with or without time; 0 for no limit."""
    try:
        return 0.0 if value is None else moment_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


as_json = click.option("--json", "json_output", is_flag=True, help="Print JSON on standard output.")


config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="virtbridge.yml [default: $VIRTBRIDGE_CONFIG, ~/.config/virtbridge/…]",
)
targets_option = click.option(
    "--targets",
    "targets_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="targets.yml [default: $VIRTBRIDGE_TARGETS, ~/.config/virtbridge/…]",
)


def configured(command: _Command) -> _Command:
    """Add the options that choose and narrow the configuration."""
    options = (
        click.option(
            "--no-destructive",
            is_flag=True,
            help="Refuse every call that destroys, whatever the policy says.",
        ),
        click.option(
            "--read-only",
            is_flag=True,
            help="Refuse every call that writes, and do not offer the tools that can only write.",
        ),
        targets_option,
        config_option,
    )
    for option in options:
        command = option(command)
    return command
