# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings and configurations recorded from the vendor's own parser, read by ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.proxmox.guest_config import fields_of, parameters_of
from plugins.module_utils.proxmox.guest_devices import (
    address_of,
    address_text,
    disk_of,
    disk_text,
    is_true,
    nic_of,
    nic_text,
)
from plugins.module_utils.proxmox.guests import gib_of, options_of

VECTORS = Path(__file__).resolve().parents[5].parent / "shared" / "vectors" / "proxmox"


def rows(name: str) -> list[dict[str, Any]]:
    path = VECTORS / name
    if not path.is_file():
        pytest.skip(f"{path} is not here: recorded answers lie beside the checkout")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def accepted(*formats: str) -> list[dict[str, Any]]:
    names = {f"qemu.{name}" for name in formats}
    found = [row for row in rows("property_strings.jsonl") if row["format"] in names and row["ok"]]
    assert found
    return found


def test_cards_are_read_as_the_server_reads_them() -> None:
    for row in accepted("net"):
        parsed = row["parsed"]
        expected = {
            "slot": "net0",
            "model": parsed["model"],
            "mac": parsed["macaddr"].upper() if "macaddr" in parsed else None,
            "bridge": parsed.get("bridge"),
            "vlan": int(parsed["tag"]) if "tag" in parsed else None,
            "firewall": parsed.get("firewall") == "1",
            "link_down": parsed.get("link_down") == "1",
            "mtu": int(parsed["mtu"]) if "mtu" in parsed else None,
        }
        assert nic_of("net0", row["input"]) == expected, row["id"]
        rewritten = nic_text(nic_of("net0", row["input"]), row["input"])
        assert nic_of("net0", rewritten) == expected, row["id"]


def test_drives_are_read_as_the_server_reads_them() -> None:
    for row in accepted("scsi", "virtio", "sata", "ide"):
        parsed, slot = row["parsed"], f"{row['format'].partition('.')[2]}0"
        disk = disk_of(slot, row["input"])
        assert disk["storage"] == parsed["file"].partition(":")[0], row["id"]
        assert disk["size_gib"] == gib_of(parsed.get("size", "")), row["id"]
        assert disk["cache"] == parsed.get("cache", "none"), row["id"]
        assert disk["discard"] is (parsed.get("discard") == "on"), row["id"]
        for name in ("ssd", "iothread"):
            assert disk[name] is (parsed.get(name) == "1"), row["id"]
        assert disk["backup"] is (parsed.get("backup", "1") == "1"), row["id"]
        assert disk_of(slot, disk_text(disk, row["input"])) == disk, row["id"]


def test_addresses_are_read_as_the_server_reads_them() -> None:
    for row in accepted("ipconfig"):
        entry = address_of("ipconfig0", row["input"])
        read = {"ip": "address", "gw": "gateway", "ip6": "address6", "gw6": "gateway6"}
        for key, name in read.items():
            assert entry[name] == row["parsed"].get(key), row["id"]
        assert options_of(address_text(entry, ""), "ip") == row["parsed"], row["id"]


@pytest.mark.parametrize(("name", "default"), [("agent", "enabled"), ("memory", "current")])
def test_settings_are_read_as_the_server_reads_them(name: str, default: str) -> None:
    for row in accepted(name):
        found, parsed = options_of(row["input"], default)[default], row["parsed"][default]
        assert is_true(found) is (parsed == "1") if name == "agent" else found == parsed, row["id"]


def test_orders_of_booting_are_read_as_the_server_reads_them() -> None:
    for row in accepted("boot"):
        text = row["parsed"].get("order", "")
        expected = [slot for slot in text.replace(" ", ";").split(";") if slot]
        assert fields_of({"boot": row["input"]})["boot_order"] == expected, row["id"]


def test_recorded_configurations_rest() -> None:
    """Read, and written with nothing changed, each leaves all as it is."""
    found = [row for row in rows("config_roundtrip.jsonl") if row["kind"] == "qemu"]
    seen = 0
    for row in found:
        if "parsed" not in row:
            continue
        config = {key: value for key, value in row["parsed"].items() if isinstance(value, str)}
        config.pop("digest", None)
        fields = fields_of(config)
        devices = {name: fields[name] for name in ("disks", "nics", "ci_addresses")}
        assert parameters_of(devices, config) == ({}, []), row["id"]
        seen += 1
    assert seen
