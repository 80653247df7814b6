# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: an append-only, hash-chained record of every decision and what became of it.

One line before a run (`intent`), one after it (`outcome`), one for each refusal (`refused`). Each
line carries the hash of the line before it. Several processes may share a file: each append holds
a lock, reads the last hash, writes, and reaches the disk before the call goes on.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import AuditFailed
from .policy import Call, Verdict
from .redact import Redactor

GENESIS = "0" * 64
_MOST_ARGUMENTS = 16_384
_TAIL = 65_536


@dataclass(frozen=True)
class Checked:
    """What `verify` found: how many lines hold, and what is wrong with the first that fails."""

    lines: int
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return not self.problem


class Audit:
    """Writes one audit file; safe between threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def intent(
        self,
        call: Call,
        verdict: Verdict,
        arguments: Mapping[str, Any],
        run_id: str,
        redactor: Redactor | None = None,
    ) -> None:
        """Record what is about to run. Raises AuditFailed: then it must not run."""
        row = _decision(call, verdict, arguments, redactor or Redactor())
        self._append({"event": "intent", "run_id": run_id, **row})

    def refused(
        self,
        call: Call,
        verdict: Verdict,
        arguments: Mapping[str, Any],
        redactor: Redactor | None = None,
    ) -> None:
        """Record a call that policy denied."""
        row = _decision(call, verdict, arguments, redactor or Redactor())
        self._append({"event": "refused", **row})

    def outcome(
        self,
        run_id: str,
        status: str,
        *,
        changed: bool = False,
        error: str | None = None,
        diff: Any = None,
        milliseconds: int = 0,
        how: str = "not started",
        parts: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Record how a run ended; ``diff`` is kept only as its hash, ``how`` is the back end.

        ``parts`` has what became of each call of a run of several, in the order of its intents.
        """
        row: dict[str, Any] = {"event": "outcome", "run_id": run_id, "status": status, "how": how}
        row |= {"changed": changed, "error": error, "milliseconds": milliseconds}
        row["diff_sha256"] = _digest(diff) if diff else None
        if parts:
            row["parts"] = [dict(part) for part in parts]
        self._append(row)

    def _append(self, row: dict[str, Any]) -> None:
        try:
            with _locked(self.path) as descriptor:
                _write(descriptor, row)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AuditFailed(
                f"The audit file {self.path} cannot be written: {reason}. Nothing more is run "
                "until it can be; check its disk, owner and mode, or set audit.path."
            ) from error


def verify(path: Path) -> Checked:
    """Check the chain of a file from its first line to its last.

    A line that was cut off by a crash is accepted only where the next line says so by its hash.
    """
    previous, number, torn = GENESIS, 0, ""
    with path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            row = _parsed(content)
            if row is None:
                if torn:
                    return Checked(number, f"line {line} is not a record")
                torn = hashlib.sha256(content.rstrip(b"\n")).hexdigest()
                continue
            problem = _problem(row, previous, number + 1, torn)
            if problem:
                return Checked(number, f"line {line} {problem}")
            previous, number, torn = row["sha256"], number + 1, ""
    return Checked(number, "the last line is cut off" if torn else "")


def _problem(row: Mapping[str, Any], previous: str, number: int, torn: str) -> str:
    if row.get("prev") != previous:
        return "does not follow the line before it: one was changed, moved or removed"
    if row.get("seq") != number:
        return f"has the number {row.get('seq')}, expected {number}"
    if row["sha256"] != _seal(row):
        return "was changed"
    if torn != row.get("repaired", ""):
        return "follows a damaged line that it does not name"
    return ""


def _decision(
    call: Call, verdict: Verdict, arguments: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    return {
        "principal": call.principal,
        "client": redactor.text(call.client),
        "tool": call.tool,
        "operation": call.operation,
        "risk": call.risk,
        "check": call.check,
        "targets": [target.name for target in call.targets],
        "arguments": _bounded(redactor.clean(arguments)),
        "allowed": verdict.allowed,
        "rule": verdict.rule,
    }


def _bounded(arguments: Any) -> Any:
    size = len(json.dumps(arguments))
    if size <= _MOST_ARGUMENTS:
        return arguments
    return {"too_large": size, "sha256": _digest(arguments)}


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ValueError("it is not a regular file of this user")
        if status.st_mode & 0o077:
            raise ValueError("other users may use it; run chmod 600 on it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, row: dict[str, Any]) -> None:
    last, torn = _last(descriptor)
    row["seq"] = (last["seq"] if last else 0) + 1
    row["time"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    row["prev"] = last["sha256"] if last else GENESIS
    if torn:
        row["repaired"] = hashlib.sha256(torn.rstrip(b"\n")).hexdigest()
    row["sha256"] = _seal(row)
    text = json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    before = os.fstat(descriptor).st_size
    try:
        _all(descriptor, b"\n" + text if torn and not torn.endswith(b"\n") else text)
        os.fdatasync(descriptor)
    except OSError:
        # Half a line would be read as damage; the file ends as it began.
        os.ftruncate(descriptor, before)
        raise


def _all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _last(descriptor: int) -> tuple[dict[str, Any] | None, bytes]:
    """Return the last whole record and what a crash left after it."""
    size, reach = os.fstat(descriptor).st_size, _TAIL
    while size:
        start = max(0, size - reach)
        lines = os.pread(descriptor, size - start, start).split(b"\n")
        tail, whole = lines[-1], lines[1 if start else 0 : -1]
        for index in range(len(whole) - 1, -1, -1):
            row = _parsed(whole[index])
            if row is not None:
                return row, b"\n".join([*whole[index + 1 :], tail])
        if start == 0:
            return None, b"\n".join([*whole, tail])
        reach *= 4
    return None, b""


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    known = isinstance(row, dict) and isinstance(row.get("sha256"), str)
    return row if known and isinstance(row.get("seq"), int) else None


def _seal(row: Mapping[str, Any]) -> str:
    return _digest({key: value for key, value in row.items() if key != "sha256"})


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
