# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tool is: its description for the client and the function behind it, all plain data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..plans import Plan
from ..scopes import needed

Schema = Mapping[str, Any]

# Slim on purpose: clients validate answers against it, also those of failed calls.
OUTPUT_SCHEMA: Schema = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "status": {"type": "string"}},
    "required": ["ok", "status"],
}
REF: Schema = {
    "type": "string",
    "description": "ref of the VM as vm_list shows it: TARGET/NAMESPACE/ID",
    "maxLength": 400,
}
TARGETS: Schema = {
    "type": "array",
    "description": "names from target_list; all targets when absent",
    "items": {"type": "string", "maxLength": 63},
    "minItems": 1,
    "maxItems": 100,
    "uniqueItems": True,
}
FIELDS: Schema = {
    "type": "array",
    "description": "fields of each VM to return; ref is always there",
    "items": {"type": "string", "maxLength": 40},
    "minItems": 1,
    "maxItems": 20,
    "uniqueItems": True,
}


def schema(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """Return the schema of a tool's arguments: an object that takes nothing undeclared."""
    body: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": dict(properties),
    }
    if required:
        body["required"] = list(required)
    return body | {"additionalProperties": False}


@dataclass(frozen=True)
class Caller:
    """Who calls: the principal as policy and audit know it, the client's own name, the scopes.

    ``scopes`` are those that the caller's token holds, see `scopes`; a user of this machine has
    all but the right to approve.
    """

    principal: str
    client: str
    scopes: frozenset[str]
    can_ask: bool = False
    """Whether the client can put a question to its user."""


@dataclass(frozen=True)
class Begun:
    """A run that is allowed and about to begin; ``risk`` is what it does now, `read` for a preview.

    ``operation`` is the module or the vendor's operation.
    """

    run_id: str
    targets: tuple[str, ...]
    operation: str
    risk: str


def _quiet(*_message: Any) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Signals:
    """The wires of a running call: what it reports, cancellation, and the caller's patience.

    ``started`` hears of each run before anything else does; when it raises, there is none.
    ``logged`` takes what the run printed, redacted, and by which back end it ran.
    ``patience`` is how many seconds to wait before the id of the run is the answer.
    """

    progress: Callable[[str], None] = _quiet
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: Callable[[Begun], None] = _quiet
    logged: Callable[[str, str], None] = _quiet
    patience: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a client gets: one envelope."""

    body: Mapping[str, Any]
    question: Plan | None = None
    """The plan that the user of the client is to be asked about, when nothing was run for that."""

    @property
    def ok(self) -> bool:
        """Whether the call did what was asked."""
        return bool(self.body["ok"])


@dataclass
class Ticket:
    """What joins one call to a plan: the one that it made, or the one that it applies.

    ``seen`` are the terms that a preview gave while a plan is applied, ``denial`` says why a
    preview is no plan, and ``question`` is the plan that the client's user is to be asked about.
    """

    plan: Plan | None = None
    applying: bool = False
    seen: Mapping[str, Any] | None = None
    denial: str = ""
    question: Plan | None = None


@dataclass(frozen=True)
class Call:
    """One validated call of a tool."""

    tool: str
    arguments: Mapping[str, Any]
    caller: Caller
    signals: Signals
    ticket: Ticket = field(default_factory=Ticket)


@dataclass(frozen=True)
class Tool:
    """One tool as a client sees it, and the function that gives the envelope of a call.

    The hints are static: ``destructive`` is true as soon as any argument can lead to a
    loss, and decides nothing (policy judges each call by its risk). ``starts_run`` is false for
    what the bridge answers from its own memory.
    """

    name: str
    title: str
    description: str
    input_schema: Schema
    answer: Callable[[Call], Mapping[str, Any]]
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = True
    starts_run: bool = True
    output_schema: Schema = field(default_factory=lambda: OUTPUT_SCHEMA)

    def scope(self, arguments: Mapping[str, Any]) -> str:
        """Return the scope that a call with these arguments needs at least."""
        return needed(writes=not self.read_only, check=arguments.get("check") is True)

    @property
    def least_scope(self) -> str:
        """Return the scope without which no call of the tool can be made."""
        return needed(writes=not self.read_only, check="check" in self.input_schema["properties"])


class UnknownTool(LookupError):
    """There is no tool of that name; the text names the nearest one."""


class Refusal(Exception):
    """A call that ends before any run: the error code, what is wrong and where, what to do."""

    def __init__(self, code: str, message: str, next_step: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step
        self.retryable = retryable
