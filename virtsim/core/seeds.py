# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds: how large a simulated world is at the start, and the names in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

_ROLES = ("web", "db", "cache", "build", "mail", "proxy", "queue", "batch")
_STAGES = ("prod", "test", "dev")


@dataclass(frozen=True)
class Seed:
    """The size of a world. ``small`` is hand-made by the platform; the others are counted."""

    name: str
    guests: int
    hosts: int


SEEDS = {
    seed.name: seed
    for seed in (
        Seed("empty", 0, 1),
        Seed("small", 8, 3),
        Seed("1000", 1_000, 8),
        Seed("5000", 5_000, 16),
        Seed("10000", 10_000, 32),
    )
}


class UnknownSeed(ValueError):
    """No seed has that name; the text lists those that exist."""


@dataclass(frozen=True)
class Guest:
    """One guest of a counted seed, in words that every platform has.

    Every third guest is stopped; sizes and hosts go round, so that any two guests of the same
    number are equal on every run and on every platform.
    """

    n: int
    name: str
    host: int
    running: bool
    cpus: int
    memory_mib: int
    disk_gib: int
    tags: tuple[str, ...]

    @property
    def mac(self) -> str:
        """Return a locally administered address made of the number."""
        return "02:76:73:" + ":".join(f"{(self.n >> shift) & 255:02X}" for shift in (16, 8, 0))

    @property
    def address(self) -> str:
        """Return an IPv4 address of 10.0.0.0/8 made of the number."""
        return f"10.{(self.n >> 16) & 255}.{(self.n >> 8) & 255}.{self.n & 255}"


def find_seed(name: str) -> Seed:
    """Return the seed ``name``; UnknownSeed names the nearest one."""
    if name in SEEDS:
        return SEEDS[name]
    near = difflib.get_close_matches(str(name), SEEDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownSeed(f"unknown seed {name!r}.{hint} Known: {', '.join(SEEDS)}")


def guests(seed: Seed) -> Iterator[Guest]:
    """Yield the guests of ``seed``, numbered from 1, always the same."""
    for n in range(1, seed.guests + 1):
        role, stage = _ROLES[n % len(_ROLES)], _STAGES[n % len(_STAGES)]
        yield Guest(
            n=n,
            name=f"{role}-{stage}-{n:05d}",
            host=(n - 1) % seed.hosts + 1,
            running=n % 3 != 0,
            cpus=1 << (n % 4),
            memory_mib=1024 << (n % 5),
            disk_gib=8 * (n % 4 + 1),
            tags=(role, stage),
        )


def host_name(n: int) -> str:
    """Return the name of host ``n``, counted from 1."""
    return f"node{n}"
