# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A guest's configuration: from Proxmox VE's keys and property strings to fields, and back.

The server rewrites what it is sent (it adds MAC addresses, turns ``store:8`` into a volume with a
size, sorts tags), so both sides are parsed and compared part by part; when a device is written,
the parts that nobody spoke of are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from .guest_devices import (
    address_of,
    address_text,
    disk_of,
    disk_text,
    is_true,
    nic_of,
    nic_text,
)
from .guests import options_of, tags_of

DISK_SLOT = r"(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:1[0-5]|\d))"
NIC_SLOT = r"net(?:[12]?\d|3[01])"
_ENDS, _ADDRESS_ENDS = re.compile(r"[\s;]+"), re.compile(r"[\s,;]+")
_ADDRESSES = re.compile(r"ipconfig\d+")
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
_DEFAULTS = {"description": "", "cores": 1, "sockets": 1, "memory": 512, "bios": "seabios"}
"""What the server means where a configuration says nothing (qemu-server, schema)."""


def fields_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as the resource's fields; what it leaves open is left out."""
    fields: dict[str, Any] = dict(_DEFAULTS)
    for name in _PLAIN:
        if name in config:
            fields[name] = _plain(name, config[name])
    for name, key in _CLOUD_INIT.items():
        fields[name] = str(config.get(key, ""))
    fields["tags"] = tags_of(config.get("tags"))
    fields["agent"] = is_true(options_of(str(config.get("agent") or "0"), "enabled")["enabled"])
    order = options_of(str(config.get("boot") or ""), "legacy").get("order", "")
    fields["boot_order"] = [slot for slot in _ENDS.split(order) if slot]
    fields["ci_ssh_keys"] = _lines(unquote(str(config.get("sshkeys") or "")))
    fields["ci_nameservers"] = _ADDRESS_ENDS.split(str(config.get("nameserver") or ""))
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
        address_of(slot, str(config[slot])) for slot in sorted(config) if _ADDRESSES.fullmatch(slot)
    ]
    return fields


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
            values |= _WRITERS[name](value, config)
        elif name in _DEVICES:
            written, removed = _devices(name, value, config)
            values |= written
            gone += removed
    # Nothing is said by leaving the key out; the server refuses some of them when empty.
    gone += [key for key, value in values.items() if value == "" and key in config]
    return {key: value for key, value in values.items() if value != ""}, gone


def as_written(
    desired: Sequence[str], actual: Sequence[str], canonical: Callable[[str], str]
) -> list[str]:
    """Return ``actual`` in the user's spelling, where the server stores another of the same.

    It lowers tags, unless told otherwise, and trims keys.
    """
    present = set(actual)
    spelled = {text: canonical(text) for text in desired}
    same = [text for text in spelled if text in present or spelled[text] in present]
    covered = {spelled[text] if text not in present else text for text in same}
    return [*(text for text in actual if text not in covered), *same]


def _devices(
    name: str, value: Sequence[Mapping[str, Any]], config: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    pattern, read, write = _DEVICES[name]
    wanted = {_slot(entry): entry for entry in value}
    present = [key for key in config if re.fullmatch(pattern, key)]
    gone = [key for key in present if key not in wanted and _owned(name, config[key])]
    values = {}
    for slot, entry in wanted.items():
        was = str(config.get(slot) or "")
        text = write(entry, was)
        # One that only would be spelled anew is left alone: writing it may plug it in again.
        if not was or read(slot, text) != read(slot, was):
            values[slot] = text
    return values, gone


def _owned(name: str, text: Any) -> bool:
    return name != "disks" or not _is_cdrom(str(text))


def _slot(entry: Mapping[str, Any]) -> str:
    return str(entry["slot"]) if "slot" in entry else entry["nic"].replace("net", "ipconfig")


_DEVICES: Mapping[str, Any] = {
    "disks": (DISK_SLOT, disk_of, disk_text),
    "nics": (NIC_SLOT, nic_of, nic_text),
    "ci_addresses": (r"ipconfig\d+", address_of, address_text),
}
_WRITERS: Mapping[str, Any] = {
    "tags": lambda tags, _config: {"tags": ";".join(tags)},
    "agent": lambda on, config: {"agent": _agent_text(on, str(config.get("agent") or ""))},
    "boot_order": lambda slots, _config: {"boot": f"order={';'.join(slots)}" if slots else ""},
    "ci_password": lambda text, _config: {"cipassword": text},
    "ci_ssh_keys": lambda keys, _config: {
        "sshkeys": quote("\n".join(key.strip() for key in keys), safe="")
    },
    "ci_nameservers": lambda servers, _config: {"nameserver": " ".join(servers)},
}


def _agent_text(on: bool, present: str) -> str:
    options = options_of(present, "enabled") if present else {}
    options.pop("enabled", None)
    return ",".join([str(int(on)), *(f"{name}={value}" for name, value in options.items())])


def _plain(name: str, value: Any) -> Any:
    if name in _SWITCHES:
        return is_true(str(value))
    if name == "memory":
        return int(options_of(str(value), "current")["current"])
    return int(value) if name in _NUMBERS else str(value)


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
