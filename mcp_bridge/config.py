# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of the bridge: virtbridge.yml, `VIRTBRIDGE_*`, and the defaults.

Everything has a default: without a file and without targets the bridge starts and says how to go
on. `python -m mcp_bridge.config` prints the JSON Schema that is shipped beside this file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from .config_approval import Approval
from .config_auth import Auth, HttpServer, IdentitySettings
from .config_policy import Policy
from .config_section import Section
from .config_source import environment_of, overlay, read_file
from .config_words import problems_of
from .errors import ConfigInvalid
from .policy import Flags
from .targets_problems import Problem

SCHEMA_FILE = Path(__file__).with_name("config.schema.json")


class Server(HttpServer):
    """How the server answers."""

    max_answer_bytes: int = Field(
        default=24 * 1024, ge=4096, le=80 * 1024, description="largest answer, in bytes"
    )
    answer_within: float = Field(
        default=100.0,
        ge=0.1,
        le=86_400,
        description="seconds until a call that still runs is answered with its run_id",
    )
    read_only: bool = Field(
        default=False, description="refuse every call that writes; beats the rules"
    )
    no_destructive: bool = Field(default=False, description="refuse what destroys; beats the rules")


class Runner(Section):
    """How calls run."""

    executor: Literal["local", "local-cold", "worker"] = Field(
        default="local",
        description="the back end: out of a fork server, each run from nothing, or each run as a "
        "stream to ansible-runner worker",
    )
    concurrency: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        ge=1,
        le=64,
        description="most runs at once [default: twice the processors]",
    )
    queue: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="most runs that wait for their turn [default: four times the concurrency]",
    )
    timeout: float = Field(
        default=100.0, ge=1, le=86_400, description="seconds until a run is ended"
    )
    collections_path: tuple[Path, ...] = Field(
        default=(),
        description="more folders with ansible_collections/, after the shipped collection",
    )
    env_allow: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = Field(
        default=(), description="environment variables that a run gets besides the fixed few"
    )
    state_dir: Path | None = Field(
        default=None, description="folder for run state [default: $XDG_STATE_HOME/virtbridge]"
    )
    vault_password_file: Path | None = Field(
        default=None, description="file with the password of !vault values in targets.yml"
    )


class Runs(Section):
    """How long the answers of runs, and kept artifacts, are there; the first limit counts."""

    keep_days: float = Field(default=30.0, gt=0, le=3650, description="not older, in days")
    keep_count: int = Field(default=10_000, ge=0, le=1_000_000, description="not more")
    keep_bytes: int = Field(
        default=256 * 1024 * 1024, ge=0, description="not larger together, in bytes"
    )


class AuditSettings(Section):
    """Where the audit is."""

    path: Path | None = Field(
        default=None, description="audit file [default: $XDG_STATE_HOME/virtbridge/audit.jsonl]"
    )
    checkpoint_path: Path | None = Field(
        default=None,
        description="file of the signed checkpoints [default: beside the audit file]",
    )
    checkpoint_every: int = Field(
        default=1000, ge=1, le=1_000_000, description="lines until a checkpoint is signed"
    )
    checkpoint_seconds: float = Field(
        default=3600.0,
        ge=1,
        le=604_800,
        description="seconds until the next line is preceded by a checkpoint",
    )
    rotate_bytes: int = Field(
        default=134_217_728,
        ge=0,
        le=1 << 36,
        description="size at which the audit file is closed and the next part begun; 0 for never",
    )


class Config(Section):
    """virtbridge.yml; every key has a default."""

    server: Server = Server()
    targets_file: Path | None = Field(
        default=None, description="targets.yml [default: $XDG_CONFIG_HOME/virtbridge/targets.yml]"
    )
    policy: Policy = Policy()
    approval: Approval = Approval()
    runner: Runner = Field(default_factory=Runner)
    runs: Runs = Runs()
    audit: AuditSettings = AuditSettings()
    auth: Auth | None = Field(default=None, description="login over HTTP [default: none]")
    identity: IdentitySettings = IdentitySettings()

    @property
    def flags(self) -> Flags:
        """Return the switches that no rule can overrule."""
        return Flags(self.server.read_only, self.server.no_destructive)

    @property
    def state_dir(self) -> Path:
        """Return the folder of run state."""
        return self.runner.state_dir or state_home()

    @property
    def audit_path(self) -> Path:
        """Return the audit file."""
        return self.audit.path or state_home() / "audit.jsonl"


def location(environ: Mapping[str, str] | None = None) -> Path:
    """Return where virtbridge.yml is. It is never looked for in the working directory."""
    environ = os.environ if environ is None else environ
    given = environ.get("VIRTBRIDGE_CONFIG")
    return (
        Path(given).expanduser()
        if given
        else _base(environ, "CONFIG", ".config") / "virtbridge.yml"
    )


def state_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of everything that the bridge remembers."""
    return _base(os.environ if environ is None else environ, "STATE", ".local/state")


def load_config(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Return the configuration: defaults, then the file, then `VIRTBRIDGE_*`, then `overrides`.

    ``path`` must exist when it is given or named by `VIRTBRIDGE_CONFIG`; the default place may be
    empty. ``overrides`` are values by dotted key (`server.read_only`), as a command line has them.
    Raises ConfigInvalid with every problem at once.
    """
    environ = os.environ if environ is None else environ
    file = path or location(environ)
    required = path is not None or "VIRTBRIDGE_CONFIG" in environ
    content, problems = read_file(file, required=required)
    named, more = environment_of(environ, schema())
    problems += more
    given = dict(overrides or {})
    content = overlay(content, {key: value for key, (_name, value) in named.items()} | given)
    try:
        config = Config.model_validate_json(json.dumps(content, default=str))
        if config.auth and not config.server.public_url:
            text = "missing; beside auth, clients must learn from it where to log in"
            problems.append(Problem("server.public_url", text))
    except ValidationError as error:
        names = {key: name for key, (name, _value) in named.items() if key not in given}
        problems += problems_of(error, Config, names)
    if problems:
        raise ConfigInvalid(file if content else None, sorted(set(problems)))
    return config


def schema() -> dict[str, Any]:
    """Return the JSON Schema of virtbridge.yml."""
    return Config.model_json_schema() | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "virtbridge.yml",
    }


def _base(environ: Mapping[str, str], kind: str, default: str) -> Path:
    home = Path(environ.get("HOME") or "~").expanduser()
    given = Path(environ.get(f"XDG_{kind}_HOME") or "")
    return (given if given.is_absolute() else home / default) / "virtbridge"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
