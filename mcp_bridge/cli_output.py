# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from .tools.spec import Answer, Tool


def write_json(body: Any) -> None:
    """Print one JSON document on standard output."""
    click.echo(json.dumps(body, ensure_ascii=False, indent=2))


def show_tools(tools: Sequence[Tool], json_output: bool) -> None:
    """Print the tools with their arguments."""
    if json_output:
        write_json([_tool(tool) for tool in tools])
        return
    table = _table("tool", "may", "arguments (* required)", "for")
    for tool in tools:
        required = tool.input_schema.get("required", ())
        names = [f"{name}*" if name in required else name for name in _properties(tool)]
        table.add_row(tool.name, "read" if tool.read_only else "write", " ".join(names), tool.title)
    _print(table)


def show_answer(answer: Answer, json_output: bool) -> None:
    """Print an answer; what went wrong goes to standard error."""
    body = answer.body
    if json_output:
        write_json(body)
        return
    for warning in body.get("warnings", ()):
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    error = body.get("error")
    if error:
        click.secho(f"{error['code']}: {error['message']}", fg="red", err=True)
        click.echo(error["next"], err=True)
    else:
        click.secho(body["status"], bold=True, err=True)
    # Also what failed may have something to show: what of several went well, or what waits.
    _show_content(body.get("data"))
    if body.get("diff"):
        _show_diff(body["diff"])
    following = (body.get("page") or {}).get("next")
    if following:
        click.echo(f"more: repeat with cursor={following}", err=True)


def show_description(described: Mapping[str, Any]) -> None:
    """Print what an operation is, and its arguments as a table."""
    described = dict(described)
    arguments = described.pop("args")
    required = described.pop("required", arguments.get("required", ()))
    show_pairs(described)
    properties = arguments["properties"] if arguments.get("type") == "object" else arguments
    table = _table("argument (* required)", "type", "default", "what for")
    for name, schema in properties.items():
        facts = schema if isinstance(schema, Mapping) else {"type": schema}
        table.add_row(
            f"{name}*" if name in required else name,
            "|".join(map(str, facts["enum"])) if "enum" in facts else str(facts.get("type", "any")),
            _cell(facts.get("default")),
            str(facts.get("description", "")),
        )
    _print(table)


def show_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print some columns of rows as a table."""
    table = _table(*columns)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    _print(table)


def show_pairs(content: Mapping[str, Any]) -> None:
    """Print each part of an object on a line of its own."""
    _print(_pairs(content))


def show_figures(figures: Sequence[Mapping[str, Any]]) -> None:
    """Print figures as a table: a row for each, a column for each thing measured."""
    table = _table("", *(str(each["platform"]) for each in figures))
    for name in figures[0]:
        if name != "platform":
            table.add_row(name, *(str(each[name]) for each in figures))
    _print(table)


def show_problems(problems: Sequence[str], read: Sequence[str], json_output: bool) -> None:
    """Print the mistakes of the configuration, or that there are none."""
    if json_output:
        write_json({"ok": not problems, "read": list(read), "problems": list(problems)})
        return
    for problem in problems:
        click.secho(problem, fg="red", err=True)
    files = ", ".join(read) or "no file; the defaults apply"
    count = f"{len(problems)} mistake{'s' if len(problems) != 1 else ''}"
    click.echo(f"{count} in {files}" if problems else f"ok: {files}")


def _show_content(content: Any) -> None:
    rows = _rows(content)
    if rows is None:
        if content is not None:
            _print(_pairs(content))
        return
    show_rows(list(dict.fromkeys(name for row in rows for name in row)), rows)


def _rows(content: Any) -> list[Mapping[str, Any]] | None:
    """Return the rows of an answer that is a list, in either of the two forms it has."""
    if not isinstance(content, Mapping):
        return None
    if "cols" in content:
        return [dict(zip(content["cols"], row, strict=True)) for row in content["rows"]]
    lists = [value for value in content.values() if isinstance(value, list)]
    if len(content) == 1 and lists and all(isinstance(row, Mapping) for row in lists[0]):
        return lists[0]
    return None


def _show_diff(diff: Mapping[str, Any]) -> None:
    table = _table("changes", "before", "after")
    before, after = diff.get("before") or {}, diff.get("after") or {}
    for name in dict.fromkeys([*before, *after]):
        table.add_row(name, _cell(before.get(name)), _cell(after.get(name)))
    _print(table)


def _pairs(content: Any) -> Table:
    table = _table("", "")
    table.show_header = False
    items: Iterable[tuple[str, Any]] = (
        content.items() if isinstance(content, Mapping) else [("", content)]
    )
    for name, value in items:
        table.add_row(name, _cell(value))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": {
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent,
        },
    }


def _properties(tool: Tool) -> Iterable[str]:
    properties: Mapping[str, Any] = tool.input_schema["properties"]
    return properties


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Table) -> None:
    # Names of guests may look like markup; they are printed as they are.
    Console(markup=False, highlight=False).print(table)
