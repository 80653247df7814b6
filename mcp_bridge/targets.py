# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configured targets as the bridge sees them: by name, with no secret in memory.

The file is read again by the collection inside a run. The bridge checks it against the same
schema, shows what is no secret, and gives each run a file with only the targets it uses.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .targets_problems import Problem, TargetsInvalid, nearest, problems_of

VAULT = "__ansible_vault"
SECRETS = frozenset({"token_secret", "password", "totp", "api_key", "secret_key", "token"})
PATHS = frozenset({"ca_file", "kubeconfig", "client_cert_file", "client_key_file"})
PRIVATE_PATHS = frozenset({"kubeconfig", "client_key_file"})
MAX_FILE = 1 << 20


@dataclass(frozen=True)
class Target:
    """One configured endpoint; ``spec`` is its part of the file, its secrets unresolved.

    ``withheld`` says that its caller has no credential of its own there, and so gets none.
    """

    name: str
    platform: str
    urls: tuple[str, ...]
    labels: Mapping[str, str]
    read_only: bool
    folder: Path
    spec: Mapping[str, Any] = field(repr=False)
    withheld: bool = False


def location(environ: Mapping[str, str] | None = None) -> Path:
    """Return where targets.yml is. It is never looked for in the working directory."""
    environ = os.environ if environ is None else environ
    given = environ.get("VIRTBRIDGE_TARGETS")
    if given:
        path = Path(given).expanduser()
        if not path.is_absolute():
            message = f"VIRTBRIDGE_TARGETS is the relative path {given}; give an absolute path"
            raise TargetsInvalid(path, [Problem("", message)])
        return path
    base = Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    if not base.is_absolute():
        base = Path("~/.config").expanduser()
    return base / "virtbridge" / "targets.yml"


def load(path: Path) -> dict[str, Target]:
    """Return the targets of a file by name, in its order; none when there is no file.

    Raises TargetsInvalid with every problem at once. Secrets are neither read nor needed.
    """
    if not path.exists():
        return {}
    content = _parse(path, _text(path))
    problems = problems_of(content)
    if problems:
        raise TargetsInvalid(path, problems)
    return {name: _target(name, spec, path) for name, spec in content["targets"].items()}


def lookup(targets: Mapping[str, Target], name: str) -> Target:
    """Return the target of that name; KeyError with the nearest names when there is none."""
    if name not in targets:
        raise KeyError(f"Unknown target {name}{nearest(name, targets) or '; none is configured'}")
    return targets[name]


def check_secrets(target: Target) -> list[Problem]:
    """Return what would keep a run from using the target's secrets, without reading any."""
    problems = []
    for key, value in target.spec["credential"].items():
        path = f"targets.{target.name}.credential.{key}"
        if key.removesuffix("_env") in SECRETS and key.endswith("_env"):
            if not os.environ.get(value):
                problems.append(Problem(path, f"the environment variable {value} is not set"))
        elif key in PRIVATE_PATHS or _is_secret_file(key):
            reason = _unusable(target.folder / Path(value).expanduser())
            if reason:
                problems.append(Problem(path, reason))
    return problems


def write_run_targets(
    folder: Path, targets: Iterable[Target], vault_password_file: Path | None = None
) -> Path:
    """Write the targets file of one run into its private folder, and return its path.

    It holds only ``targets``; paths are absolute; secrets from the environment become files
    beside it, because a run gets a clean environment. Everything is readable by its owner only.
    Raises TargetsInvalid when a secret cannot be handed on.
    """
    problems: list[Problem] = []
    written: dict[str, Any] = {}
    for target in targets:
        spec = {key: _absolute(target, key, value) for key, value in target.spec.items()}
        spec["credential"] = dict(_credential(folder, target, vault_password_file, problems))
        written[target.name] = spec
    path = folder / "targets.yml"
    if problems:
        raise TargetsInvalid(path, problems)
    _write_private(path, json.dumps({"targets": written}, indent=1))
    return path


