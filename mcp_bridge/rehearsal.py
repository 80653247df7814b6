# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what a tool would ask of policy, without a run, a look at a platform, or an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import policy
from .catalog import Catalog, full_name
from .operations import Operations
from .policy_explain import reasons_of_risk
from .runner.base import Job
from .targets import Target
from .tools import generic, power, targets, vms, writes
from .tools.arguments import ArgumentCheck, suggestion
from .tools.door import Door
from .tools.gate import judged_of
from .tools.looking import Seen, told
from .tools.several import Ask
from .tools.spec import Call, Caller, Signals, Tool, UnknownTool


class _Asked(Exception):
    """A tool has reached the door."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        super().__init__("rehearsed")
        self.seen = seen


class Rehearsal(Door):
    """A door that opens to nothing: what would be run comes back as what policy would see."""

    def __init__(
        self, catalog: Catalog, configured: Mapping[str, Target], targets_path: Path
    ) -> None:
        # Nothing of a real door: there is no executor, no audit and no policy to hold.
        self.targets, self.targets_path, self.catalog = configured, targets_path, catalog
        self.max_bytes = 0
        self._operations = Operations(catalog)
        every = (
            *targets.tools(self),
            *vms.tools(self),
            *writes.tools(self),
            *power.tools(self),
            *generic.tools(self, self._operations),
        )
        self.tools: Sequence[Tool] = every
        self._by_name = {tool.name: tool for tool in every}
        secret = catalog.secrets
        self._checks = {
            tool.name: ArgumentCheck(tool.name, tool.input_schema, secret) for tool in every
        }

    def ask(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> list[Seen]:
        """Return the jobs and calls that policy would be asked about; none if nothing is run.

        Raises `UnknownTool`, and `Refusal` for arguments that never get as far as policy.
        """
        if name not in self._by_name:
            hint = suggestion(name, self._by_name)
            raise UnknownTool(f"There is no tool {name!r} that can run anything{hint}.")
        self._checks[name](arguments)
        try:
            self._by_name[name].answer(Call(name, arguments, caller, Signals()))
        except _Asked as asked:
            return [Seen(seen.job, told(seen)) for seen in asked.seen]
        return []

    def why(self, seen: Seen) -> str:
        """Return why the risk of a call is what it is."""
        operation = self._operations.all.get(seen.judged.operation)
        if operation is None:
            return "the operation is not in the catalog"
        if not operation.is_vendor:
            return reasons_of_risk(operation.facts["risk"], seen.job.args)
        base, risk = operation.base_risk, seen.judged.risk
        return f"{base} in general" + (f", {risk} with these arguments" if risk != base else "")

    def verdicts(self, name: str, caller: Caller) -> dict[str, str]:
        """Return nothing: this door has no policy."""
        return {}

    def run(
        self, call: Call, module: str, arguments: Mapping[str, Any], names: Sequence[str],
        *, check: bool = False, operation: tuple[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> NoReturn:  # fmt: skip
        """Tell what would be run instead of running it."""
        raise _Asked([self._seen(call, Ask(module, arguments, "", operation), names, check, 1)])

    def run_several(
        self, call: Call, asks: Sequence[Ask], *, check: bool = False, whole: bool,
        own: bool = False,
    ) -> NoReturn:  # fmt: skip
        """Tell what would be run instead of running it."""
        raise _Asked([self._seen(call, ask, (ask.target,), check, len(asks)) for ask in asks])

    def _seen(self, call: Call, ask: Ask, names: Sequence[str], check: bool, objects: int) -> Seen:
        chosen = tuple(self.targets[name] for name in names)
        job = Job(module=full_name(ask.module), args=ask.arguments, targets=chosen, check=check)
        judged = judged_of(self.catalog, call, job, ask.operation, objects=objects)
        return Seen(job, judged)


def described(call: policy.Call) -> dict[str, Any]:
    """Return what policy sees of a call, for people."""
    return {
        "operation": call.operation,
        "risk": call.risk,
        "counts_as": call.effective_risk,
        "targets": [target.name for target in call.targets],
        "object": {part: list(values) for part, values in call.about.items() if values},
    }
