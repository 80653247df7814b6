# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform whose every free text is hostile: names, tags, notes, what guests and tasks say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import virtsim

MARK = re.compile(r"~(\d+)~")
"""Each text ends with its number, so that one sees which of them an answer shows."""
_LONGEST = 2000


@dataclass(frozen=True)
class Kind:
    """Which keys of a platform's answers hold free text, and calls that show them.

    ``reads`` are vendor operations with their arguments, ``fails`` lets what they start fail.
    """

    keys: frozenset[str]
    fails: str
    reads: tuple[tuple[str, dict[str, Any]], ...]


_NODE = {"node": "pve1"}
_GUEST = {**_NODE, "vmid": 100}
_AGENT = "proxmox:GET /nodes/{node}/qemu/{vmid}/agent"
KINDS = {
    "proxmox": Kind(
        keys=frozenset({
            "name", "tags", "description", "comment", "t", "exitstatus", "host-name", "pretty-name",
            "version", "kernel-release", "machine", "ip-address", "hardware-address", "template",
            "statustext", "email", "firstname", "content",
        }),
        fails="fail_task",
        reads=(
            ("proxmox:GET /cluster/resources", {}),
            ("proxmox:GET /nodes/{node}/qemu", _NODE),
            ("proxmox:GET /nodes/{node}/qemu/{vmid}/config", _GUEST),
            (f"{_AGENT}/network-get-interfaces", _GUEST),
            (f"{_AGENT}/get-osinfo", _GUEST),
            (f"{_AGENT}/get-host-name", _GUEST),
            ("proxmox:GET /nodes/{node}/qemu/{vmid}/snapshot", {**_NODE, "vmid": 110}),
            ("proxmox:GET /nodes/{node}/tasks", _NODE),
            ("proxmox:GET /access/users", {}),
            ("proxmox:GET /pools", {}),
        ),
    ),
    "cloudstack": Kind(
        keys=frozenset({
            "name", "displayname", "displaytext", "group", "osdisplayname", "osname", "key",
            "value", "templatename", "templatedisplaytext", "serviceofferingname", "hostname",
            "networkname", "keypairs", "ipaddress", "macaddress", "description", "hypervisor",
            "account", "domain", "errortext",
        }),
        fails="fail_job",
        reads=(
            ("cloudstack:listVirtualMachines", {}),
            ("cloudstack:listTemplates", {"templatefilter": "all"}),
            ("cloudstack:listNetworks", {}),
            ("cloudstack:listVolumes", {}),
            ("cloudstack:listZones", {}),
        ),
    ),
    "kubevirt": Kind(
        keys=frozenset({
            "printableStatus", "message", "reason", "prettyName", "kernelRelease", "versionId",
            "hostname", "interfaceName", "ipAddress", "mac", "nodeName", "guestOSInfo", "phase",
            # What stands below them, whatever its key.
            "labels", "annotations", "ipAddresses",
        }),
        fails="fail_start",
        reads=(
            ("kubevirt:list kubevirt.io/VirtualMachine", {}),
            ("kubevirt:list kubevirt.io/VirtualMachineInstance", {}),
            ("kubevirt:list core/Node", {}),
            ("kubevirt:list core/Namespace", {}),
        ),
    ),
}  # fmt: skip


class Poison:
    """Puts the texts into the answers of a running simulator, one after the other, again."""

    def __init__(self, sim: virtsim.SimServer, keys: frozenset[str], texts: list[str]) -> None:
        self._keys, self._texts = keys, texts
        self._next = self._numbers()
        self.sent: set[int] = set()
        simulator: Any = sim.simulator
        self._answer = simulator.answer
        simulator.answer = self._poisoned

    def _numbers(self) -> Iterator[int]:
        while True:
            yield from range(len(self._texts))

    def _poisoned(self, request: Any, **more: Any) -> Any:
        # A server that compresses would have its own words in there.
        request.headers = {
            key: value for key, value in request.headers.items() if key != "accept-encoding"
        }
        response = self._answer(request, **more)
        try:
            content = json.loads(response.body)
        except ValueError:
            return response
        response.body = json.dumps(self._within(content, inside=False)).encode()
        return response

    def _within(self, value: Any, *, inside: bool) -> Any:
        if isinstance(value, dict):
            return {
                key: self._within(part, inside=inside or key in self._keys)
                for key, part in value.items()
            }
        if isinstance(value, list):
            return [self._within(part, inside=inside) for part in value]
        return self._text() if inside and isinstance(value, str) else value

    def _text(self) -> str:
        number = next(self._next)
        self.sent.add(number)
        text = self._texts[number]
        return f"{text}~{number}~" if len(text) < _LONGEST else f"~{number}~{text}"
