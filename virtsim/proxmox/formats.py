# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which format a name stands for, and the checks above single values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import formats_firewall as firewall
from . import formats_names as names
from . import formats_net as net
from . import propstring
from .catalog import Catalog
from .errors import FormatError

SIMPLE: Mapping[str, Callable[[str], None]] = {
    "CIDR": net.cidr,
    "CIDRv4": net.cidr4,
    "CIDRv6": net.cidr6,
    "IPorCIDR": net.ip_or_cidr,
    "IPorCIDRorAlias": net.ip_or_cidr_or_alias,
    "address": net.address,
    "dns-name": net.dns_name,
    "disk-size": names.disk_size,
    "email": names.email,
    "email-or-username": names.email_or_user,
    "graphite-path": names.graphite_path,
    "ip": net.ip,
    "ipv4": net.ipv4,
    "ipv4mask": net.ipv4mask,
    "ipv6": net.ipv6,
    "ldap-simple-attr": names.ldap_attribute,
    "lxc-ip-with-ll-iface": net.ip_with_interface,
    "mac-addr": net.mac,
    "mac-prefix": net.mac_prefix,
    "pve-acme-alias": names.acme_domain,
    "pve-acme-domain": names.acme_domain,
    "pve-bridge-id": net.bridge,
    "pve-configid": names.configid,
    "pve-cpuset": names.cpuset,
    "pve-dir-override": names.dir_override,
    "pve-fw-addr-spec": firewall.addresses,
    "pve-fw-dport-spec": firewall.ports,
    "pve-fw-icmp-type-spec": firewall.icmp_type,
    "pve-fw-protocol-spec": firewall.protocol,
    "pve-fw-sport-spec": firewall.ports,
    "pve-groupid": names.group,
    "pve-hotplug-features": names.hotplug,
    "pve-iface": net.iface,
    "pve-ipv4-config": net.ipv4_config,
    "pve-ipv6-config": net.ipv6_config,
    "pve-lxc-dev-string": names.device_path,
    "pve-lxc-mp-string": names.mount_point,
    "pve-node": names.node,
    "pve-phys-bits": names.phys_bits,
    "pve-poolid": names.pool,
    "pve-priv": names.privilege,
    "pve-qm-bootdev": names.boot_device,
    "pve-qm-bootdisk": names.boot_disk,
    "pve-realm": names.realm,
    "pve-replication-job-id": names.replication_job,
    "pve-roleid": names.role,
    "pve-sdn-bgp-rt": net.route_target,
    "pve-sdn-fabric-id": net.fabric,
    "pve-sdn-isis-net": net.isis_net,
    "pve-startup-order": names.startup,
    "pve-storage-content": names.content,
    "pve-storage-id": names.storage_id,
    "pve-storage-path": names.absolute_path,
    "pve-storage-path-in-property-string": names.mapped_path,
    "pve-storage-portal-dns": net.portal,
    "pve-storage-zfs-blocksize": names.zfs_blocksize,
    "pve-tag": names.tag,
    "pve-task-status-type": names.task_status,
    "pve-tokenid": names.token,
    "pve-userid": names.user,
    "pve-vlan-id-or-range": net.vlan_range,
    "pve-vmid": names.vmid,
    "pve-volume-id": names.volume_id,
    "pve-volume-id-or-absolute-path": names.volume_or_path,
    "pve-volume-id-or-qm-path": names.drive_file,
    "storage-pair": names.storage_pair,
    "urlencoded": names.urlencoded,
}

# What the server spells as a list that may also be another format's name.
DRIVE_FORMATS = {"pve-qm-ide": "qemu.ide"}
parse = propstring.parse


def split_list(value: str) -> list[str]:
    """Split a list as every `-list` format does."""
    return [part for part in re.split(r"[,;\0\s]+", value.strip()) if part]


class Registry:
    """Named formats of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Keep the catalog for the property strings."""
        self._catalog = catalog

    def check(self, name: str, value: str, path: str, check: propstring.Check) -> Any:
        """Check a value against a named format, or raise its text."""
        base, kind = name, ""
        match = re.fullmatch(r"(.*?)-(a?list|opt)", name)
        if match:
            base, kind = match[1], match[2]
        if kind.endswith("list"):
            for part in split_list(value):
                SIMPLE.get(base, names.anything)(part)
            return None
        if kind == "opt" and not value:
            return None
        if base in SIMPLE:
            SIMPLE[base](value)
            return None
        props = self._props(base)
        if props is None:
            return None
        found = propstring.parse(props, value, check, path)
        return validate_nested(base, found, self._catalog)

    def _props(self, name: str) -> propstring.Props | None:
        if name in DRIVE_FORMATS:
            nested: propstring.Props = self._catalog.nested[DRIVE_FORMATS[name]]["props"]
            return nested
        if name in self._catalog.named:
            named: propstring.Props = self._catalog.named[name]["props"]
            return named
        return None


def registry(catalog: Catalog) -> Registry:
    """Build the registry of a catalog."""
    return Registry(catalog)


def validate_nested(name: str, found: dict[str, str], catalog: Catalog) -> dict[str, str]:
    """Apply the rules of a property string that concern several keys."""
    if name == "pve-vm-cpu-conf":
        _check_cpu(found, catalog)
    elif name == "prune-backups":
        if found.get("keep-all") == "1" and len(found) > 1:
            raise FormatError("keep-all cannot be set together with other options.\n")
    elif name == "backup-fleecing" and found.get("enabled") == "1" and "storage" not in found:
        raise FormatError("'storage' parameter is required when 'enabled' is set\n")
    return found


def _check_cpu(found: dict[str, str], catalog: Catalog) -> None:
    model = found.get("cputype")
    if not model:
        raise FormatError("CPU is missing cputype\n")
    if model.startswith("custom-"):
        raise FormatError(f"Custom cputype '{model.removeprefix('custom-')}' not found\n")
    known = {"host", "max", *(m for arch in catalog.cpu_models.values() for m in arch)}
    if model not in known:
        text = f"Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)\n"
        raise FormatError(text)
    if "reported-model" in found:
        text = "Property 'reported-model' not allowed in VM-specific CPU config.\n"
        raise FormatError(text)
