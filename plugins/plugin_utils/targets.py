# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read targets.yml on the controller: find it, check it, and resolve one target's secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ..module_utils.engine.errors import ValidationFailed
from .schema_check import Problem, check, nearest
from .target_secrets import VAULT, Decrypt, Unusable, absolute, plain_value

MAX_FILE = 1 << 20
# The one of the C library where it was built in: it reads the file in each run.
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 32


@dataclass(frozen=True)
class Target:
    """One configured endpoint with its secrets resolved. Never print one."""

    name: str
    platform: str
    urls: tuple[str, ...]
    verify_tls: bool
    ca_file: str | None
    fingerprint: str | None
    proxy: str | None
    timeout: int | None
    labels: Mapping[str, str]
    read_only: bool
    credential: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return the name only: a log line must not hold a secret."""
        return f"Target({self.name!r})"

    @property
    def addresses(self) -> list[str]:
        """Return ``host:port`` of each URL; a URL without a port means 443, as URLs do."""
        found = []
        for url in self.urls:
            parts = urlsplit(url)
            host = parts.hostname or ""
            host = f"[{host}]" if ":" in host else host
            found.append(f"{host}:{parts.port or 443}")
        return found


def location(environ: Mapping[str, str] | None = None) -> Path:
    """Return where targets.yml is. It is never looked for in the working directory."""
    environ = os.environ if environ is None else environ
    given = environ.get("VIRTBRIDGE_TARGETS")
    if given:
        path = Path(given).expanduser()
        if not path.is_absolute():
            raise ValidationFailed(
                f"VIRTBRIDGE_TARGETS is the relative path {given}; give an absolute path, so that "
                "the file does not depend on the working directory."
            )
        return path
    base = Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    if not base.is_absolute():
        base = Path("~/.config").expanduser()
    return base / "virtbridge" / "targets.yml"


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the checked targets of a file, secrets unresolved; all problems are raised at once."""
    content = _parse(path, _text(path))
    problems = check(content, schema())
    if problems:
        raise _refuse(path, problems)
    targets: dict[str, dict[str, Any]] = content["targets"]
    return targets


def schema() -> dict[str, Any]:
    """Return the JSON Schema of targets.yml."""
    text = (Path(__file__).parent / "schemas" / "targets.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def find(name: str, path: Path, decrypt: Decrypt) -> Target:
    """Return the target of that name with its secrets; the others' secrets are not touched."""
    targets = read(path)
    if name not in targets:
        hint = nearest(name, targets) or f"; {path} has no targets"
        message = f"Unknown target {name}{hint}"
        raise ValidationFailed(message, fields={"target": f"unknown target{hint}"})
    return _resolve(name, targets[name], path, decrypt)


def _resolve(name: str, raw: Mapping[str, Any], path: Path, decrypt: Decrypt) -> Target:
    credential, problems = _credential(name, raw["credential"], path.parent, decrypt)
    if problems:
        raise _refuse(path, problems)
    ca_file = raw.get("ca_file")
    return Target(
        name=name,
        platform=raw["platform"],
        urls=tuple(raw["urls"] if "urls" in raw else [raw["url"]] if "url" in raw else []),
        verify_tls=raw.get("verify_tls", True),
        ca_file=absolute(path.parent, ca_file) if ca_file else None,
        fingerprint=raw.get("fingerprint"),
        proxy=raw.get("proxy"),
        timeout=int(raw["timeout"]) if "timeout" in raw else None,
        labels=raw.get("labels", {}),
        read_only=raw.get("read_only", False),
        credential=credential,
    )


def _credential(
    target: str, given: Mapping[str, Any], folder: Path, decrypt: Decrypt
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in given.items():
        try:
            name, text = plain_value(key, value, folder, decrypt)
        except Unusable as reason:
            problems.append(Problem(f"targets.{target}.credential.{key}", str(reason)))
        else:
            values[name] = text
    return values, problems


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise ValidationFailed(
            f"There is no targets file at {path}. Create it, or set VIRTBRIDGE_TARGETS to its path."
        ) from None
    except OSError as error:
        raise ValidationFailed(f"Cannot read the targets file {path}: {error.strerror}.") from None
    if status.st_mode & 0o022 or status.st_uid not in (0, os.geteuid()):
        raise ValidationFailed(
            f"Other users may change {path}, and so choose where your credentials are sent. "
            "It must belong to you or root: run chmod go-w on it."
        )
    if len(content) > MAX_FILE:
        raise ValidationFailed(f"{path} is larger than {MAX_FILE} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValidationFailed(f"{path} is not UTF-8 text.") from None


def _parse(path: Path, text: str) -> Any:
    if text.startswith("$ANSIBLE_VAULT;"):
        problem = "encrypt single values with !vault, not the whole file"
        raise _refuse(path, [Problem("", problem)])
    try:
        if _too_deep(text):
            raise _refuse(path, [Problem("", f"nested deeper than {_DEEPEST} levels")])
        loader = _Loader(text)
        content = loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        hint = "quote values that begin with a special character"
        raise _refuse(path, [Problem("", f"not valid YAML{where}; {hint}")]) from None
    if loader.problems:
        raise _refuse(path, loader.problems)
    return content


def _too_deep(text: str) -> bool:
    """Whether collections are nested deeper than any targets file has use for.

    To read such a text may end the process: a loader calls itself for each level.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_FASTEST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


class _Loader(_FASTEST):  # type: ignore[misc]  # one of two
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


def _vault(loader: _Loader, node: yaml.Node) -> dict[str, str]:
    return {VAULT: node.value if isinstance(node, yaml.ScalarNode) else ""}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("!vault", _vault)


def _refuse(path: Path, problems: list[Problem]) -> ValidationFailed:
    lines = [str(problem) for problem in problems]
    head = f"{path} has {len(lines)} problem{'' if len(lines) == 1 else 's'}"
    fields = {problem.path: problem.text for problem in problems if problem.path}
    return ValidationFailed(f"{head}: {'; '.join(lines)}", fields=fields)
