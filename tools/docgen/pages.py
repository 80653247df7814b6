# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference pages in Markdown: one per module, and their index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.spec import connection_fields, own_fields, sub_fields
from tools.declarations import Declared

from .options import plain, words
from .table import risk
from .text import returns

NOTE = "<!-- written by tools/gen_docs.py; change the declaration instead -->\n"
_KINDS = {
    "state": "creates, changes and deletes",
    "action": "brings an existing object to a state",
    "info": "reads",
    "api": "calls any operation of the platform",
}


def page(declared: Declared, examples: str) -> str:
    """Return the page of one module."""
    declaration = declared.declaration
    lines = [NOTE, f"# {declared.name}", "", f"{plain(declaration.summary)}.", ""]
    for text in (*declaration.description, *declaration.notes):
        lines += [plain(text), ""]
    lines += [f"Risk: {_risk(declared)}.", "", "## Options", "", *_head("Option", "Type")]
    lines += _rows(own_fields(declaration), "", options=True)
    lines += ["", "## Connection", "", *_head("Option", "Type")]
    lines += _rows(connection_fields(declaration), "", options=True)
    lines += ["", "## Examples", "", "```yaml", examples.strip("\n"), "```", ""]
    lines += ["## Answer", "", *_head("Value", "Type")]
    lines += _rows([item for item, _when in returns(declaration).values()], "", options=False)
    return "\n".join(lines) + "\n"


def index(everything: Sequence[Declared]) -> str:
    """Return the list of all modules."""
    lines = [NOTE, "# Modules", ""]
    for platform in sorted({each.platform for each in everything}):
        mine = [each for each in everything if each.platform == platform]
        lines += [f"## {mine[0].declaration.platform.title}", "", *_head("Module", "Kind")]
        lines += [
            f"| [{each.name}]({each.name}.md) | {_KINDS[each.declaration.kind]} | "
            f"{plain(each.declaration.summary)} |"
            for each in mine
        ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _head(first: str, second: str) -> list[str]:
    return [f"| {first} | {second} | Meaning |", "|---|---|---|"]


def _rows(fields: Sequence[Field], prefix: str, *, options: bool) -> Iterator[str]:
    for item in fields:
        if item.secret and not options:
            continue
        text = words(item) if options else plain(" ".join(item.doc_lines))
        name = f"`{prefix}{item.name}`" + (" (required)" if options and item.required else "")
        yield f"| {name} | {_kind(item)} | {_cell(text + _values(item))} |"
        many = "[]" if item.type_name == "list" else ""
        subs = sub_fields(item) if options else item.fields
        yield from _rows(subs, f"{prefix}{item.name}{many}.", options=options)


def _kind(item: Field) -> str:
    return f"list of {item.elements_name}" if item.elements_name else item.type_name


def _values(item: Field) -> str:
    text = ""
    if item.choices:
        text += f" One of {', '.join(f'`{choice}`' for choice in item.choices)}."
    if item.default is not None and not item.required:
        default = str(item.default).lower() if isinstance(item.default, bool) else item.default
        text += f" Default `{default}`."
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _risk(declared: Declared) -> str:
    table = risk(declared.declaration)
    parts = [f"**{table['base']}**"]
    for rule in table["raises"]:
        values = " or ".join(f"`{str(each).lower()}`" for each in rule["values"]) or "set"
        parts.append(f"**{rule['to']}** when `{rule['option']}` is {values}")
    return ", ".join(parts)
