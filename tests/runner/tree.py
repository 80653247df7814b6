# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who among the processes of a run: how far each is below what starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROLES = ("guard", "runner", "cli", "worker", "module")


def children(pid: int) -> list[int]:
    """Return the children of a process, of whichever of its threads."""
    found: list[int] = []
    for file in Path("/proc", str(pid), "task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_text().split())
    return found


def servers(bridge: int) -> list[int]:
    """Return the fork servers of a bridge."""
    return [pid for pid in children(bridge) if b"forkserver.py" in command(pid)]


def command(pid: int) -> bytes:
    """Return the command line of a process; of a forked one, that of its parent."""
    with suppress(OSError):
        return Path("/proc", str(pid), "cmdline").read_bytes()
    return b""


def roles(bridge: int) -> dict[str, int]:
    """Return the processes of the one run that a bridge has, by their roles."""
    own = servers(bridge)
    level = [pid for server in own for pid in children(server)]
    level += [pid for pid in children(bridge) if pid not in own and b"guard.py" in command(pid)]
    found: dict[str, int] = {}
    for role in ROLES:
        if level and b"\0ansible_runner\0worker\0" in command(level[0]):
            # What gets its job as a stream is one more process, below the runner.
            found["node"] = level[0]
            level = children(level[0])
        if not level or (role == "cli" and b"guard.py" in command(level[0])):
            # Such a child is forked, and not yet the command that it is to be.
            break
        found[role] = level[0]
        level = [child for pid in level for child in children(pid)]
    while level:
        # Where it is not forked, a shell starts it.
        found["module"] = level[0]
        level = children(level[0])
    return found


def files(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files below folders and what is in them, while others make and remove some."""
    for folder in folders:
        for place, _folders, names in os.walk(folder):
            for name in names:
                file = Path(place, name)
                with suppress(OSError):
                    if file.is_file():
                        yield file, file.read_bytes()


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    return _state(pid) not in "ZX"


def stopped(pid: int) -> bool:
    """Whether a process is held."""
    return _state(pid) == "T"


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    return "X"


def marked(mark: str) -> set[int]:
    """Return the processes that have a text in their environment, command line or folder."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                seen = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if mark.encode() in seen:
                    found.add(int(folder.name))
    return found
