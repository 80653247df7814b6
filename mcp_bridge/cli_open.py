# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the bridge together from its configuration, for every command that needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from . import config as configuration
from . import identity, limits, run_store
from . import targets as targets_file_of
from .audit import Audit
from .audit_file import Places
from .catalog import Catalog
from .cleaning import Cleaning
from .config import Config, load_config
from .errors import ConfigInvalid, KeyBroken, StoreBroken
from .identity import Identities
from .opening import PARTS as PLAN_PARTS
from .opening import open_plans
from .run_store import Keep, RunBook, RunStore
from .runner import open_executor
from .store import Store
from .surface import Surface
from .targets import Target
from .targets_problems import TargetsInvalid
from .tools.applying import Applying
from .tools.door import Door, Setup
from .tools.judging import Judge
from .tools.planning import Planner

PARTS = {"runs": run_store.MIGRATIONS, "limits": limits.MIGRATIONS, **PLAN_PARTS}
"""The tables of the one store in the state folder, by the part of the bridge that uses them."""
_STORE, _LEASES = "state.db", "bridges"
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
    config, path, targets = configured_with(config_file, targets_file, read_only, no_destructive)
    with opened_surface(config, path, targets, lasting=lasting) as surface:
        yield surface


def configured_with(
    config_file: Path | None, targets_file: Path | None, read_only: bool, no_destructive: bool
) -> tuple[Config, Path, Mapping[str, Target]]:
    """Return the configuration, and the targets with the file that they are from.

    Raises `Misconfigured` that says everything that is wrong with them.
    """
    problems: list[str] = []
    config = _config(config_file, _overrides(read_only, no_destructive), problems)
    path, targets = _targets(config, targets_file, problems)
    if problems or config is None or path is None:
        raise Misconfigured("\n".join([*problems, "Nothing was started; correct this first."]))
    return config, path, targets


@contextmanager
def opened_surface(
    config: Config,
    path: Path,
    targets: Mapping[str, Target],
    *,
    lasting: bool,
    ready: float = 0.0,
) -> Iterator[Surface]:
    """Give the surface of what was read; ``path`` is where the targets are from.

    ``ready`` is how many seconds to wait at most until runs are as quick as they can be.
    """
    with ExitStack() as opened:
        store = open_store(config)
        opened.callback(store.close)
        runs = RunStore(store, config.state_dir / _LEASES)
        opened.callback(runs.close)
        audit = Audit(audit_places(config))
        cleaning = _recovered(config, runs, audit)
        planner, applying = _plans(config, store, audit, opened, cleaning if lasting else None)
        executor = open_executor(config, lasting=lasting)
        opened.callback(executor.close)
        executor.ready(ready)
        setup = Setup(
            targets=targets,
            targets_path=path,
            catalog=Catalog(),
            executor=executor,
            audit=audit,
            planner=planner,
            judge=_judge(config, store),
            max_bytes=config.server.max_answer_bytes,
            timeout=config.runner.timeout,
            identities=Identities(config.identity.mode, config.identity.map),
        )
        surface = Surface(
            Door(setup), applying, patience=config.server.answer_within, run_store=runs
        )
        opened.callback(surface.stop, _STOP_SECONDS)
        yield surface


def _judge(config: Config, store: Store) -> Judge:
    kept = config.policy
    return Judge(kept.rules, config.flags, kept.guards, limits.Ledger(store))


def _plans(
    config: Config, store: Store, audit: Audit, opened: ExitStack, cleaning: Cleaning | None
) -> tuple[Planner, Applying]:
    leases = config.state_dir / _LEASES
    try:
        planner, applying = opened.enter_context(open_plans(config, store, audit, leases))
    except (KeyBroken, StoreBroken) as error:
        raise click.ClickException(str(error)) from error
    if cleaning is not None:
        opened.callback(cleaning.close)
        cleaning.start(also=planner.expire)
    return planner, applying


def open_store(config: Config) -> Store:
    """Open what the bridge remembers; the caller closes it."""
    try:
        return Store(config.state_dir / _STORE, PARTS)
    except StoreBroken as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def open_runs(config_file: Path | None) -> Iterator[RunBook]:
    """Give the runs of every bridge that uses this state folder, also of those that live."""
    problems: list[str] = []
    config = _config(config_file, {}, problems)
    if config is None:
        raise Misconfigured("\n".join(problems))
    with opened_runs(config) as book:
        yield book


@contextmanager
def opened_runs(config: Config) -> Iterator[RunBook]:
    """Give the runs of this configuration's state folder."""
    store = open_store(config)
    try:
        yield RunBook(store, config.state_dir / _LEASES)
    finally:
        store.close()


def _recovered(config: Config, runs: RunStore, audit: Audit) -> Cleaning:
    """Settle what dead bridges left; return what takes longer, for where there is time for it."""
    kept = config.runs
    keep = Keep(kept.keep_days, kept.keep_count, kept.keep_bytes)
    cleaning = Cleaning(config.state_dir, runs, audit, keep)
    cleaning.recover()
    return cleaning


def audit_places(config: Config) -> Places:
    """Return where the audit is, by the configuration."""
    settings = config.audit
    return Places.beside(
        config.audit_path,
        key=config.state_dir / "audit.key",
        checkpoints=settings.checkpoint_path,
        every=settings.checkpoint_every,
        seconds=settings.checkpoint_seconds,
        rotate_bytes=settings.rotate_bytes,
    )


def settings_of(config_file: Path | None) -> Config:
    """Return the configuration alone; `Misconfigured` says everything that is wrong with it."""
    problems: list[str] = []
    config = _config(config_file, {}, problems)
    if config is None:
        raise Misconfigured("\n".join([*problems, "Nothing was started; correct this first."]))
    return config


def problems_of(
    config_file: Path | None, targets_file: Path | None, read_only: bool, no_destructive: bool
) -> tuple[list[str], list[str]]:
    """Return every problem of both files, and the files that were read."""
    given = read_configuration(config_file, targets_file, _overrides(read_only, no_destructive))
    read = [config_file or configuration.location(), given.targets_path]
    shown = [str(file) for file in read if file is not None and file.exists()]
    return [*given.problems, *given.secrets], shown


@dataclass(frozen=True)
class Read:
    """What the files say, and what is wrong with them; ``secrets`` of what they refer to."""

    config: Config | None
    targets_path: Path | None
    targets: Mapping[str, Target]
    problems: Sequence[str]
    secrets: Sequence[str]


def read_configuration(
    config_file: Path | None,
    targets_file: Path | None,
    overrides: Mapping[str, Any] | None = None,
) -> Read:
    """Read both files, whatever is wrong with them."""
    problems: list[str] = []
    config = _config(config_file, overrides or {}, problems)
    path, targets = _targets(config, targets_file, problems)
    secrets = [
        f"{path}: {problem}"
        for target in targets.values()
        for problem in targets_file_of.check_secrets(target)
    ]
    if config is not None and not problems:
        mapped = identity.check_secrets(config.identity.map, targets)
        secrets += [str(problem) for problem in mapped]
    return Read(config, path, targets, problems, secrets)


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
        targets = targets_file_of.load(path)
        entries = config.identity.map if config else ()
        problems += [str(problem) for problem in identity.problems(entries, targets)]
        return path, targets
    except TargetsInvalid as error:
        problems += [f"{error.path}: {problem}" for problem in error.problems]
        return path, {}
