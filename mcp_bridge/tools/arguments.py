# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a call's arguments against the tool's schema, and says what is wrong as a person would."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..redact import MASK, is_secret_key
from .spec import Refusal, Schema

_SHOWN = 60
_MOST_PROBLEMS = 10
_MOST_NAMES = 12


class ArgumentCheck:
    """The compiled schema of one tool.

    ``secrets`` are paths of arguments whose values no problem shows, whatever is wrong with them.
    """

    def __init__(self, tool: str, schema: Schema, secrets: Iterable[str] = ()) -> None:
        Draft202012Validator.check_schema(schema)
        self._tool = tool
        self._secret = frozenset(path.rpartition(".")[2] for path in secrets)
        self._validator = Draft202012Validator(schema)

    def __call__(self, arguments: Mapping[str, Any]) -> None:
        """Return when the arguments fit; else raise `Refusal` that names every problem."""
        problems = list(_unfit_text(arguments, ""))
        if not problems:
            errors = sorted(self._validator.iter_errors(arguments), key=_order)
            problems = [line for error in errors for line in _explain(error, self._secret)]
        if problems:
            more = len(problems) - _MOST_PROBLEMS
            shown = problems[:_MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
            raise Refusal(
                "invalid_args",
                f"{self._tool}: {'; '.join(shown)}.",
                f"Correct the arguments and call {self._tool} again; nothing was run.",
            )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `word`, if one is near enough to be meant."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a parenthesis with the nearest known name, else all names when they are few."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return f" (did you mean {near}?)"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= _MOST_NAMES else ""


def _order(error: ValidationError) -> tuple[str, str]:
    return error.json_path, str(error.validator)


def _explain(error: ValidationError, secret: Collection[str]) -> Iterator[str]:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)
    where = where.removeprefix(".")
    value: Any = error.instance
    wanted: Any = error.validator_value
    hidden = any(part in secret or is_secret_key(str(part)) for part in error.path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in sorted(set(value) - set(known)):
            place = f"{where}.{name}" if where else name
            yield f"unknown argument {_short(place)}{suggestion(name, known)}"
    elif error.validator == "required":
        for name in wanted:
            if name not in value and repr(name) in error.message:
                yield f"missing argument {where + '.' if where else ''}{name}"
    elif error.validator == "enum":
        words = [str(word) for word in wanted]
        near = nearest(str(value), words)
        hint = f" (did you mean {near}?)" if near else ""
        shown = _shown(value, hidden=hidden)
        yield f"{where} is {shown}, must be one of {', '.join(words)}{hint}"
    else:
        rule = _RULES.get(str(error.validator), _as_reported)
        yield f"{where} {rule(error, _shown(value, hidden=hidden))}"


def _as_reported(error: ValidationError, _shown: str) -> str:
    return f"is not valid: it breaks the rule {error.validator}"


def _shown(value: Any, *, hidden: bool) -> str:
    """Return a value as a problem shows it; what is inside of others may be a secret."""
    if isinstance(value, (Mapping, list)):
        kind = "list" if isinstance(value, list) else "object"
        return f"an empty {kind}" if not value else f"{'a' if kind == 'list' else 'an'} {kind}"
    return MASK if hidden else _short(value)


def _words(types: Any) -> str:
    return " or ".join([types] if isinstance(types, str) else types)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_RULES: Mapping[str, Callable[[ValidationError, str], str]] = {
    "type": lambda e, shown: f"must be {_words(e.validator_value)}, is {shown}",
    "pattern": lambda e, shown: f"is {shown}, must match {e.validator_value}",
    "minimum": lambda e, shown: f"is {shown}, must be at least {e.validator_value}",
    "maximum": lambda e, shown: f"is {shown}, must be at most {e.validator_value}",
    "minLength": lambda _error, _shown: "must not be empty",
    "maxLength": lambda e, _shown: f"is longer than {e.validator_value} characters",
    "minItems": lambda e, _shown: f"must have at least {e.validator_value} item(s)",
    "maxItems": lambda e, _shown: f"must have at most {e.validator_value} items",
    "uniqueItems": lambda _error, _shown: "names the same item twice",
}


def _unfit_text(value: Any, where: str) -> Iterator[str]:
    """Yield what no run can carry: lone surrogates, which are not text at all."""
    if isinstance(value, str):
        if not _encodable(value):
            yield f"{where or 'arguments'} holds a lone surrogate, which is not valid Unicode"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if _encodable(key):
                yield from _unfit_text(inner, f"{where}.{key}" if where else key)
            else:
                yield f"a name in {where or 'arguments'} holds a lone surrogate"
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unfit_text(inner, f"{where}[{index}]")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
