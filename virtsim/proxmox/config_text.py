# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a guest's configuration file, whose hash is the digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import unquote

from .model import Guest

LINE = re.compile(r"([a-z][a-z0-9_\-]*\d*):\s*(.*?)\s*")
HIDDEN = frozenset({"description", "digest"})


def encode(text: str) -> str:
    """Spell a description so that it fits into comment lines."""
    return "".join(
        c if (" " <= c < "\x7f" and c not in "%:") else "".join(f"%{b:02X}" for b in c.encode())
        for c in text
    )


def _section(conf: Mapping[str, str]) -> str:
    lines = []
    text = conf.get("description")
    if text:
        lines += [f"#{encode(line)}" for line in text.removesuffix("\n").split("\n")]
    lines += [f"{k}: {v}" for k, v in sorted(conf.items()) if k not in HIDDEN]
    return "".join(f"{line}\n" for line in lines)


def render(guest: Guest) -> str:
    """Write the whole configuration file."""
    text = _section(guest.conf)
    if guest.pending:
        text += "\n[PENDING]\n" + _section(guest.pending)
    for name in sorted(guest.snapshots):
        text += f"\n[{name}]\n" + _section(guest.snapshots[name])
    return text


def digest(guest: Guest) -> str:
    """Hash the configuration file."""
    return hashlib.sha1(render(guest).encode(), usedforsecurity=False).hexdigest()


def parse(vmid: int, node: str, text: str) -> Guest:
    """Read a configuration file."""
    guest = Guest(vmid, node)
    section = guest.conf
    notes: dict[int, list[str]] = {}
    for line in text.split("\n"):
        heading = re.fullmatch(r"\[(.+)\]\s*", line)
        if heading:
            name = heading[1]
            if name.upper() == "PENDING":
                section = guest.pending
            else:
                guest.snapshots[name] = {}
                section = guest.snapshots[name]
        elif line.startswith("#"):
            known = notes.setdefault(id(section), [])
            known.append(unquote(line[1:]))
            section["description"] = "".join(f"{note}\n" for note in known)
        elif match := LINE.fullmatch(line):
            section[match[1]] = match[2]
    return guest
