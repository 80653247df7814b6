# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool call from the command line: `name=value` pairs in, progress on standard error."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

import click

from .person import os_user
from .scopes import LOCAL
from .surface import Surface
from .tools.spec import Answer, Caller, Signals, Tool, UnknownTool


def call_tool(surface: Surface, name: str, arguments: Mapping[str, Any]) -> Answer:
    """Call one tool as the person at the terminal; Ctrl-C cancels the run."""
    caller = Caller(os_user(), "virtbridge call", LOCAL)
    cancelled = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        cancelled.set()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        return surface.call(name, arguments, caller, Signals(_show_progress, cancelled))
    except UnknownTool as error:
        raise click.UsageError(str(error)) from error
    finally:
        signal.signal(signal.SIGINT, previous)


def arguments_of(
    tools: Iterable[Tool], name: str, pairs: Sequence[str], json_args: str | None
) -> dict[str, Any]:
    """Return the arguments that the command line gives, typed by the tool's schema."""
    schema = next((tool.input_schema for tool in tools if tool.name == name), {})
    arguments = _from_json(json_args) if json_args is not None else {}
    for pair in pairs:
        path, sign, text = pair.partition("=")
        if not sign or not path:
            raise click.UsageError(f"{pair!r} is not NAME=VALUE")
        _put(arguments, path.split("."), text, schema)
    return arguments


def unreachable(answer: Answer) -> bool:
    """Whether a probe found a target that does not answer."""
    rows = (answer.body.get("data") or {}).get("targets", ())
    return any(row.get("reachable") is False for row in rows)


def _from_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise click.UsageError(f"--json-args is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise click.UsageError("--json-args must be one JSON object")
    return value


def _put(into: dict[str, Any], path: Sequence[str], text: str, schema: Mapping[str, Any]) -> None:
    name, *rest = path
    part = schema.get("properties", {}).get(name, {})
    if rest:
        inner = into.setdefault(name, {})
        if not isinstance(inner, dict):
            raise click.UsageError(f"{name} is given both as a value and as an object")
        _put(inner, rest, text, part)
    else:
        into[name] = _typed(text, part)


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """Read text as the schema's type; what does not fit stays text, for the check to refuse."""
    kind = schema.get("type", "string")
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text.split(",") if kind == "array" else text


def _show_progress(message: str) -> None:
    if sys.stderr.isatty():
        click.secho(f"… {message}", dim=True, err=True)
