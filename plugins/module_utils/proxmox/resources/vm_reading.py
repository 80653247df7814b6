# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""How a Proxmox VE virtual machine is found and read, and what is refused at sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import Conflict, OperationFailed, ValidationFailed
from ...engine.resource import Wait
from .. import guests
from ..api import Client
from ..guest_config import as_written, fields_of, with_pending
from . import vm_checks, vm_fields


class VmReading:
    """Finds one virtual machine; the reading half of its operations."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._vmid: int | None = desired.get("vmid")
        # Lists of a cluster show states up to ten seconds old; that matters only to these.
        self._exact_state = (
            desired.get("state") != "present" or desired.get("restart") == "if_needed"
        )

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what vmid or name identifies, with its configuration; two or three requests."""
        absent = self._desired.get("state") == "absent"
        rows = guests.guest_rows(self._client)
        wanted = {"vmid": self._vmid} if self._vmid else {"name": self._desired.get("name")}
        found = guests.matching(rows, wanted)
        if not found and not self._vmid:
            found = self._nameless(rows, wanted["name"])
        if not found and not absent:
            self._require_creatable(rows)
        if len(found) != 1:
            return [row | {"_label": guests.label(row)} for row in found]
        actual = self._read(found[0])
        # Here, so that check mode refuses what the real run would.
        if absent:
            vm_checks.check_deletion(actual, self._desired)
        else:
            vm_checks.check_options(self._desired)
            vm_checks.check_disks(actual, self._desired)
        return [actual]

    def _nameless(self, rows: list[dict[str, Any]], name: Any) -> list[dict[str, Any]]:
        """Look into guests whose name the cluster has not broadcast yet (some ten seconds)."""
        found = []
        for row in rows:
            if row.get("name") or row.get("status") == "unknown":
                continue
            config = self._client.get(guests.guest_path(row, "/config"))
            if config.get("name") == name:
                found.append(row)
        return found

    def _require_creatable(self, rows: list[dict[str, Any]]) -> None:
        vm_checks.check_options(self._desired)
        if self._desired.get("node"):
            vm_checks.check_node(str(self._desired["node"]), self._client.get("/nodes"))
        source: Mapping[str, Any] = {}
        if self._desired.get("clone"):
            row = guests.clone_source(self._client, rows, self._desired["clone"])
            config = self._config(row, snapshot=self._desired["clone"].get("snapshot"))
            source = {**fields_of(config), "_config": config}
            source["_label"] = f"A clone of {guests.label(row)}"
            storage = self._desired["clone"].get("storage")
            if storage:
                source["disks"] = [{**disk, "storage": storage} for disk in source["disks"]]
        vm_checks.check_disks(source, self._desired)

    def _config(self, row: Mapping[str, Any], **which: Any) -> dict[str, Any]:
        config: dict[str, Any] = self._client.get(guests.guest_path(row, "/config"), **which)
        return config

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if self._exact_state:
            row = {**row, **self._client.get(guests.guest_path(row, "/status/current"))}
        if row.get("status") == "running":
            rows = self._client.get(guests.guest_path(row, "/pending"))
            config, waiting = with_pending(rows)
        else:
            config, waiting = self._config(row), {}
        fields = fields_of(config)
        for name, canonical in (("tags", str.lower), ("ci_ssh_keys", str.strip)):
            fields[name] = as_written(self._desired.get(name) or (), fields[name], canonical)
        changed = fields_of({**config, **{key: value for key, value in waiting.items() if value}})
        names = {
            name: changed[name]
            for name in fields
            if any(_speaks_of(name, key) for key in waiting) and name in changed
        }
        return {
            **row,
            **fields,
            "name": config.get("name", row.get("name")),
            "state": guests.state_of(row),
            "_label": guests.label({**row, "name": config.get("name", row.get("name"))}),
            "_config": {key: value for key, value in config.items() if key != "digest"},
            "_digest": config.get("digest"),
            "_uid": guests.uid_of(config),
            "_pending": names,
        }

    def _is_ours(self) -> bool:
        """Whether the machine under the id that was taken is the one that was asked for."""
        rows = guests.matching(guests.guest_rows(self._client), {"vmid": self._vmid})
        name = self._desired.get("name")
        return bool(rows) and (name is None or self._config(rows[0]).get("name") == name)

    def _only(self) -> Mapping[str, Any]:
        try:
            found = self.find()
        except ValidationFailed as error:
            why = error.message.removesuffix(" Nothing was changed.")
            raise OperationFailed(f"It is there, and cannot be made as asked: {why}") from error
        if len(found) != 1:
            raise Conflict(f"The machine {self._vmid} is gone; somebody else removed it.")
        return found[0]

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        config = actual["_config"]
        return guests.normalised({**actual, "tags": config.get("tags")}, config)


def _speaks_of(name: str, key: str) -> bool:
    stem = key.rstrip("0123456789")
    return vm_fields.KEYS.get(stem, key) == name