def _credential(
    folder: Path, target: Target, vault_password_file: Path | None, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    for key, value in target.spec["credential"].items():
        path = f"targets.{target.name}.credential.{key}"
        name = key.removesuffix("_env")
        if key in SECRETS and vault_password_file is None:
            text = "a !vault value needs a vault password file in the configuration of the bridge"
            problems.append(Problem(path, f"{text}; set one, or use {key}_file or {key}_env"))
        elif name != key and name in SECRETS:
            secret = os.environ.get(value)
            if not secret:
                problems.append(Problem(path, f"the environment variable {value} is not set"))
                continue
            file = folder / f"secret-{target.name}-{name}"
            _write_private(file, secret)
            yield f"{name}_file", str(file)
        else:
            yield key, _absolute(target, key, value)


def _absolute(target: Target, key: str, value: Any) -> Any:
    if key in PATHS or _is_secret_file(key):
        return str((target.folder / Path(value).expanduser()).absolute())
    return value


def _is_secret_file(key: str) -> bool:
    return key.endswith("_file") and key.removesuffix("_file") in SECRETS


def _unusable(path: Path) -> str:
    """Return why the collection would refuse this secret file, or an empty text."""
    try:
        status = path.lstat()
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link; name the file itself"
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a regular file"
    if status.st_uid != os.geteuid():
        return f"{path} belongs to another user; it must be yours"
    if status.st_mode & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        return f"{path} has mode {mode}; others may use it: run chmod 600 on it"
    return "" if status.st_size else f"{path} is empty"


def _write_private(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="") as file:
        file.write(text)


def _target(name: str, spec: Mapping[str, Any], path: Path) -> Target:
    return Target(
        name=name,
        platform=spec["platform"],
        urls=tuple(spec["urls"] if "urls" in spec else [spec["url"]] if "url" in spec else []),
        labels=spec.get("labels", {}),
        read_only=spec.get("read_only", False),
        folder=path.parent,
        spec=spec,
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise TargetsInvalid(path, [Problem("", f"cannot be read: {error.strerror}")]) from None
    if status.st_mode & 0o022 or status.st_uid not in (0, os.geteuid()):
        text = "other users may change it, and so choose where credentials are sent"
        hint = "it must belong to you or root: run chmod go-w on it"
        raise TargetsInvalid(path, [Problem("", f"{text}; {hint}")])
    if len(content) > MAX_FILE:
        raise TargetsInvalid(path, [Problem("", f"larger than {MAX_FILE} bytes")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise TargetsInvalid(path, [Problem("", "not UTF-8 text")]) from None


def _parse(path: Path, text: str) -> Any:
    if text.startswith("$ANSIBLE_VAULT;"):
        problem = "encrypt single values with !vault, not the whole file"
        raise TargetsInvalid(path, [Problem("", problem)])
    try:
        loader = _Loader(text)
        content = loader.get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        hint = "quote values that begin with a special character"
        raise TargetsInvalid(path, [Problem("", f"not valid YAML{where}; {hint}")]) from None
    if loader.problems:
        raise TargetsInvalid(path, loader.problems)
    return content


class _Loader(yaml.SafeLoader):
    """YAML as plain values: keys are text and unique, ``!vault`` is kept as ciphertext."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[Problem] = []


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _value in node.value:
        line = f"line {key.start_mark.line + 1}"
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            loader.problems.append(Problem(line, "a key must be text; put it in quotes"))
        elif key.value in seen:
            loader.problems.append(Problem(line, "this key is given twice in one mapping"))
        else:
            seen.add(key.value)
    return {} if loader.problems else loader.construct_mapping(node, deep=True)


def _vault(_loader: _Loader, node: yaml.Node) -> dict[str, str]:
    return {VAULT: node.value if isinstance(node, yaml.ScalarNode) else ""}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("!vault", _vault)
