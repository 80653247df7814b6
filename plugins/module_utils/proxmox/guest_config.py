# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A guest's configuration: from Proxmox VE's keys and property strings to fields, and back.

The server rewrites what it is sent (it adds MAC addresses, turns ``store:8`` into a volume with a
size, sorts tags), so both sides are parsed and compared part by part; when a device is written,
the parts that nobody spoke of are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from .guests import gib_of, options_of, tags_of

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
DISK_SLOT = r"(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:1[0-5]|\d))"
NIC_SLOT = r"net(?:[12]?\d|3[01])"
_TRUE = {"1", "on", "yes", "true"}
_PLAIN = (
    "name",
    "description",
    "cores",
    "sockets",
    "cpu",
    "memory",
    "balloon",
    "ostype",
    "bios",
    "machine",
    "scsihw",
    "onboot",
    "protection",
)
_NUMBERS = frozenset({"cores", "sockets", "memory", "balloon"})
_SWITCHES = frozenset({"onboot", "protection"})
_CLOUD_INIT = {"ci_user": "ciuser", "ci_search_domain": "searchdomain"}
_DISK_SWITCHES = {"ssd": "1", "iothread": "1", "discard": "on"}


def fields_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as the resource's fields; what it does not say is left out."""
    fields: dict[str, Any] = {}
    for name in _PLAIN:
        if name in config:
            fields[name] = _plain(name, config[name])
    for name, key in _CLOUD_INIT.items():
        if key in config:
            fields[name] = str(config[key])
    fields["tags"] = tags_of(config.get("tags"))
    fields["agent"] = _is_true(options_of(str(config.get("agent") or "0"), "enabled")["enabled"])
    fields["boot_order"] = [
        slot
        for slot in options_of(str(config.get("boot") or ""), "legacy").get("order", "").split(";")
        if slot.strip()
    ]
    fields["ci_ssh_keys"] = _lines(unquote(str(config.get("sshkeys") or "")))
    fields["ci_nameservers"] = re.split(r"[\s,;]+", str(config.get("nameserver") or ""))
    fields["ci_nameservers"] = [each for each in fields["ci_nameservers"] if each]
    fields["disks"] = [
        disk_of(slot, str(config[slot]))
        for slot in sorted(config)
        if re.fullmatch(DISK_SLOT, slot) and not _is_cdrom(str(config[slot]))
    ]
    fields["nics"] = [
        nic_of(slot, str(config[slot])) for slot in sorted(config) if re.fullmatch(NIC_SLOT, slot)
    ]
    fields["ci_addresses"] = [
        address_of(slot, str(config[slot]))
        for slot in sorted(config)
        if re.fullmatch(r"ipconfig\d+", slot)
    ]
    return fields


def disk_of(slot: str, text: str) -> dict[str, Any]:
    """Return a disk as the sub-options of ``disks``."""
    options = options_of(text, "file")
    storage, _mark, _volume = options.get("file", "").partition(":")
    disk: dict[str, Any] = {"slot": slot, "storage": storage, "size_gib": None}
    size = gib_of(options.get("size", ""))
    if size is not None:
        disk["size_gib"] = int(size) if size == int(size) else size
    for name, word in _DISK_SWITCHES.items():
        disk[name] = options.get(name) == word
    disk["backup"] = _is_true(options.get("backup", "1"))
    disk["cache"] = options.get("cache", "none")
    return disk


def nic_of(slot: str, text: str) -> dict[str, Any]:
    """Return a network card as the sub-options of ``nics``."""
    options = options_of(text, "model")
    model, mac = options.get("model"), options.get("macaddr")
    for name, value in options.items():
        if _MAC.fullmatch(value) and name != "macaddr":
            model, mac = name, value
    return {
        "slot": slot,
        "model": model,
        "mac": mac.upper() if mac else None,
        "bridge": options.get("bridge"),
        "vlan": int(options["tag"]) if options.get("tag", "").isdecimal() else None,
        "firewall": _is_true(options.get("firewall", "0")),
        "link_down": _is_true(options.get("link_down", "0")),
        "mtu": int(options["mtu"]) if options.get("mtu", "").isdecimal() else None,
    }


def address_of(slot: str, text: str) -> dict[str, Any]:
    """Return cloud-init's address of one card as the sub-options of ``ci_addresses``."""
    options = options_of(text, "ip")
    return {
        "nic": slot.replace("ipconfig", "net"),
        "address": options.get("ip"),
        "gateway": options.get("gw"),
        "address6": options.get("ip6"),
        "gateway6": options.get("gw6"),
    }


