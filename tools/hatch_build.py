# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collection and the simulators' facts into the wheel.

Not into an editable install: there the checkout itself is what runs, and a copy would go stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COLLECTION = "mcp_bridge/_collections/ansible_collections/virtbridge/core"
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
        for facts in Path(self.root, "plugins/module_utils").glob("*/catalog.json"):
            included[str(facts)] = f"virtsim/{facts.parent.name}/catalog.json"
