# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of commands: what the server knows, with types, roles and risk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Command:
    """One API command."""

    name: str
    facts: Mapping[str, Any]
    params: Mapping[str, Mapping[str, Any]]

    @property
    def is_async(self) -> bool:
        """Whether it answers with a job."""
        return bool(self.facts["async"])

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return bool(self.facts["risk"] != "read")

    def allowed(self, role: str) -> bool:
        """Whether the default role of that type may call it."""
        # What the annotation of a command allows needs no rule of the role (as in 4.20).
        return role == "Admin" or any(
            role in self.facts.get(key, ()) for key in ("default_roles", "roles")
        )


class Catalog:
    """All commands of one release, by lower-case name."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Index the commands and their parameters."""
        self.commands: dict[str, Command] = {}
        for facts in source["commands"]:
            params = {each["name"].lower(): each for each in facts["params"]}
            command = Command(facts["name"], facts, params)
            self.commands[command.name.lower()] = command

    def find(self, name: str) -> Command | None:
        """Return the command of that name, whatever its case."""
        return self.commands.get(name.lower())


def catalog_file() -> Path:
    """Locate the catalog: beside this file in a wheel, in the collection in a checkout."""
    chosen = os.environ.get("VIRTSIM_CLOUDSTACK_CATALOG")
    if chosen:
        return Path(chosen)
    beside = Path(__file__).with_name("catalog.json")
    if beside.exists():
        return beside
    return Path(__file__).parents[2] / "plugins/module_utils/cloudstack/catalog.json"


@cache
def load(file: Path | None = None) -> Catalog:
    """Read the catalog once per process."""
    path = file or catalog_file()
    if not path.exists():
        raise FileNotFoundError(
            f"no catalog of CloudStack commands at {path}; "
            "run tools/catalogs.py in the checkout or set VIRTSIM_CLOUDSTACK_CATALOG"
        )
    return Catalog(json.loads(path.read_text(encoding="utf-8")))
