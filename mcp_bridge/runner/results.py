# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the events of a run into one result for each target. No event is never a success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .base import Progress, Status

_ENDS = frozenset({"runner_on_ok", "runner_on_failed", "runner_on_unreachable"})
_SHOWN = _ENDS | {"runner_on_start", "runner_retry", "runner_on_skipped"}
_OWN_KEYS = frozenset({"invocation", "exception", "ansible_facts_cacheable"})
_LAST_WORDS = 2000
# The guard says it before it starts Ansible; without it, nothing of a job can have happened.
_STARTS = "running"
# What a shell gives when the interpreter of a module cannot be run.
_NEVER_STARTED = (126, 127)
_DIED = "The module died before it answered; what it had begun may have been done"


class Results:
    """Collects what each host answered."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._started: set[str] = set()
        self._begun = False
        self._results: dict[str, dict[str, Any]] = {}

    def note(self, event: Mapping[str, Any]) -> Progress | None:
        """Take one event; returns what is worth showing of it."""
        name, host = str(event.get("event")), str(event.get("host") or "")
        self._begun = self._begun or name == _STARTS
        if name == "runner_on_start":
            self._started.add(host)
        elif name in _ENDS:
            self._results[host] = _result(name, event.get("res"))
        if name not in _SHOWN:
            return None
        return Progress(name, host, float(event.get("duration") or 0.0))

    def all(self, status: Status, stdout: str, *, whole: bool = True) -> dict[str, dict[str, Any]]:
        """Return a result for every host, also for one that never answered.

        ``whole`` false means that the run was ended before it could say all that happened.
        """
        return {
            name: self._results[name]
            if name in self._results
            else self._absent(name, status, stdout, whole=whole)
            for name in self._names
        }

    def _absent(self, name: str, status: Status, stdout: str, *, whole: bool) -> dict[str, Any]:
        # The event that a module starts is written before it does, but can be lost on its way.
        if name not in self._started and (whole or not self._begun):
            return _nothing_run(status, stdout)
        if status == "timeout":
            return failure("timeout", "The module did not end in time and was stopped half-way.")
        if status == "canceled":
            return failure("cancelled", "The module was cancelled half-way.")
        if not whole:
            return failure("uncertain", "The run was killed; how far its module came is not known.")
        return failure("uncertain", "The module's result is too large or was lost.")


def _nothing_run(status: Status, stdout: str) -> dict[str, Any]:
    if status in ("timeout", "canceled"):
        kind = "timeout" if status == "timeout" else "cancelled"
        return failure(kind, "The run ended before the module started; nothing was changed.")
    words = stdout.strip()[-_LAST_WORDS:] or "it said nothing"
    return failure("internal", f"The run failed before the module started: {words}")


def failure(kind: str, message: str) -> dict[str, Any]:
    """Return a failed result in the form of the modules' own."""
    error: dict[str, Any] = {
        "kind": kind,
        "message": message,
        "http_status": None,
        "fields": {},
        "retryable": False,
        "request": None,
        "log": [],
    }
    return {"failed": True, "changed": False, "msg": message, "error": error}


def _result(event: str, result: Any) -> dict[str, Any]:
    if not isinstance(result, dict) or not result:
        # The callback drops a result above MAX_EVENT_RES and still calls the run successful.
        return failure("uncertain", "The module's result is too large or was lost.")
    kept = {
        key: value
        for key, value in result.items()
        if key not in _OWN_KEYS and not key.startswith("_ansible_")
    }
    if event == "runner_on_ok":
        return kept
    kept["failed"] = True
    if not isinstance(kept.get("error"), dict):
        message = str(kept.get("msg") or "the module failed and said nothing")
        if "module_stdout" in kept and kept.get("rc") not in _NEVER_STARTED:
            # That is what Ansible gives instead of an answer of the module.
            kept["error"] = failure("uncertain", f"{_DIED}: {message}")["error"]
            return kept
        # Not one of our modules' errors: the interpreter, a missing module, wrong arguments.
        kept["error"] = failure("internal", message)["error"]
    return kept
