# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a targets file, in the words of its schema.

The schema is the one that the collection ships; its descriptions say what is expected where.
No text here ever holds a value of the file, since a value may be a misplaced secret.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

_SCHEMA = Path("plugins", "plugin_utils", "schemas", "targets.json")
_SHIPPED = Path("_collections", "ansible_collections", "virtbridge", "core")
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where, and what is expected there. Never holds the value."""

    path: str
    text: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.path}: {self.text}" if self.path else self.text


class TargetsInvalid(Exception):
    """The targets file cannot be used; ``problems`` has all that is wrong with it."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__(f"{path} has {count}: {'; '.join(map(str, problems))}")


def problems_of(content: Any) -> list[Problem]:
    """Return every problem of the parsed file, in a stable order; none when it is good."""
    validator = _validator()
    return sorted({found for error in validator.iter_errors(content) for found in _told(error)})


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` or the list of what is known, for the end of a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(names)}" if names else ""


def schema() -> dict[str, Any]:
    """Return the schema of targets.yml from the collection that the bridge ships."""
    here = Path(__file__).parent
    for root in (here / _SHIPPED, here.parent):
        path = root / _SCHEMA
        if path.is_file():
            loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return loaded
    raise FileNotFoundError(f"{_SCHEMA} is missing from this installation; install it again")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def _told(error: ValidationError) -> Iterator[Problem]:
    expected, parent = _places(error)
    instance: Any = error.instance
    wanted: Any = error.validator_value
    path = list(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        path.append(instance)
    match error.validator:
        case "additionalProperties":
            known = parent.get("properties", {})
            for name in instance:
                if name not in known:
                    yield Problem(_dotted([*path, name]), f"unknown key{nearest(name, known)}")
        case "required":
            for name in wanted:
                if name not in instance:
                    yield Problem(_dotted(path), _missing(name, expected, parent))
        case _:
            yield Problem(_dotted(path), f"expected {expected}{_got(error.instance, expected)}")


def _missing(name: str, expected: str, parent: Mapping[str, Any]) -> str:
    text = parent.get("properties", {}).get(name, {}).get("description")
    return f"{name} is missing; expected {text}" if text else f"expected {expected}"


def _places(error: ValidationError) -> tuple[str, Mapping[str, Any]]:
    """Return the nearest description on the way to the failed keyword, and its schema.

    A description beside a ``$ref`` is nearer to the reader's place than the shared one behind.
    """
    root: Any = _validator().schema
    node: Any = root
    expected = node.get("description", "")
    # A path of the library leaves out the references that were followed.
    for step in list(error.absolute_schema_path):
        while isinstance(node, dict) and step not in node and "$ref" in node:
            near = node.get("description")
            node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
            expected = near or node.get("description", expected)
        if step == error.absolute_schema_path[-1] and node.get(step) is error.validator_value:
            return expected, node
        node = node[step]
        if isinstance(node, dict) and isinstance(node.get("description"), str):
            expected = node["description"]
    return expected, node


def _got(value: Any, expected: str) -> str:
    if isinstance(value, dict) or (isinstance(value, str) and not expected.startswith("an inline")):
        return ""
    for types, word in _TYPES:
        if isinstance(value, types):
            return f", not {word}"
    return ", not a date or another special value"


def _dotted(path: Sequence[Any]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
