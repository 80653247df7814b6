# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A field as an entry of ``options``, of ``RETURN``, and as plain words."""

from __future__ import annotations

import re
from typing import Any

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.spec import sub_fields

_MARKUP = re.compile(r"\b[A-Z]\(((?:\\.|[^)\\])*)\)")


def option(field: Field) -> dict[str, Any]:
    """Return the entry of one option in DOCUMENTATION."""
    entry: dict[str, Any] = {"description": [*field.doc_lines, *_facts(field)]}
    entry["type"] = field.type_name
    if field.elements_name:
        entry["elements"] = field.elements_name
    if field.required:
        entry["required"] = True
    elif field.default is not None:
        entry["default"] = field.default
    if field.choices:
        entry["choices"] = list(field.choices)
    if field.aliases:
        entry["aliases"] = list(field.aliases)
    if field.version_added:
        entry["version_added"] = field.version_added
    if field.fields:
        entry["suboptions"] = {sub.name: option(sub) for sub in sub_fields(field)}
    return entry


def returned(field: Field, when: str = "") -> dict[str, Any]:
    """Return the entry of one returned value in RETURN."""
    entry: dict[str, Any] = {"description": [*field.doc_lines, *_unit(field)]}
    if when:
        entry["returned"] = when
    entry["type"] = "str" if field.type_name == "path" else field.type_name
    if field.elements_name:
        entry["elements"] = field.elements_name
    if field.samples and not field.fields:
        entry["sample"] = field.samples[0]
    if field.fields:
        entry["contains"] = {sub.name: returned(sub) for sub in field.fields if not sub.secret}
    return entry


def plain(text: str) -> str:
    """Return documentation text without its markup."""
    return _MARKUP.sub(lambda hit: re.sub(r"\\(.)", r"\1", hit.group(1)), text)


def words(field: Field) -> str:
    """Return the documentation of a field as one plain text."""
    return plain(" ".join((*field.doc_lines, *_facts(field))))


def value(content: Any) -> str:
    """Return ``V(content)``, escaped."""
    text = str(content).lower() if isinstance(content, bool) else str(content)
    return "V(" + re.sub(r"([\\)])", r"\\\1", text) + ")"


def _facts(field: Field) -> list[str]:
    """Return the sentences that follow from what is declared besides the doc text."""
    facts = _unit(field) + _limits(field)
    if field.absent_as is not None:
        facts.append(f"The platform's own default is {value(field.absent_as)}.")
    if field.role == "create_only":
        facts.append("Used only when the object is created.")
    if field.immutable:
        facts.append("Cannot be changed later, except by O(allow_replace=true).")
    if field.write_only:
        facts.append("Cannot be read back, and so follows O(update_secrets).")
    if field.restart:
        facts.append("A running guest takes a change over when it restarts; see O(restart).")
    if field.key:
        facts.append(f"Entries are matched by C({field.key}).")
        facts.append("What is not listed stays, unless O(exact=true).")
    elif field.merges:
        facts.append("What is not listed stays, unless O(exact=true).")
    if field.env:
        names = " or ".join(f"E({name})" for name in field.env)
        facts.append(f"When it is not given, the environment variable {names} is used.")
    return facts


def _unit(field: Field) -> list[str]:
    return [f"In {field.unit}."] if field.unit else []


def _limits(field: Field) -> list[str]:
    facts = []
    if field.min is not None and field.max is not None:
        facts.append(f"From {value(field.min)} to {value(field.max)}.")
    elif field.min is not None:
        facts.append(f"At least {value(field.min)}.")
    elif field.max is not None:
        facts.append(f"At most {value(field.max)}.")
    if field.pattern:
        facts.append(f"Must match {value(field.pattern)}.")
    return facts
