# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual machines of a Proxmox VE cluster."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from ...engine.errors import Unavailable, VirtbridgeError
from ...engine.field import Field
from ...engine.resource import Query, Wait
from ...machine import MACHINE
from .. import guests
from ..api import Client
from ..platform import PLATFORM

_THREADS = 4
_STATES = (
    "running",
    "stopped",
    "paused",
    "starting",
    "migrating",
    "provisioning",
    "unknown",
)


class VmInfo:
    """Lists virtual machines: one request for all, more for each only when asked."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired = client, desired
        self._lost: dict[str, Unavailable] = {}

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Return the machines that match, ordered by id."""
        rows: Iterator[dict[str, Any]] = filter(self._matches, guests.guest_rows(self._client))
        if "paused" in (self._desired.get("state") or ()):
            # Only a guest's own status tells paused from running.
            rows = self._each(rows, self._with_status)
        states = self._desired.get("state")
        kept = (row for row in rows if not states or guests.state_of(row) in states)
        if not self._desired.get("details"):
            yield from map(guests.normalised, kept)
            return
        limit = self._desired["limit"]
        yield from self._each(islice(kept, limit or None), self._detailed)
        yield from map(guests.normalised, kept)

    def _each(self, rows: Any, work: Any) -> Iterator[Any]:
        with ThreadPoolExecutor(_THREADS) as pool:
            yield from pool.map(work, list(rows))

    def _matches(self, row: Mapping[str, Any]) -> bool:
        desired = self._desired
        tags = set(guests.tags_of(row.get("tags")))
        pattern = desired.get("name")
        return (
            desired.get("vmid") in {None, row["vmid"]}
            and (pattern is None or fnmatch.fnmatchcase(str(row.get("name") or ""), pattern))
            and desired.get("node") in {None, row.get("node")}
            and desired.get("pool") in {None, row.get("pool")}
            and set(desired.get("tags") or ()) <= tags
            and desired.get("template") in {None, bool(row.get("template"))}
        )

    def _with_status(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if row.get("status") != "running":
            return dict(row)
        return {**row, **self._of(row, "/status/current")}

    def _of(self, row: Mapping[str, Any], below: str) -> Any:
        """Return what a node says of a guest; one that is silent costs its time only once."""
        node = str(row["node"])
        if node in self._lost:
            raise self._lost[node]
        try:
            return self._client.get(guests.guest_path(row, below))
        except Unavailable as error:
            self._lost[node] = error
            raise

    def _detailed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            full = self._with_status(row)
            config = self._of(row, "/config")
        except VirtbridgeError as error:
            # One unreachable node must not hide the guests of the others.
            self._client.warn(f"{guests.label(row)}: no details. {error.message}")
            return guests.normalised(row)
        return guests.normalised(full, config, self._addresses(full, config))

    def _addresses(self, row: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, list[str]]:
        agent = guests.options_of(str(config.get("agent") or ""), "enabled")
        if row.get("status") != "running" or agent.get("enabled", "0") in {"0", "", "no", "off"}:
            return {}
        try:
            answer = self._client.get(guests.guest_path(row, "/agent/network-get-interfaces"))
        except VirtbridgeError:
            return {}
        return {
            str(nic.get("hardware-address", "")).lower(): [
                str(address["ip-address"]) for address in nic.get("ip-addresses") or ()
            ]
            for nic in (answer or {}).get("result") or ()
        }


VM_INFO = Query(
    name="proxmox_vm_info",
    summary="List the virtual machines of a Proxmox VE cluster",
    description=(
        "Returns the virtual machines that match all given options, ordered by id.",
        "One request lists them all. Disks, network cards, addresses and the operating system "
        "cost more requests for each machine, and come only with O(details).",
    ),
    platform=PLATFORM,
    returns=(Field("vmid", int, doc="Id of the machine."), *MACHINE),
    operations=VmInfo,
    fields=(
        Field("vmid", int, role="option", min=100, max=999999999, doc="Only the one of this id."),
        Field(
            "name",
            str,
            role="option",
            doc="Only those of this name; V(*) and V(?) stand for any text and any character.",
        ),
        Field("node", str, role="option", doc="Only those on this node."),
        Field("pool", str, role="option", doc="Only those in this resource pool."),
        Field("tags", list, elements=str, role="option", doc="Only those with all these tags."),
        Field(
            "state",
            list,
            elements=str,
            choices=_STATES,
            role="option",
            doc="Only those in one of these states.",
        ),
        Field("template", bool, role="option", doc="Only templates, or only what is none."),
        Field(
            "details",
            bool,
            role="option",
            default=False,
            doc="Also return disks, network cards, addresses and the operating system.",
        ),
    ),
)
