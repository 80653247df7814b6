# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a person reads it before approving: plain text, with nothing in it that acts.

What comes from callers and platforms stands in quotation marks, each on its line, cut where it is
long; control and bidirectional characters are gone, so it cannot pass for words of the bridge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .plaintext import clean_content, clean_text
from .plans import Plan

_LONGEST = 300
_MOST_LINES = 60


def lines_of(plan: Plan, most: int | None = None) -> list[str]:
    """Return the lines that say what a plan does, to what, for whom; at most ``most`` of it."""
    terms = plan.terms
    targets = ", ".join(
        f"{each['name']} ({each['platform']}, {', '.join(each['urls']) or 'by kubeconfig'})"
        for each in terms["targets"]
    )
    head = [
        f"operation   {_plain(terms['operation'])} by {terms['tool']}",
        f"risk        {terms['risk']}",
        f"target      {_plain(targets)}",
        f"requester   {_quoted(terms['principal'])}",
        f"client      {_quoted(terms['client'])} (as it calls itself)",
    ]
    body = [*_objects(plan), *_arguments(plan), *_changes(plan)]
    if most is not None and len(body) > most:
        body = [*body[:most], f"... and {len(body) - most} more lines"]
    return [*head, *body, f"plan        {plan.id}, digest {plan.digest[:16]}"]


def question(plan: Plan) -> str:
    """Return the text by which a client asks its user."""
    return "\n".join(["virtbridge asks: may this be done?", *lines_of(plan, _MOST_LINES)])


def _objects(plan: Plan) -> Iterator[str]:
    for each in plan.shown["objects"]:
        yield f"object      {_quoted(each)}"


def _arguments(plan: Plan) -> Iterator[str]:
    for each in plan.shown["calls"]:
        for name, value in each["arguments"].items():
            yield f"argument    {_plain(name)} = {_quoted(value)}"


def _changes(plan: Plan) -> Iterator[str]:
    for diff in plan.shown["diff"]:
        before = (diff or {}).get("before") or {}
        after = (diff or {}).get("after") or {}
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            yield f"change      {_quoted(before)} -> {_quoted(after)}"
            continue
        for name in {**before, **after}:
            old, new = _quoted(before.get(name)), _quoted(after.get(name))
            yield f"change      {_plain(name)}: {old} -> {new}"
        if not before and not after:
            yield "change      (none is shown)"


def _quoted(value: Any) -> str:
    text = json.dumps(clean_content(value), ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _plain(text: str) -> str:
    return " ".join(clean_text(str(text)).split())[:_LONGEST]
