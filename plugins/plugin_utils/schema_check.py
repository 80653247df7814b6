# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check a document against the JSON Schema of targets.yml, without a library.

The collection must run where only ansible-core is installed, so this reads the few keywords
that our own schema uses, and refuses any other. The corpus test holds it against a full
JSON Schema library. A ``description`` in the schema says what is expected at its place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[Any, ...]
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}
_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "then"})


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where, and what is expected there. Never holds the value."""

    path: str
    text: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.path}: {self.text}" if self.path else self.text


def check(value: Any, schema: Mapping[str, Any]) -> list[Problem]:
    """Return every problem of ``value``, in a stable order; an empty list when it is good."""
    return sorted(set(_Check(schema).walk(value, schema, (), "")))


def prepare(schema: Any) -> None:
    """Compile the patterns of a schema; Python remembers them for whoever is forked."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            re.compile(schema["pattern"])
        for part in schema.values():
            prepare(part)
    elif isinstance(schema, list):
        for part in schema:
            prepare(part)


def nearest(word: Any, known: Any) -> str:
    """Return ``; did you mean X?`` or the list of what is known, for the end of a message."""
    names = sorted(str(name) for name in known)
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(names)}" if names else ""


def dotted(path: Path) -> str:
    """Return ``targets.lab.urls[0]`` for the steps of a path."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def kind_of(value: Any) -> str:
    """Return the word for the kind of a value, for messages that must not show the value."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    for types, word in (((int, float), "a number"), (str, "text"), (list, "a list")):
        if isinstance(value, types):
            return word
    return "a mapping" if isinstance(value, dict) else "a date or another special value"


class _Check:
    """One walk over a document; ``expected`` is the text of the nearest description."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def walk(
        self, value: Any, schema: Mapping[str, Any], path: Path, expected: str
    ) -> Iterator[Problem]:
        expected = expected or schema.get("description", "")
        if "$ref" in schema:
            target = self.root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            yield from self.walk(value, target, path, schema.get("description", ""))
            return
        for keyword, argument in schema.items():
            if keyword in _ANNOTATIONS:
                continue
            if keyword in _SIMPLE:
                if not _SIMPLE[keyword](value, argument):
                    yield _wrong(path, value, expected)
            else:
                check_keyword = getattr(self, f"_{keyword.lower()}")
                yield from check_keyword(value, argument, schema, path, expected)

    def accepts(self, value: Any, schema: Mapping[str, Any]) -> bool:
        return next(self.walk(value, schema, (), ""), None) is None

    def _required(
        self, value: Any, names: list[str], schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        if not isinstance(value, dict):
            return
        for name in (name for name in names if name not in value):
            text = schema.get("properties", {}).get(name, {}).get("description")
            missing = f"{name} is missing; expected {text}" if text else f"expected {expected}"
            yield Problem(dotted(path), missing)

    def _properties(
        self, value: Any, parts: Any, _schema: Any, path: Path, _expected: str
    ) -> Iterator[Problem]:
        if isinstance(value, dict):
            for name, part in parts.items():
                if name in value:
                    yield from self.walk(value[name], part, (*path, name), "")

    def _additionalproperties(
        self, value: Any, argument: Any, schema: Any, path: Path, _expected: str
    ) -> Iterator[Problem]:
        if not isinstance(value, dict):
            return
        known = schema.get("properties", {})
        for name in value:
            if name in known:
                continue
            if argument is False:
                yield Problem(dotted((*path, name)), f"unknown key{nearest(name, known)}")
            else:
                yield from self.walk(value[name], argument, (*path, name), "")

    def _propertynames(
        self, value: Any, argument: Any, _schema: Any, path: Path, _expected: str
    ) -> Iterator[Problem]:
        if isinstance(value, dict):
            for name in value:
                yield from self.walk(name, argument, (*path, name), "")

    def _items(
        self, value: Any, argument: Any, _schema: Any, path: Path, _expected: str
    ) -> Iterator[Problem]:
        if isinstance(value, list):
            for number, part in enumerate(value):
                yield from self.walk(part, argument, (*path, number), "")

    def _allof(
        self, value: Any, parts: Any, _schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        for part in parts:
            yield from self.walk(value, part, path, part.get("description", expected))

    def _if(
        self, value: Any, condition: Any, schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        if self.accepts(value, condition):
            yield from self.walk(value, schema["then"], path, expected)

    def _anyof(
        self, value: Any, parts: Any, _schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        if not any(self.accepts(value, part) for part in parts):
            yield _wrong(path, value, expected)

    def _oneof(
        self, value: Any, parts: Any, _schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        if sum(self.accepts(value, part) for part in parts) != 1:
            yield _wrong(path, value, expected)

    def _not(
        self, value: Any, part: Any, _schema: Any, path: Path, expected: str
    ) -> Iterator[Problem]:
        if self.accepts(value, part):
            yield _wrong(path, value, expected)


def _wrong(path: Path, value: Any, expected: str) -> Problem:
    got = "" if isinstance(value, dict) else f", not {kind_of(value)}"
    if isinstance(value, str) and not expected.startswith("an inline"):
        got = ""
    return Problem(dotted(path), f"expected {expected}{got}")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SIMPLE: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, name: _TYPES[name](value),
    "enum": lambda value, choices: value in choices,
    "const": lambda value, only: bool(value == only),
    "pattern": lambda value, text: not isinstance(value, str) or bool(re.search(text, value)),
    "minimum": lambda value, least: not _number(value) or value >= least,
    "maximum": lambda value, most: not _number(value) or value <= most,
    "minItems": lambda value, least: not isinstance(value, list) or len(value) >= least,
}
