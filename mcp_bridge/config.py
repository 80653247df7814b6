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

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .config_source import environment_of, overlay, read_file
from .config_words import problems_of
from .errors import ConfigInvalid
from .policy import Flags

SCHEMA_FILE = Path(__file__).with_name("config.schema.json")
_PRINCIPLE = "(every part given must match; at least one part)"
_PARTS = ("tool", "operation", "risk", "target", "principal", "client")

RiskName = Literal["read", "write", "disruptive", "destructive"]


def _listed(value: Any) -> Any:
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


Pattern = Annotated[str, Field(min_length=1, max_length=300)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), BeforeValidator(_listed)]
Risks = Annotated[tuple[RiskName, ...], Field(min_length=1), BeforeValidator(_listed)]


class _Section(BaseModel):
    """A part of the file: unknown keys are errors, values are what they say they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Server(_Section):
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


class Match(_Section):
    """What a rule speaks of; names are patterns with * and ?."""

    tool: Patterns | None = Field(default=None, description="names of tools")
    operation: Patterns | None = Field(
        default=None, description="names of modules or vendor operations"
    )
    risk: Risks | None = Field(default=None, description="risk classes")
    target: Patterns | None = Field(default=None, description="names of targets")
    labels: dict[str, str] | None = Field(
        default=None, description="labels that the target carries"
    )
    principal: Patterns | None = Field(default=None, description="who calls, for example os:alice")
    client: Patterns | None = Field(default=None, description="name and version of the MCP client")

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


class Rule(_Section):
    """One rule of the policy; the first that matches decides."""

    name: str = Field(
        default="", max_length=100, description="what audit and answers call the rule"
    )
    match: Match = Field(description=f"what the rule speaks of {_PRINCIPLE}")
    verdict: Literal["allow", "deny"] = Field(description="what the rule says")

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """Return the patterns by part, only those given."""
        given = {part: getattr(self.match, part) for part in _PARTS}
        return {part: patterns for part, patterns in given.items() if patterns is not None}

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that the target must carry."""
        return self.match.labels or {}


class Policy(_Section):
    """What may run. Read and write are allowed by default, disruptive and destructive denied."""

    rules: tuple[Rule, ...] = Field(
        default=(), description="rules in order; the first that matches wins"
    )

    @model_validator(mode="after")
    def _named(self) -> Policy:
        rules = (
            rule if rule.name else rule.model_copy(update={"name": f"policy.rules[{index}]"})
            for index, rule in enumerate(self.rules)
        )
        object.__setattr__(self, "rules", tuple(rules))
        return self


class Runner(_Section):
    """How calls run."""

    executor: Literal["local", "local-cold"] = Field(
        default="local", description="the back end: out of a fork server, or each run from nothing"
    )
    concurrency: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        ge=1,
        le=64,
        description="most runs at once [default: twice the processors]",
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


class AuditSettings(_Section):
    """Where the audit is."""

    path: Path | None = Field(
        default=None, description="audit file [default: $XDG_STATE_HOME/virtbridge/audit.jsonl]"
    )


class Config(_Section):
    """virtbridge.yml; every key has a default."""

    server: Server = Server()
    targets_file: Path | None = Field(
        default=None, description="targets.yml [default: $XDG_CONFIG_HOME/virtbridge/targets.yml]"
    )
    policy: Policy = Policy()
    runner: Runner = Field(default_factory=Runner)
    audit: AuditSettings = AuditSettings()

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
