# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may do to an audit afterwards, who has its files and not its key."""

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
from mcp_bridge.audit_proof import line_digest, written
from mcp_bridge.policy import Call, Flags, TargetFacts, decide

CALL = Call("vm_power", "vm_power", "write", (TargetFacts("lab"),), "i", principal="os:alice")
VERDICT = decide(CALL, (), Flags())
LINES, EVERY, MADE = 40, 7, 6
Change = Callable[[Places, random.Random], Any]


def fill(places: Places, count: int) -> None:
    audit = Audit(places)
    for number in range(count):
        audit.intent(CALL, VERDICT, {"note": f"n\u00f6te {number}"}, f"run-{number}")
    audit.close()


def lines(change: Callable[[list[bytes], random.Random], Any]) -> Change:
    def apply(places: Places, chance: random.Random) -> None:
        content = places.log.read_bytes().splitlines(keepends=True)
        change(content, chance)
        places.log.write_bytes(b"".join(content))

    return apply


def flipped(part: str) -> Change:
    def apply(places: Places, chance: random.Random) -> None:
        path: Path = getattr(places, part)
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

    return apply


def rewritten(content: list[bytes], begin: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a line and make the chain fit again, as somebody without the key can."""
    rows = [json.loads(line) for line in content]
    change(rows[begin])
    for number in range(begin, len(rows)):
        row = rows[number]
        if number:
            row["prev"] = rows[number - 1]["sha256"]
        row["sha256"] = line_digest(row)
        content[number] = written(row)


def another(places: Places, _chance: random.Random) -> None:
    """Replace everything by an audit of the same length that another key has signed."""
    for path in (places.log, places.head, places.checkpoints):
        path.unlink()
    fill(replace(places, key=places.key.with_name("other.key")), LINES)


def restored(*parts: str) -> Change:
    def apply(places: Places, _chance: random.Random) -> None:
        for part in parts:
            path: Path = getattr(places, part)
            shutil.copy(path.parent / "older" / path.name, path)

    return apply


def short_checkpoints(places: Places, chance: random.Random) -> None:
    content = places.checkpoints.read_bytes().splitlines(keepends=True)
    del content[chance.randrange(len(content))]
    places.checkpoints.write_bytes(b"".join(content))


def swapped_checkpoints(places: Places, chance: random.Random) -> None:
    content = places.checkpoints.read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(content) - 1)
    content[at : at + 2] = reversed(content[at : at + 2])
    places.checkpoints.write_bytes(b"".join(content))


def anywhere(content: list[bytes], chance: random.Random) -> int:
    return chance.randrange(len(content))


def cut_inside(content: list[bytes], chance: random.Random) -> None:
    whole = b"".join(content)
    content[:] = [whole[: chance.randrange(len(whole))]]


def forged(content: list[bytes], _chance: random.Random) -> None:
    row = json.loads(content[-1])
    content.append(written(row | {"seq": row["seq"] + 1}))
    rewritten(content, len(content) - 1, lambda row: row.update(principal="os:mallory"))


CHANGES: dict[str, Change] = {
    "a bit of the log": flipped("log"),
    "a bit of the head": flipped("head"),
    "a bit of the checkpoints": flipped("checkpoints"),
    "a line removed": lines(lambda all_, chance: all_.pop(anywhere(all_, chance))),
    "a line doubled": lines(
        lambda all_, chance: all_.insert(anywhere(all_, chance), all_[anywhere(all_, chance)])
    ),
    "two lines swapped": lines(
        lambda all_, chance: all_.insert(0, all_.pop(anywhere(all_[1:], chance) + 1))
    ),
    "cut at a line": lines(
        lambda all_, chance: all_.__delitem__(slice(anywhere(all_, chance), None))
    ),
    "cut inside": lines(cut_inside),
    "the last line removed": lines(lambda all_, _chance: all_.pop()),
    "a tail rewritten": lines(
        lambda all_, chance: rewritten(
            all_, anywhere(all_, chance), lambda row: row.update(principal="os:mallory")
        )
    ),
    "all rewritten": lines(
        lambda all_, _chance: rewritten(all_, 0, lambda row: row.update(prev="0" * 64))
    ),
    "a line forged at the end": lines(forged),
    "all replaced, with another key": another,
    "log and head restored from an older copy": restored("log", "head"),
    "log and checkpoints restored from an older copy": restored("log", "checkpoints"),
    "head restored from an older copy, tail rewritten": lambda places, chance: (
        restored("head")(places, chance),
        lines(lambda all_, _chance: rewritten(all_, LINES - 2, lambda row: row.update(tool="x")))(
            places, chance
        ),
    )[0],
    "the head removed": lambda places, _chance: places.head.unlink(),
    "the head emptied": lambda places, _chance: places.head.write_bytes(b""),
    "the log removed": lambda places, _chance: places.log.unlink(),
    "the log emptied": lambda places, _chance: places.log.write_bytes(b""),
    "log and head removed": lambda places, _chance: (places.log.unlink(), places.head.unlink())[0],
    "log and head emptied": lambda places, _chance: (
        (places.log.write_bytes(b""), places.head.write_bytes(b""))[0] and None
    ),
    "a checkpoint removed": short_checkpoints,
    "checkpoints swapped": swapped_checkpoints,
    "the checkpoints removed": lambda places, _chance: places.checkpoints.unlink(),
    "noise at the end": lines(lambda all_, _chance: all_.append(b"x\n")),
    "a list instead of a record": lines(
        lambda all_, chance: all_.__setitem__(anywhere(all_, chance), b"[1]\n")
    ),
    "an endless line": lines(
        lambda all_, chance: all_.insert(anywhere(all_, chance), b"x" * 3_000_000)
    ),
    "a space in a line": lines(
        lambda all_, chance: all_.append(all_.pop().replace(b":", b": ", 1))
    ),
}