def parameters_of(
    after: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return what to send so that the configuration says ``after``: values, and keys to delete.

    ``after`` has only fields that change, whole; ``config`` is what is there. New disks get a
    volume allocated; the size of an existing one is not in here, it grows by a resize.
    """
    values: dict[str, Any] = {}
    gone: list[str] = []
    for name, value in after.items():
        if name in _PLAIN:
            values[name] = value
        elif name in _CLOUD_INIT:
            values[_CLOUD_INIT[name]] = value
        elif name in _WRITERS:
            values |= _WRITERS[name](value)
        elif name in _DEVICES:
            prefix, write = _DEVICES[name]
            wanted = {_slot(entry): entry for entry in value}
            present = [key for key in config if re.fullmatch(prefix, key)]
            gone += [key for key in present if key not in wanted and _owned(name, config[key])]
            for slot, entry in wanted.items():
                text = write(entry, str(config.get(slot) or ""))
                if text != config.get(slot):
                    values[slot] = text
    return values, gone


def _owned(name: str, text: Any) -> bool:
    return name != "disks" or not _is_cdrom(str(text))


def _slot(entry: Mapping[str, Any]) -> str:
    return str(entry["slot"]) if "slot" in entry else entry["nic"].replace("net", "ipconfig")


def _disk_text(disk: Mapping[str, Any], present: str) -> str:
    options = options_of(present, "file") if present else {}
    if not present:
        source = disk.get("import_from")
        options["file"] = f"{disk['storage']}:{0 if source else disk['size_gib']}"
        if source:
            options["import-from"] = source
        if disk.get("format"):
            options["format"] = disk["format"]
    for name, word in _DISK_SWITCHES.items():
        _switch(options, name, disk.get(name), word)
    if disk.get("backup") is not None:
        _switch(options, "backup", not disk["backup"], "0")
    if disk.get("cache") is not None:
        _switch(options, "cache", disk["cache"] != "none", disk["cache"])
    file = options.pop("file")
    return ",".join([file, *(f"{name}={value}" for name, value in options.items())])


def _nic_text(nic: Mapping[str, Any], present: str) -> str:
    options = options_of(present, "model") if present else {}
    was = nic_of("", present) if present else {}
    options = {
        name: value
        for name, value in options.items()
        if name not in {"model", "macaddr"} and not _MAC.fullmatch(value)
    }
    model = nic.get("model") or was.get("model") or "virtio"
    mac = nic.get("mac") or was.get("mac")
    for name, key in (("bridge", "bridge"), ("vlan", "tag"), ("mtu", "mtu")):
        if nic.get(name) is not None:
            options[key] = str(nic[name])
    for name in ("firewall", "link_down"):
        _switch(options, name, nic.get(name), "1")
    first = f"{model}={mac.upper()}" if mac else model
    return ",".join([first, *(f"{name}={value}" for name, value in options.items())])


def _address_text(entry: Mapping[str, Any], _present: str) -> str:
    keys = (("ip", "address"), ("gw", "gateway"), ("ip6", "address6"), ("gw6", "gateway6"))
    return ",".join(f"{key}={entry[name]}" for key, name in keys if entry.get(name))


def _switch(options: dict[str, str], name: str, wanted: Any, word: str) -> None:
    if wanted:
        options[name] = word
    elif wanted is not None:
        options.pop(name, None)


_DEVICES: Mapping[str, Any] = {
    "disks": (DISK_SLOT, _disk_text),
    "nics": (NIC_SLOT, _nic_text),
    "ci_addresses": (r"ipconfig\d+", _address_text),
}
_WRITERS: Mapping[str, Any] = {
    "tags": lambda tags: {"tags": ";".join(tags)},
    "agent": lambda on: {"agent": int(on)},
    "boot_order": lambda slots: {"boot": f"order={';'.join(slots)}"},
    "ci_password": lambda text: {"cipassword": text},
    "ci_ssh_keys": lambda keys: {"sshkeys": quote("\n".join(keys), safe="")},
    "ci_nameservers": lambda servers: {"nameserver": " ".join(servers)},
}


def _plain(name: str, value: Any) -> Any:
    if name in _SWITCHES:
        return _is_true(str(value))
    if name == "memory":
        return int(options_of(str(value), "current")["current"])
    return int(value) if name in _NUMBERS else str(value)


def _is_true(text: str) -> bool:
    return text.lower() in _TRUE


def _is_cdrom(text: str) -> bool:
    return options_of(text, "file").get("media") == "cdrom" or text.startswith("none")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def with_pending(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return from ``/pending`` what is configured, and what of it waits for a restart.

    A row is ``{key, value, pending, delete}``; ``delete`` marks a key that goes.
    """
    config: dict[str, Any] = {}
    waiting: dict[str, Any] = {}
    for row in rows:
        key = str(row["key"])
        if "pending" in row:
            config[key] = waiting[key] = row["pending"]
        elif row.get("delete"):
            waiting[key] = None
        elif "value" in row:
            config[key] = row["value"]
    return config, waiting
