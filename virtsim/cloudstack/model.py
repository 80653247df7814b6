# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a cloud: tables of rows, each row a mapping with an id."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from ..core.state import Dict, Record

TABLES = {
    "AffinityGroup": "affinity_groups",
    "Account": "accounts",
    "Cluster": "clusters",
    "DiskOffering": "disk_offerings",
    "Domain": "domains",
    "GuestOS": "os_types",
    "Host": "hosts",
    "Network": "networks",
    "NetworkOffering": "network_offerings",
    "Pod": "pods",
    "Project": "projects",
    "SSHKeyPair": "ssh_keys",
    "SecurityGroup": "security_groups",
    "ServiceOffering": "service_offerings",
    "StoragePool": "pools",
    "Template": "templates",
    "User": "users",
    "UserVm": "machines",
    "VMSnapshot": "machine_snapshots",
    "Volume": "volumes",
    "Zone": "zones",
}
"""The table of each kind of object that an id can mean."""

Row = dict[str, Any]


class Cloud(Record):
    """Everything there is."""

    def __init__(self) -> None:
        """Make an empty cloud."""
        super().__init__()
        self.tables: Dict[str, Any] = Dict({table: Dict() for table in (*TABLES.values(), "jobs")})
        self.removed: Dict[str, str] = Dict()
        self.counters: Dict[str, int] = Dict()

    def add(self, table: str, row: Row) -> Row:
        """Put a row into a table, under a new id unless it has one."""
        row.setdefault("id", self.new_id(table))
        self.tables[table][row["id"]] = row
        added: Row = self.tables[table][row["id"]]
        return added

    def remove(self, table: str, ident: str) -> None:
        """Take a row out if it is there; its id stays known."""
        if ident in self.tables[table]:
            del self.tables[table][ident]
            self.removed[ident] = table

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table."""
        yield from self.tables[table].values()

    def get(self, table: str, ident: str | None) -> Row:
        """Return a row, an empty one when there is none."""
        return self.tables[table].get(ident) or {}

    def count(self, name: str) -> int:
        """Return the next number of a sequence."""
        self.counters[name] = self.counters.get(name, 0) + 1
        number: int = self.counters[name]
        return number

    def new_id(self, table: str) -> str:
        """Return an id that is the same in each run."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"virtsim:{table}:{self.count(table)}"))


def stamp(seconds: float) -> str:
    """Return a time as the server writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(seconds))
