# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies an audit out of the state folder, with what is needed to prove the copy elsewhere."""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from .audit_file import Places
from .audit_parts import closed_path, lines_of, opened, view
from .audit_proof import Witness
from .audit_read import Wanted, every
from .audit_verify import Checked, verify
from .plaintext import clean_text

Format = Literal["jsonl", "csv"]
COLUMNS = (
    "seq", "time", "event", "principal", "client", "tool", "operation", "targets", "risk", "check",
    "decision", "rule", "by", "four_eyes", "run_id", "status", "changed", "error", "milliseconds",
    "how", "diff_sha256", "plan_id", "plan_sha256", "approver", "channel", "reason", "source",
    "count", "factor", "replaced", "part", "next", "transport", "version", "pid", "arguments",
    "args_hmac", "sha256",
)  # fmt: skip
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(
    places: Places,
    folder: Path,
    witness: Witness,
    wanted: Wanted,
    form: Format,
    *,
    archived: bool = False,
) -> tuple[Checked, int]:
    """Write a copy into a new folder; return what its check found, and how many were asked for.

    The copy of all lines is whole, so that it can be proven again; ``wanted`` and ``form`` are for
    the file beside it. Raises OSError.
    """
    folder.mkdir(mode=0o700)
    copy = replace(Places.beside(folder / "audit.jsonl"), key=places.key)
    _copy(places, copy)
    checked = verify(copy, witness, archived=archived)
    (folder / "public.pem").write_text(witness.pem)
    count = 0
    if form == "csv" or wanted != Wanted():
        count = _select(copy.log, folder / f"selected.{form}", wanted, form)
    said = {"ok": checked.ok, **vars(checked), "key": witness.name, "selected": count}
    (folder / "verification.json").write_text(json.dumps(said, indent=2) + "\n")
    return checked, count


def _copy(places: Places, copy: Places) -> None:
    """Copy the files as they are at one moment; writers wait no longer than to open them."""
    with ExitStack() as files:
        found = view(places.log, places.head, places.checkpoints, files)
        for part in found.parts:
            is_last = part.path == places.log
            with (copy.log if is_last else closed_path(copy.log, part.number)).open("wb") as into:
                into.writelines(part.lines())
        if found.head:
            copy.head.write_bytes(found.head)
        if found.checkpoints:
            with copy.checkpoints.open("wb") as into:
                into.writelines(lines_of(found.checkpoints, found.checkpoints_size))


def _select(log: Path, into: Path, wanted: Wanted, form: Format) -> int:
    count = 0
    with ExitStack() as files, into.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        if form == "csv":
            table.writerow(COLUMNS)
        lines = chain.from_iterable(part.lines() for part in opened(log, files))
        for line, row in every(lines, wanted):
            count += 1
            if form == "csv":
                table.writerow([_cell(row.get(name)) for name in COLUMNS])
            else:
                out.write(line.decode("ascii"))
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = clean_text(value if isinstance(value, str) else json.dumps(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
