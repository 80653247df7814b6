# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three simulated platforms behind one bridge, and the writes to ask it for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import virtsim
from tests.faults.served import KINDS, Served
from tests.mcp.conftest import Bridge
from tests.mcp.test_writes import NEW

# Each request of a module takes that long, so that a kill falls between them or amidst one.
LATENCY = 0.03


@dataclass(frozen=True)
class Errand:
    """One call that writes, on a platform that is as it was made."""

    platform: str
    tool: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return what it is."""
        return f"{self.tool} on {self.platform}"


@dataclass
class World:
    """The simulators, the files of the bridge, and the bridge that serves now."""

    bridge: Bridge
    sims: Mapping[str, virtsim.SimServer]
    kind: str
    served: Served
    errands: Sequence[Errand] = ()
    refs: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def home(self) -> str:
        """Return the text by which every process of the bridge and its runs is known."""
        return str(self.bridge.folder.parent)

    def restart(self) -> None:
        """Start another bridge with the same files and state."""
        self.served.close()
        self.served = Served(self.bridge, self.kind)

    def close(self) -> None:
        """End the bridge that serves now."""
        self.served.close()

    def fresh(self, platform: str) -> None:
        """Put a platform back to how it was made, without faults and journal."""
        self.sims[platform].control.reset()

    def writes(self, platform: str) -> Counter[str]:
        """Return the writes that a platform received, by what they were."""
        rows = self.sims[platform].control.writes()
        return Counter(f"{row['method']} {row['path']}" for row in rows)

    def learn(self) -> None:
        """Read the refs of the machines, and plan the errands."""
        body = self.served.asked("vm_list", fields=["name", "target"])
        for row in Bridge.table(body):
            if str(row["name"]).startswith("web"):
                self.refs = {**self.refs, (row["target"], row["name"]): row["ref"]}
        self.errands = tuple(
            Errand(platform, tool, arguments)
            for platform in sorted(self.sims)
            for tool, arguments in (
                ("vm_snapshot", {"ref": self.refs[platform, "web1"], "snapshot": "before"}),
                # It acts each time, where the others would find their work done.
                ("vm_power", {"ref": self.refs[platform, "web1"], "state": "restarted"}),
                ("vm_create", {"target": platform, "name": "fresh", **NEW[platform]}),
            )
        )


@contextmanager
def world(folder: Path, kind: str, latency: float = LATENCY) -> Iterator[World]:
    """Give a bridge of a kind over all platforms; everything ends with the context."""
    assert kind in KINDS
    home = folder / "virtbridge"
    home.mkdir(mode=0o700)
    bridge = Bridge(home)
    with ExitStack() as running:
        sims = {
            name: running.enter_context(virtsim.start(name, seed="small", latency=latency))
            for name in virtsim.platforms()
        }
        for name, sim in sims.items():
            bridge.add(name, sim)
        bridge.allow({"name": "all", "match": {"target": ["*"]}, "verdict": "allow"})
        made = World(bridge, sims, kind, Served(bridge, kind))
        running.callback(made.close)
        made.learn()
        yield made
