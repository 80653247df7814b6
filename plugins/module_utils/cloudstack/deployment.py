# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What an instance is deployed with: names become ids, sizes become details."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..engine.errors import ValidationFailed
from . import named
from .client import Client
from .scope import Scope
from .wire import Flat, Records


class Deployment:
    """Looks up what a task names, in the zone and for the owner that it means."""

    def __init__(self, client: Client, scope: Scope) -> None:
        self._client, self._scope = client, scope

    def parameters(self, after: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of deployVirtualMachine.

        Raises ValidationFailed for what is missing, NotFound for what does not exist.
        """
        missing = [name for name in ("template", "service_offering") if not after.get(name)]
        if missing:
            raise ValidationFailed(
                f"{' and '.join(missing)}: needed to create an instance. Nothing was changed.",
                fields=dict.fromkeys(missing, "needed to create an instance"),
            )
        zone = self._scope.zone()["id"]
        return {
            "zoneid": zone,
            **self._scope.owner(),
            **self._sized(after, zone),
            **self._placed(after, zone),
            "name": after.get("name"),
            "displayname": after.get("display_name"),
            "group": after.get("group"),
            "userdata": encoded(after.get("user_data")),
            "keypairs": after.get("ssh_keys"),
            "affinitygroupnames": after.get("affinity_groups"),
            "dynamicscalingenabled": after.get("dynamic_scaling"),
        }

    def offering(self, wanted: str) -> str:
        """Return the id of a service offering."""
        kind = named.SERVICE_OFFERING
        found = named.find(self._client, kind, wanted, kind.option, **self._scope.owner())
        return str(found["id"])

    def network(self, nic: Mapping[str, Any], zone: str) -> dict[str, Any]:
        """Return the id of a card's network and the address it is to take."""
        owner = self._scope.owner()
        found = named.find(
            self._client, named.NETWORK, nic["network"], "nics", zoneid=zone, **owner
        )
        return {"networkid": found["id"], "ip": nic.get("ip_address")}

    def _sized(self, after: Mapping[str, Any], zone: str) -> dict[str, Any]:
        client, kind = self._client, named.TEMPLATE
        template = named.find(client, kind, after["template"], kind.option, zoneid=zone)
        sized = {
            "serviceofferingid": self.offering(after["service_offering"]),
            "templateid": template["id"],
            "details": details(after),
            "rootdisksize": after.get("root_disk_gib"),
        }
        if after.get("disk_offering"):
            kind = named.DISK_OFFERING
            disk = named.find(client, kind, after["disk_offering"], kind.option)
            sized |= {"diskofferingid": disk["id"], "size": after.get("disk_gib")}
        return sized

    def _placed(self, after: Mapping[str, Any], zone: str) -> dict[str, Any]:
        placed: dict[str, Any] = {}
        nics = [self.network(nic, zone) for nic in after.get("nics") or ()]
        if any(nic["ip"] for nic in nics):
            placed["iptonetworklist"] = Records(nics)
        elif nics:
            placed["networkids"] = [nic["networkid"] for nic in nics]
        if after.get("host"):
            host = named.find(self._client, named.HOST, after["host"], "host")
            placed["hostid"] = host["id"]
        return placed


def details(after: Mapping[str, Any]) -> Flat | None:
    """Return the size that an offering leaves open, as the details of a command."""
    given = {"cpuNumber": after.get("cpus"), "memory": after.get("memory_mib")}
    known = {name: value for name, value in given.items() if value is not None}
    return Flat(known) if known else None


def encoded(text: str | None) -> str | None:
    """Return user data as it is sent."""
    return None if text is None else base64.b64encode(text.encode()).decode()


def decoded(text: Any) -> str:
    """Return user data as a task writes it; what is no base64 text stays as it is."""
    try:
        return base64.b64decode(str(text or ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return str(text)
