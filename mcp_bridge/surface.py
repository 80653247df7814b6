# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that a client sees: their list in fixed order, and one dispatch for all calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from .audit_refusals import Refusals
from .envelope import close
from .errors import AuditFailed
from .operations import Operations
from .person import os_user
from .run_store import RunStore
from .tools import applying, audit, generic, power, runs, targets, vms, writes
from .tools.applying import Applying, Decision
from .tools.arguments import ArgumentCheck, suggestion
from .tools.door import Door
from .tools.ends import ended, lacking, refused
from .tools.running import Runs
from .tools.spec import Answer, Call, Caller, Signals, Tool, UnknownTool

_log = logging.getLogger(__name__)


class Surface:
    """All tools over one configuration.

    The list is static: it depends on the configuration alone, never on what was called before.
    ``patience`` is how many seconds a server should wait for an answer, see `Signals`.
    ``run_store`` has the runs of bridges before this one; without it they are not known.
    """

    def __init__(
        self,
        door: Door,
        plans: Applying,
        *,
        patience: float | None = None,
        run_store: RunStore | None = None,
    ) -> None:
        self._door, self._plans = door, plans
        self.patience = patience
        self._runs = Runs(run_store)
        self.refusals = Refusals(door.audit)
        every = (
            *targets.tools(door),
            *vms.tools(door),
            *writes.tools(door),
            *power.tools(door),
            *generic.tools(door, Operations(door.catalog)),
            *applying.tools(plans, lambda name: self._by_name[name]),
            *runs.tools(self._runs),
            *audit.tools(door.audit.path, door.max_bytes),
        )
        self.tools: Sequence[Tool] = tuple(tool for tool in every if door.offers(tool))
        self._by_name = {tool.name: tool for tool in self.tools}
        secret = door.catalog.secrets
        self._checks = {
            tool.name: ArgumentCheck(tool.name, tool.input_schema, secret) for tool in self.tools
        }

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        caller: Caller,
        signals: Signals | None = None,
    ) -> Answer:
        """Answer one call with an envelope, also when it is refused or fails.

        Raises `UnknownTool` for a name that is not in the list, and nothing else for a caller's
        mistake. It blocks until the run has ended or `signals.cancelled` stopped it.
        """
        tool = self._by_name.get(name)
        if tool is None:
            hint = suggestion(name, self._by_name)
            raise UnknownTool(f"There is no tool {name!r}{hint}; tools/list names them all.")
        call = Call(name, arguments, caller, signals or Signals())
        scope = tool.scope(arguments)
        if scope not in caller.scopes:
            return Answer(refused(lacking(name, scope)))
        if tool.starts_run:
            check = self._checks[name]
            return self._runs.perform(call, lambda each: self._door.finish(each, tool, check))
        return self._door.finish(call, tool, self._checks[name])

    def decide(
        self, plan_id: str, decision: Decision, caller: Caller, signals: Signals | None = None
    ) -> Answer:
        """Answer a call whose plan the user of the client was asked about, see `Answer.question`.

        When it was approved, that is the answer of `plan_apply`.
        """
        body = ended("plan_apply", lambda: self._plans.decide(plan_id, decision, caller) or {})
        if body:
            return Answer(close(body, budget=self._door.max_bytes))
        return self.call("plan_apply", {"plan_id": plan_id}, caller, signals)

    def scope(self, name: str, arguments: Mapping[str, Any]) -> str | None:
        """Return the scope that a call needs at least; None for a tool that is not in the list."""
        tool = self._by_name.get(name)
        return tool.scope(arguments) if tool else None

    def begin(self, transport: str, version: str) -> None:
        """Record that a server begins; one whose audit cannot be written refuses each call."""
        try:
            self._door.audit.started(os_user(), transport, version)
        except AuditFailed as error:
            _log.warning("the start is not in the audit: %s", error)

    def cancel(self, seconds: float) -> bool:
        """Cancel every call, also each that comes later; whether there was one.

        It returns when all have ended or the time is over.
        """
        return self._runs.stop(seconds)

    def stop(self, seconds: float) -> None:
        """Cancel every call, and return when all have ended or the time is over.

        That it ended is recorded, and what was audited until then is signed.
        """
        self._runs.stop(seconds)
        self.refusals.flush()
        self._door.sign()
