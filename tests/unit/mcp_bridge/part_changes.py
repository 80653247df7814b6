# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may do to the closed parts of an audit, who has its files and not its key."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_parts import closed, closed_path
from mcp_bridge.audit_proof import Signer, Witness
from mcp_bridge.audit_verify import Checked, verify
from tests.unit.mcp_bridge.audit_changes import CHANGES, Change, fill

PARTS, LINES = 3, 10
# How many lines that makes, with the first and the last one of each part.
WHOLE = (PARTS + 1) * LINES + 2 * PARTS
_OF_LINES = (
    "a bit of the log", "a line removed", "a line doubled", "two lines swapped", "cut at a line",
    "cut inside", "the last line removed", "all rewritten", "a line forged at the end",
    "noise at the end", "a list instead of a record", "an endless line", "a space in a line",
    "a tail rewritten", "the log emptied",
)  # fmt: skip
_OF_PROOFS = (
    "a bit of the head", "a bit of the checkpoints", "the head removed", "the head emptied",
    "the log removed", "a checkpoint removed", "checkpoints swapped", "the checkpoints removed",
    "log and head removed", "log and head restored from an older copy",
    "log and checkpoints restored from an older copy",
)  # fmt: skip


def fill_parts(places: Places, parts: int = PARTS) -> None:
    """Write so many closed parts, and some lines after them."""
    for _part in range(parts):
        fill(places, LINES)
        Audit(places).rotate("os:me")
    fill(places, LINES)


def in_parts(folder: Path) -> Places:
    """Return an audit in several parts, with an older copy beside it."""
    places = Places.beside(folder / "audit.jsonl", every=7)
    fill_parts(places)
    shutil.copytree(folder, folder / "older")
    fill(places, LINES)
    return places


def copied(good: Places, folder: Path) -> Places:
    shutil.copytree(good.log.parent, folder)
    return Places.beside(folder / "audit.jsonl", every=7)


def both(places: Places, *, archived: bool = False) -> list[Checked]:
    signer = Signer.of_file(places.key)
    public = Witness.of_pem(signer.pem.encode())
    return [verify(places, each, archived=archived) for each in (signer, public)]


def files(places: Places) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in places.log.parent.iterdir() if path.is_file()}


def rows(places: Places) -> list[dict[str, Any]]:
    paths = [path for _number, path in closed(places.log)]
    paths += [places.log] if places.log.exists() else []
    return [
        json.loads(line)
        for path in paths
        for line in path.read_bytes().splitlines()
        if line.startswith(b"{") and line.endswith(b"}")
    ]


def part(places: Places, number: int) -> Path:
    return closed_path(places.log, number)


def in_a_part(change: Change) -> Change:
    """Do to a closed part, or to the file that is written now, what is done to an audit's file."""

    def apply(places: Places, chance: random.Random) -> None:
        paths = [*(part(places, number) for number in range(1, PARTS + 1)), places.log]
        change(replace(places, log=chance.choice(paths)), chance)

    return apply


def to_files(change: Callable[[Places, list[Path]], Any]) -> Change:
    """Do something to the files of all parts, in an order of chance."""

    def apply(places: Places, chance: random.Random) -> None:
        paths = [part(places, number) for number in range(1, PARTS + 1)]
        chance.shuffle(paths)
        change(places, paths)

    return apply


def swapped(places: Places, paths: list[Path]) -> None:
    one, other, *_rest = paths
    kept = one.read_bytes()
    shutil.copy(other, one)
    other.write_bytes(kept)


def moved_up(places: Places, paths: list[Path]) -> None:
    """Remove a part and give those after it the numbers before theirs."""
    number = int(paths[0].name.split(".")[1])
    paths[0].unlink()
    for each in range(number, PARTS):
        part(places, each + 1).rename(part(places, each))


def of_another_audit(places: Places, paths: list[Path]) -> None:
    """Replace a part by the same part of an audit that the same key has signed."""
    folder = places.log.parent / "another"
    other = Places.beside(folder / places.log.name, key=places.key)
    fill_parts(other)
    shutil.copy(folder / paths[0].name, paths[0])
    shutil.rmtree(folder)


def joined(places: Places, paths: list[Path]) -> None:
    """Put a part and the one after it into one file."""
    number = int(paths[0].name.split(".")[1])
    after = part(places, number + 1) if number < PARTS else places.log
    after.write_bytes(paths[0].read_bytes() + after.read_bytes())
    paths[0].unlink()


def split(places: Places, paths: list[Path]) -> None:
    """Put the last line of a part into the file that is written now."""
    whole = paths[0].read_bytes().splitlines(keepends=True)
    paths[0].write_bytes(b"".join(whole[:-1]))
    places.log.write_bytes(whole[-1] + places.log.read_bytes())


PART_CHANGES: dict[str, Change] = {
    **{f"in a part: {name}": in_a_part(CHANGES[name]) for name in _OF_LINES},
    **{name: CHANGES[name] for name in _OF_PROOFS},
    "a part removed": to_files(lambda _places, paths: paths[0].unlink()),
    "all parts removed": to_files(lambda _places, paths: [path.unlink() for path in paths]),
    "a part removed, the others moved up": to_files(moved_up),
    "two parts swapped": to_files(swapped),
    "a part in the place of another": to_files(
        lambda _places, paths: shutil.copy(paths[0], paths[1])
    ),
    "a part once more, as the next one": to_files(
        lambda places, paths: shutil.copy(paths[0], part(places, PARTS + 1))
    ),
    "a part of another audit": to_files(of_another_audit),
    "a part in place of the file that is written now": to_files(
        lambda places, paths: paths[0].replace(places.log)
    ),
    "the file that is written now taken for a part": lambda places, _chance: (
        places.log.rename(part(places, PARTS + 1)) and None
    ),
    "two parts in one": to_files(joined),
    "the file that is written now at the end of the last part": lambda places, _chance: (
        part(places, PARTS).write_bytes(part(places, PARTS).read_bytes() + places.log.read_bytes()),
        places.log.unlink(),
    )[1],
    "the last line of a part elsewhere": to_files(split),
    "an empty part": lambda places, _chance: part(places, PARTS + 1).write_bytes(b"") and None,
}
