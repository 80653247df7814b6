# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: rules that say which request is to fail, and how.

The generic ones happen in the HTTP layer, for every platform alike:

refuse            close the listener for ``seconds`` (1); acts at once, matches no request
handshake         end the next TLS connection in its handshake; matches no request
reset_before      connection reset, nothing applied
reset_after       applied, then the connection is reset instead of an answer
timeout           no answer at all; ``applied`` (false): whether the request takes effect
status            answer ``status`` (503) with ``body`` or ``json``, ``headers``, ``reason``;
                  ``applied`` (false)
echo              answer ``status`` (500) with the request itself: its target, headers and body, as
                  they are and encoded; as JSON, or as text with ``text`` (false)
html              200 with the login page of a proxy
truncate          send only the share ``keep`` (0.5) of the body; ``chunked`` (false)
wrong_length      announce ``delta`` (10) bytes more (or less) than the body has
slow              send the body ``chunk`` (1) bytes at a time with ``pause`` (1.0) real seconds
huge              200 with ``mib`` (100) MiB of JSON
hostile_json      200 with JSON of ``kind`` depth, duplicate or nan

A platform adds its own names, and asks for them where its model decides.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ARGUMENTS: Mapping[str, frozenset[str]] = {
    "refuse": frozenset({"seconds"}),
    "handshake": frozenset(),
    "reset_before": frozenset(),
    "reset_after": frozenset(),
    "timeout": frozenset({"applied"}),
    "status": frozenset({"status", "body", "json", "headers", "reason", "applied"}),
    "echo": frozenset({"status", "text"}),
    "html": frozenset(),
    "truncate": frozenset({"keep", "chunked"}),
    "wrong_length": frozenset({"delta"}),
    "slow": frozenset({"chunk", "pause"}),
    "huge": frozenset({"mib"}),
    "hostile_json": frozenset({"kind"}),
}
CONNECTION = frozenset({"refuse", "handshake"})
WIRE = frozenset(ARGUMENTS) - CONNECTION
KEYS = ("fault", "method", "path", "nth", "count", "args")


class FaultError(ValueError):
    """A rule that cannot be understood; the text says what is expected."""


@dataclass
class Rule:
    """Let ``fault`` happen to matching requests.

    ``method`` None means any; ``path`` is a regular expression searched in the path. The rule
    fires from the ``nth`` match on, ``count`` times (0: for ever).
    """

    fault: str
    method: str | None = None
    path: str = ""
    nth: int = 1
    count: int = 1
    args: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        """Refuse what can never fire."""
        if self.method is not None:
            self.method = self.method.upper()
        if self.nth < 1 or self.count < 0:
            raise FaultError(f"{self.fault}: nth must be 1 or more and count 0 or more")
        try:
            self._pattern = re.compile(self.path)
        except re.error as error:
            raise FaultError(f"{self.fault}: path {self.path!r} is no pattern: {error}") from error

    @property
    def spent(self) -> bool:
        """Whether it will not fire again."""
        return 0 < self.count <= self.fired

    def fires(self, method: str, path: str) -> bool:
        """Count a request that matches, and tell whether the fault happens to it."""
        if self.spent or (self.method is not None and self.method != method.upper()):
            return False
        if not self._pattern.search(path):
            return False
        self.matched += 1
        if self.matched < self.nth:
            return False
        self.fired += 1
        return True

    def describe(self) -> dict[str, Any]:
        """Return the rule as the control plane shows it."""
        return {
            "id": self.id,
            **{key: getattr(self, key) for key in KEYS},
            "matched": self.matched,
            "fired": self.fired,
        }


class Faults:
    """The rules of one simulator. ``platform`` names the faults that its model knows."""

    def __init__(self, platform: Iterable[str] = ()) -> None:
        self._platform = frozenset(platform)
        self._rules: list[Rule] = []
        self._ids = itertools.count(1)

    @property
    def names(self) -> list[str]:
        """All faults that may be asked for."""
        return sorted(self._platform | ARGUMENTS.keys())

    def add(self, rule: Mapping[str, Any]) -> Rule:
        """Add a rule given as the control plane takes it; raise FaultError when it is wrong."""
        unknown = sorted(set(rule) - set(KEYS))
        if unknown:
            raise FaultError(_unknown("key", unknown[0], KEYS))
        name = rule.get("fault")
        if name not in self.names:
            raise FaultError(_unknown("fault", str(name), self.names))
        args = rule.get("args") or {}
        if name in ARGUMENTS and (extra := sorted(set(args) - ARGUMENTS[name])):
            raise FaultError(f"{name}: " + _unknown("argument", extra[0], ARGUMENTS[name]))
        added = Rule(**rule)
        added.id = next(self._ids)
        self._rules.append(added)
        return added

    def take(self, name: str, method: str = "", path: str = "") -> Rule | None:
        """Return the first rule ``name`` that fires for this request, or None.

        Each call counts as a match: ask once per request, at the place where it would happen.
        """
        return self._first({name}, method, path)

    def take_wire(self, method: str, path: str) -> Rule | None:
        """Return the generic rule that fires for this request, or None."""
        return self._first(WIRE, method, path)

    def _first(self, names: set[str] | frozenset[str], method: str, path: str) -> Rule | None:
        for rule in self._rules:
            if rule.fault in names and rule.fires(method, path):
                return rule
        return None

    def rules(self) -> list[Rule]:
        """Return all rules, also those that are spent."""
        return list(self._rules)

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()


def _unknown(what: str, given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {given!r}{hint} Known: {', '.join(sorted(known)) or 'none'}"
