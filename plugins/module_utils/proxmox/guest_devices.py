# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Disks, network cards and cloud-init's addresses: property strings read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .guests import gib_of, options_of

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
_TRUE = {"1", "on", "yes", "true"}
_DISK_SWITCHES = {"ssd": "1", "iothread": "1", "discard": "on"}


def disk_of(slot: str, text: str) -> dict[str, Any]:
    """Return a disk as the sub-options of ``disks``."""
    options = _drive(text)
    storage, _mark, _volume = options.get("file", "").partition(":")
    disk: dict[str, Any] = {"slot": slot, "storage": storage, "size_gib": None}
    size = gib_of(options.get("size", ""))
    if size is not None:
        disk["size_gib"] = int(size) if size == int(size) else size
    for name, word in _DISK_SWITCHES.items():
        text = options.get(name, "0")
        disk[name] = text == word or (word == "1" and is_true(text))
    disk["backup"] = is_true(options.get("backup", "1"))
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
        "firewall": is_true(options.get("firewall", "0")),
        "link_down": is_true(options.get("link_down", "0")),
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


def _drive(text: str) -> dict[str, str]:
    options = options_of(text, "file")
    if "volume" in options:
        options["file"] = options.pop("volume")
    return options


def disk_text(disk: Mapping[str, Any], present: str) -> str:
    """Return what to write of a disk; of one that is there, only what was spoken of changes."""
    options = _drive(present) if present else {}
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


def nic_text(nic: Mapping[str, Any], present: str) -> str:
    """Return what to write of a card; its address stays unless another is given."""
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


def address_text(entry: Mapping[str, Any], _present: str) -> str:
    """Return what to write of cloud-init's address of a card."""
    keys = (("ip", "address"), ("gw", "gateway"), ("ip6", "address6"), ("gw6", "gateway6"))
    return ",".join(f"{key}={entry[name]}" for key, name in keys if entry.get(name))


def _switch(options: dict[str, str], name: str, wanted: Any, word: str) -> None:
    if wanted:
        options[name] = word
    elif wanted is not None:
        options.pop(name, None)


def is_true(text: str) -> bool:
    """Return whether a property says yes."""
    return text.lower() in _TRUE
