# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the configuration is made of: the file and the environment, not yet judged."""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .targets import VAULT
from .targets_problems import Problem, nearest

PREFIX = "VIRTBRIDGE_"
# Names with a fixed meaning that do not follow SECTION_KEY.
_FIXED = {"VIRTBRIDGE_TARGETS": "targets_file", "VIRTBRIDGE_TARGETS_FILE": "targets_file"}
# Keys of the file whose values are paths.
_PATHS = (
    ("targets_file",),
    ("audit", "path"),
    ("runner", "state_dir"),
    ("runner", "collections_path"),
    ("runner", "vault_password_file"),
    ("auth", "ca_file"),
    ("auth", "introspection", "client_secret_file"),
    ("server", "tls", "cert_file"),
    ("server", "tls", "key_file"),
)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LARGEST = 1 << 20


def read_file(path: Path, *, required: bool) -> tuple[dict[str, Any], list[Problem]]:
    """Return the content of a file with its paths made absolute, and what is wrong with it."""
    if not path.exists():
        return {}, [Problem(str(path), "there is no such file")] if required else []
    try:
        content = _load(path) or {}
    except OSError as error:
        return {}, [Problem(str(path), f"cannot be read: {error.strerror}")]
    except yaml.YAMLError as error:
        return {}, [_unreadable(path, error)]
    except ValueError as error:
        return {}, [Problem(str(path), str(error))]
    if not isinstance(content, dict):
        return {}, [Problem(str(path), "expected a mapping of sections at the top")]
    return _absolute(content, path.absolute().parent), []


def _unreadable(path: Path, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
    return Problem(where, f"not valid YAML: {getattr(error, 'problem', error)}")


def environment_of(
    environ: Mapping[str, str], schema: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, Any]], list[Problem]]:
    """Return the variables that set a key: dotted key to name and value, and the misspelt ones.

    Other `VIRTBRIDGE_*` names are left alone: targets may take a credential from any of them.
    """
    known = dict(_leaves(schema))
    by_name = {PREFIX + key.replace(".", "_").upper(): key for key in known} | _FIXED
    sections = {PREFIX + key.split(".")[0].upper() + "_" for key in known if "." in key}
    found, problems = {}, []
    for name, text in environ.items():
        if name in by_name:
            key = by_name[name]
            found[key] = (name, _typed(text, known.get(key, {})))
        elif name.startswith(tuple(sections)):
            problems.append(Problem(name, f"unknown variable{nearest(name, by_name)}"))
    return found, problems


def overlay(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with values put over it by dotted key."""
    result = copy.deepcopy(dict(content))
    for key, value in values.items():
        *path, last = key.split(".")
        node = result
        for step in path:
            inner = node.get(step)
            node[step] = inner = inner if isinstance(inner, dict) else {}
            node = inner
        node[last] = value
    return result


class _Loader(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _value in node.value:
        if key.value in seen:
            problem = f"the key {key.value} is given twice"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        seen.add(str(key.value))
    return loader.construct_mapping(node, deep=True)


def _vault(_loader: _Loader, node: yaml.Node) -> dict[str, str]:
    return {VAULT: node.value if isinstance(node, yaml.ScalarNode) else ""}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("!vault", _vault)


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        content = file.read(_LARGEST + 1)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if status.st_mode & 0o022 or status.st_uid not in (0, os.geteuid()):
        raise ValueError("other users may change it, and so the policy; run chmod go-w on it")
    if len(content) > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    # The loader is a SafeLoader with one more check.
    return yaml.load(content.decode("utf-8"), Loader=_Loader)  # noqa: S506


def _leaves(
    schema: Mapping[str, Any], path: str = "", root: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the dotted keys that a variable can set: texts, numbers, switches, lists of texts."""
    root = root or schema
    for name, given in schema.get("properties", {}).items():
        # A section that may be absent is its reference or null.
        refs = [each["$ref"] for each in (given, *given.get("anyOf", ())) if "$ref" in each]
        part = root["$defs"][refs[0].rsplit("/", 1)[-1]] if refs else given
        key = f"{path}.{name}" if path else name
        if "properties" in part:
            yield from _leaves(part, key, root)
        elif "$ref" not in part.get("items", {}):
            yield key, part


def _typed(text: str, part: Mapping[str, Any]) -> Any:
    """Read a variable as its key's type; what does not fit stays text, to be refused later."""
    kind = part.get("type")
    if kind == "boolean" and text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    if kind == "array":
        items = [item for item in text.split(part.get("x-separator", os.pathsep)) if item]
        return [_home(item) for item in items] if _is_path(part.get("items", {})) else items
    if kind in ("integer", "number"):
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
    return _home(text) if any(map(_is_path, [part, *part.get("anyOf", ())])) else text


def _is_path(part: Mapping[str, Any]) -> bool:
    return part.get("format") == "path"


def _home(text: str) -> str:
    return str(Path(text).expanduser().absolute())


def _absolute(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the file's paths absolute: they are relative to the file, never to the process."""

    def resolve(value: Any) -> Any:
        if isinstance(value, str):
            return str((folder / Path(value).expanduser()).absolute())
        return [resolve(item) for item in value] if isinstance(value, list) else value

    for *sections, last in _PATHS:
        node: Any = content
        for section in sections:
            node = node.get(section) if isinstance(node, dict) else None
        if isinstance(node, dict) and node.get(last):
            node[last] = resolve(node[last])
    for credential in _credentials(content):
        for key in credential:
            if key == "kubeconfig" or str(key).endswith("_file"):
                credential[key] = resolve(credential[key])
    return content


def _credentials(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the credentials of the map of principals, whatever else may be wrong with it."""
    identity = content.get("identity")
    entries = identity.get("map") if isinstance(identity, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        found = entry.get("credentials") if isinstance(entry, dict) else None
        if isinstance(found, dict):
            yield from (each for each in found.values() if isinstance(each, dict))
