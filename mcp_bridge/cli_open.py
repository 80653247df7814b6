# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the bridge together from its configuration, for every command that needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from . import config as configuration
from . import targets as targets_file_of
from .audit import Audit
from .catalog import Catalog
from .config import Config, load_config
from .errors import ConfigInvalid
from .runner import open_executor
from .surface import Surface
from .targets import Target
from .targets_problems import TargetsInvalid
from .tools.door import Door, Setup

_STOP_SECONDS = 5.0


class Misconfigured(click.ClickException):
    """The configuration cannot be used; every problem is shown."""

    exit_code = 2


@contextmanager
def open_surface(
    config_file: Path | None,
    targets_file: Path | None,
    read_only: bool,
    no_destructive: bool,
    *,
    lasting: bool = False,
) -> Iterator[Surface]:
    """Give the surface of the configuration; what it started ends with the context.

    ``lasting`` is for what serves many calls, see `open_executor`.
    """
    problems: list[str] = []
    config = _config(config_file, _overrides(read_only, no_destructive), problems)
    path, targets = _targets(config, targets_file, problems)
    if problems or config is None or path is None:
        raise Misconfigured("\n".join([*problems, "Nothing was started; correct this first."]))
    executor = open_executor(config, lasting=lasting)
    setup = Setup(
        targets=targets,
        targets_path=path,
        catalog=Catalog(),
        executor=executor,
        audit=Audit(config.audit_path),
        rules=config.policy.rules,
        flags=config.flags,
        max_bytes=config.server.max_answer_bytes,
        timeout=config.runner.timeout,
    )
    surface = Surface(Door(setup), patience=config.server.answer_within)
    try:
        yield surface
    finally:
        surface.stop(_STOP_SECONDS)
        executor.close()


def problems_of(
    config_file: Path | None, targets_file: Path | None, read_only: bool, no_destructive: bool
) -> tuple[list[str], list[str]]:
    """Return every problem of both files, and the files that were read."""
    problems: list[str] = []
    config = _config(config_file, _overrides(read_only, no_destructive), problems)
    path, targets = _targets(config, targets_file, problems)
    for target in targets.values():
        problems += [f"{path}: {problem}" for problem in targets_file_of.check_secrets(target)]
    read = [config_file or configuration.location(), path]
    return problems, [str(file) for file in read if file is not None and file.exists()]


def _overrides(read_only: bool, no_destructive: bool) -> Mapping[str, Any]:
    """Return what the command line says; a flag can only narrow what the file allows."""
    given = {"server.read_only": read_only, "server.no_destructive": no_destructive}
    return {key: True for key, on in given.items() if on}


def _config(path: Path | None, overrides: Mapping[str, Any], problems: list[str]) -> Config | None:
    try:
        return load_config(path, overrides=overrides)
    except ConfigInvalid as error:
        place = error.path or "environment"
        problems += [f"{place}: {problem}" for problem in error.problems]
        return None


def _targets(
    config: Config | None, given: Path | None, problems: list[str]
) -> tuple[Path | None, Mapping[str, Target]]:
    configured = config.targets_file if config else None
    path = given or (None if "VIRTBRIDGE_TARGETS" in os.environ else configured)
    try:
        path = path.absolute() if path else targets_file_of.location()
        if given and not given.exists():
            problems.append(f"{given}: there is no such file")
        return path, targets_file_of.load(path)
    except TargetsInvalid as error:
        problems += [f"{error.path}: {problem}" for problem in error.problems]
        return path, {}
