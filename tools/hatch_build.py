# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collection, the sums of its files, and the simulators' facts into the wheel.

Not into an editable install: there the checkout itself is what runs, and a copy would go stale.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COLLECTION = "mcp_bridge/_collections/ansible_collections/virtbridge/core"
SUMS = "mcp_bridge/_collections/SHA256SUMS"
PARTS = ("plugins", "meta", "playbooks", "galaxy.yml", "README.md", "LICENSE")


class CollectionHook(BuildHookInterface[Any]):
    """Adds what lies outside the two Python packages."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include; ``version`` is ``editable`` or ``standard``."""
        if version == "editable":
            return
        included = build_data["force_include"]
        for part in PARTS:
            included[part] = f"{COLLECTION}/{part}"
        included[str(self._sums())] = SUMS
        for facts in Path(self.root, "plugins/module_utils").glob("*/catalog.json"):
            included[str(facts)] = f"virtsim/{facts.parent.name}/catalog.json"

    def _sums(self) -> Path:
        """Write the list by which `virtbridge doctor` sees that the collection is complete."""
        root = Path(self.root)
        files = [root / part for part in PARTS if (root / part).is_file()]
        for part in PARTS:
            files += [path for path in (root / part).rglob("*") if path.is_file()]
        lines = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
            for path in sorted(files)
            if path.suffix != ".pyc"
        ]
        written = root / "build" / "SHA256SUMS"
        written.parent.mkdir(exist_ok=True)
        written.write_text("".join(lines), encoding="utf-8")
        return written
