# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit that is written by several processes while they are killed, and a very long one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_parts import closed, record
from mcp_bridge.audit_proof import Head, Mark, Signer, head_file, line_digest, written
from mcp_bridge.audit_verify import verify

WRITER = """
import sys
from pathlib import Path
from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
audit = Audit(Places.beside(Path(sys.argv[1]), every=5, rotate_bytes=int(sys.argv[3])))
for number in range(100_000):
    run = f"{sys.argv[2]}-{number}"
    audit.outcome(run, "successful", error="x" * (number * 37 % 9000))
    print(run, flush=True)
"""
VERIFIER = """
import resource, sys
from pathlib import Path
from mcp_bridge.audit_file import Places
from mcp_bridge.audit_proof import Signer
from mcp_bridge.audit_verify import verify
places = Places.beside(Path(sys.argv[1]))
checked = verify(places, Signer.of_file(places.key))
assert checked.ok, checked
print(checked.lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ROOT = Path(__file__).parents[3]


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


def killed(path: Path, rounds: int, seed: int, rotate_bytes: int = 0) -> None:
    """Kill writers at random moments; no line that one of them was told of may be missing."""
    chance = random.Random(seed)
    told: set[str] = set()
    for number in range(rounds):
        writers = [
            started(WRITER, str(path), f"{seed}-{number}-{each}", str(rotate_bytes))
            for each in range(3)
        ]
        for writer in writers:
            assert writer.stdout is not None
            told.add(writer.stdout.readline().strip())
        time.sleep(chance.random() * 0.2)
        chance.shuffle(writers)
        for writer in writers:
            writer.kill()
            time.sleep(chance.random() * 0.01)
        for writer in writers:
            whole = writer.communicate()[0].splitlines(keepends=True)
            told |= {line.strip() for line in whole if line.endswith("\n")}
    audit = Audit(Places.beside(path, every=5))
    audit.outcome("last", "successful")
    audit.close()
    checked = verify(audit.places, Signer.of_file(audit.places.key))
    assert checked.ok, f"{checked.problem}, seed {seed}"
    parts = [part for _number, part in closed(path)]
    assert bool(parts) == bool(rotate_bytes)
    content = b"".join(part.read_bytes() for part in (*parts, path))
    # A line that was cut off by a kill is none.
    rows = [row for line in content.splitlines() if (row := record(line))]
    assert told <= {row.get("run_id") for row in rows}, f"seed {seed}"


def test_writers_that_are_killed_lose_nothing_and_break_nothing(tmp_path: Path) -> None:
    """Red when the lock, the sync or the order of line and head is taken away."""
    killed(tmp_path / "audit.jsonl", 3, 7)


def test_writers_that_are_killed_while_parts_are_closed_lose_nothing(tmp_path: Path) -> None:
    """Red when a line is added to a part that another writer has closed."""
    killed(tmp_path / "audit.jsonl", 3, 11, 20_000)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_many_writers_that_are_killed_lose_nothing_and_break_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", "1"))
    print(f"SEED={seed}")
    for size in (0, 20_000):
        killed(tmp_path / str(size) / "audit.jsonl", 60, seed, size)


def long_audit(path: Path, count: int) -> None:
    """Write an audit as a bridge would, without the waits for the disk."""
    Audit(path).outcome("first", "successful")
    signer = Signer.of_file(path.with_suffix(".key"))
    first = json.loads(path.read_text())
    row = first | {"principal": "os:alice", "tool": "vm_list", "arguments": {"targets": ["lab"]}}
    previous = first["sha256"]
    with path.open("ab", buffering=1 << 20) as file:
        for number in range(2, count + 1):
            row |= {"seq": number, "prev": previous}
            row["mac"] = signer.line(row)
            row["sha256"] = previous = line_digest(row)
            file.write(written(row))
    name = first["prev"]
    head = Head(name, count, previous, Mark(0, 0, name, first["time"]))
    path.with_suffix(".head").write_bytes(head_file(head, signer))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_million_lines_are_verified_in_the_memory_of_few(tmp_path: Path) -> None:
    used = []
    for count in (1000, 1_000_000):
        path = tmp_path / str(count) / "audit.jsonl"
        long_audit(path, count)
        out, _ = started(VERIFIER, str(path)).communicate(timeout=500)
        lines, memory = map(int, out.split())
        assert lines == count
        used.append(memory)
    assert used[1] < used[0] * 1.2
