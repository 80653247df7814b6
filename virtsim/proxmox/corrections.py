# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of the served API that its published schema leaves out.

The published schema flattens validators to names; what a name means stands in the vendor's
sources. Each entry here was seen in an answer of the real code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SDN_ID = {"pattern": "[a-z][a-z0-9]*[a-z0-9]"}
SHORT_ID = {**SDN_ID, "maxLength": 8, "format": None}

DHCP_RANGE = {
    "start-address": {"type": "string", "format": "ip"},
    "end-address": {"type": "string", "format": "ip"},
}
ANY_TEXTS = {"items": {"type": "string"}}
DHCP_RANGES = {"items": {"type": "string", "format": DHCP_RANGE}}

# Parameters by operation.
PARAMETERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "POST /cluster/sdn/zones": {"zone": SHORT_ID},
    "POST /cluster/sdn/vnets": {"vnet": SHORT_ID},
    "POST /storage": {"blocksize": {"format": "pve-storage-zfs-blocksize"}},
    "PUT /storage/{storage}": {"blocksize": {"format": "pve-storage-zfs-blocksize"}},
    "POST /cluster/notifications/endpoints/sendmail": {"mailto": ANY_TEXTS},
    "POST /cluster/notifications/endpoints/smtp": {"mailto": ANY_TEXTS},
    "PUT /cluster/notifications/endpoints/sendmail/{name}": {"mailto": ANY_TEXTS},
    "PUT /cluster/notifications/endpoints/smtp/{name}": {"mailto": ANY_TEXTS},
    "POST /cluster/sdn/controllers": {"controller": {**SDN_ID, "format": None}},
    "POST /cluster/sdn/ipams": {"ipam": {**SDN_ID, "format": None}},
    "POST /cluster/sdn/dns": {"dns": {**SDN_ID, "format": None}},
    "POST /cluster/sdn/vnets/{vnet}/subnets": {
        "subnet": {"format": "CIDR"},
        "dhcp-range": DHCP_RANGES,
    },
    "PUT /cluster/sdn/vnets/{vnet}/subnets/{subnet}": {"dhcp-range": DHCP_RANGES},
}
# Operations whose section schema the server chooses by a type that it does not insist on.
LOOSE = frozenset({"POST /cluster/ha/rules", "PUT /cluster/ha/rules/{rule}"})
LOOSE_KEYS = ("type", "rule", "resources")

# Keys of property strings by format.
PROPERTIES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "backup-performance": {
        "max-workers": {"minimum": 1, "maximum": 256},
        "pbs-entries-max": {"minimum": 1},
    },
    "pve-tfa-config": {"type": {"enum": ["yubico", "oath"]}},
    "realm-sync-options": {
        "remove-vanished": {
            "pattern": "(?:(?:acl|properties|entry);)*(?:acl|properties|entry)|none"
        }
    },
    "proxmox-remote": {"fingerprint": {"pattern": "(?:[A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}"}},
}


def merge(found: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay a schema; None takes a fact away."""
    return {k: v for k, v in {**found, **extra}.items() if v is not None}
