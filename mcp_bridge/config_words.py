# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is wrong with a configuration as a person would: where, what was expected."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from .targets_problems import Problem, nearest

_PREFIX = "Value error, "
_PLAIN = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "path_type": "text",
    "tuple_type": "a list",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], variables: Mapping[str, str]
) -> list[Problem]:
    """Return every problem of the error. ``variables`` names the variable that set a dotted key."""
    every = error.errors(include_url=False)
    wrong = {tuple(each["loc"][:-1]) for each in every}
    # A list whose parts are wrong counts as empty; its parts are reported.
    told = [each for each in every if each["type"] != "too_short" or each["loc"] not in wrong]
    return [_problem(each, model, variables) for each in told]


def _problem(
    error: Mapping[str, Any], model: type[BaseModel], variables: Mapping[str, str]
) -> Problem:
    steps = list(error["loc"])
    key = _dotted(steps)
    where = variables.get(key, key)
    if error["type"] == "extra_forbidden":
        return Problem(where, f"unknown key{nearest(str(steps[-1]), _known(model, steps[:-1]))}")
    if error["type"] == "missing":
        return Problem(where, f"missing; expected {_expected(error, model, steps)}")
    return Problem(where, f"expected {_expected(error, model, steps)}, not {_shown(error)}")


def _expected(error: Mapping[str, Any], model: type[BaseModel], steps: Sequence[Any]) -> str:
    context = error.get("ctx") or {}
    match error["type"]:
        case "literal_error":
            words = f"{context['expected']}{_meant(error)}"
        case "value_error":
            words = str(error["msg"]).removeprefix(_PREFIX).removeprefix("expected ")
        case "greater_than_equal":
            words = f"a number of at least {context['ge']}"
        case "less_than_equal":
            words = f"a number of at most {context['le']}"
        case "model_type" | "dict_type" | "model_attributes_type":
            words = f"a mapping{_keys(model, steps)}"
        case "too_short":
            words = "at least one"
        case "missing":
            words = _field(model, steps) or "a value"
        case kind:
            text = str(error["msg"])
            other = text[:1].lower() + text[1:].removeprefix("nput should be ")
            words = _PLAIN.get(kind, other)
    return words


def _meant(error: Mapping[str, Any]) -> str:
    words = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]
    text = nearest(str(error["input"]), words)
    return f" ({text.removeprefix('; ')})" if "did you mean" in text else ""


def _shown(error: Mapping[str, Any]) -> str:
    value = error.get("input")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return f"{value!r}" if len(value) <= 40 else "such a long text"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "this mapping" if isinstance(value, dict) else "nothing"


def _known(model: type[BaseModel], steps: Sequence[Any]) -> list[str]:
    found = _walk(model, steps)
    return list(found.model_fields) if found else []


def _keys(model: type[BaseModel], steps: Sequence[Any]) -> str:
    known = _known(model, steps)
    return f" with {', '.join(known)}" if known else ""


def _field(model: type[BaseModel], steps: Sequence[Any]) -> str:
    found = _walk(model, steps[:-1])
    return (found.model_fields[str(steps[-1])].description or "") if found else ""


def _walk(model: type[BaseModel], steps: Sequence[Any]) -> type[BaseModel] | None:
    """Return the model at a place of the file, if there is one."""
    found: type[BaseModel] | None = model
    for step in steps:
        if isinstance(step, str):
            field = found.model_fields.get(step) if found else None
            found = _model_in(field.annotation) if field else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in typing.get_args(annotation):
        inner = _model_in(part)
        if inner is not None:
            return inner
    return None


def _dotted(steps: Sequence[Any]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
