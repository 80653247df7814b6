# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration read, written and read again says the same; what nobody spoke of stays."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.proxmox.guest_config import as_written, fields_of, parameters_of
from plugins.module_utils.proxmox.guest_devices import (
    address_of,
    address_text,
    disk_of,
    disk_text,
    nic_of,
    nic_text,
)
from plugins.module_utils.proxmox.guests import options_of

NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=12)
MACS = st.lists(st.integers(0, 255), min_size=6, max_size=6).map(
    lambda parts: ":".join(f"{part:02X}" for part in parts)
)
DISKS = st.fixed_dictionaries(
    {
        "slot": st.sampled_from(["scsi0", "scsi30", "virtio15", "sata5", "ide0"]),
        "storage": NAMES,
        "size_gib": st.integers(1, 64_000),
        "ssd": st.booleans(),
        "iothread": st.booleans(),
        "discard": st.booleans(),
        "backup": st.booleans(),
        "cache": st.sampled_from(["none", "writethrough", "writeback", "unsafe", "directsync"]),
    }
)
NICS = st.fixed_dictionaries(
    {
        "slot": st.sampled_from(["net0", "net31"]),
        "model": st.sampled_from(["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"]),
        "mac": MACS,
        "bridge": NAMES,
        "vlan": st.none() | st.integers(1, 4094),
        "firewall": st.booleans(),
        "link_down": st.booleans(),
        "mtu": st.none() | st.integers(1, 65520),
    }
)
ADDRESSES = st.fixed_dictionaries(
    {
        "nic": st.sampled_from(["net0", "net31"]),
        "address": st.none() | st.just("dhcp") | st.ip_addresses(v=4).map(lambda ip: f"{ip}/24"),
        "gateway": st.none() | st.ip_addresses(v=4).map(str),
        "address6": st.sampled_from([None, "auto", "dhcp", "2001:db8::9/64"]),
        "gateway6": st.none() | st.ip_addresses(v=6).map(str),
    }
)
LINES = st.text(string.printable.strip() + "äß€", min_size=1, max_size=40)
# What this collection has no word for, and must keep.
FOREIGN = st.dictionaries(st.sampled_from(["serial", "mbps", "queues", "aio"]), NAMES)


def stored(sent: str, storage: str) -> str:
    """Return what the server makes of a new disk: a volume, and its size."""
    file, *options = sent.split(",")
    size = file.rpartition(":")[2]
    return ",".join([f"{storage}:vm-100-disk-0", *options, f"size={size}G"])


@given(DISKS)
def test_a_disk_that_was_written_reads_the_same(disk: dict[str, Any]) -> None:
    text = stored(disk_text(disk, ""), disk["storage"])
    assert disk_of(disk["slot"], text) == disk


@given(DISKS, DISKS, FOREIGN)
def test_a_disk_that_changes_keeps_its_volume_and_foreign_options(
    old: dict[str, Any], new: dict[str, Any], foreign: Mapping[str, str]
) -> None:
    text = stored(disk_text(old, ""), old["storage"])
    text = ",".join([text, *(f"{name}={value}" for name, value in foreign.items())])
    changed = disk_text(new, text)
    kept = {"slot": old["slot"], "storage": old["storage"], "size_gib": old["size_gib"]}
    assert disk_of(old["slot"], changed) == {**new, **kept}
    options = options_of(changed, "file")
    assert options["file"] == f"{old['storage']}:vm-100-disk-0"
    assert {name: options.get(name) for name in foreign} == dict(foreign)


@given(NICS)
def test_a_card_that_was_written_reads_the_same(nic: dict[str, Any]) -> None:
    assert nic_of(nic["slot"], nic_text(nic, "")) == nic


@given(NICS, NICS, FOREIGN)
def test_a_card_that_changes_keeps_its_address_and_foreign_options(
    old: dict[str, Any], new: dict[str, Any], foreign: Mapping[str, str]
) -> None:
    text = ",".join([nic_text(old, ""), *(f"{name}={value}" for name, value in foreign.items())])
    changed = nic_text({**new, "mac": None}, text)
    read = nic_of(new["slot"], changed)
    for name in ("vlan", "mtu"):
        assert read.pop(name) == (old if new[name] is None else new)[name]
    expected = {name: value for name, value in new.items() if name not in {"vlan", "mtu"}}
    assert read == {**expected, "mac": old["mac"]}
    options = options_of(changed, "model")
    assert {name: options.get(name) for name in foreign} == dict(foreign)


@given(ADDRESSES)
def test_an_address_that_was_written_reads_the_same(entry: dict[str, Any]) -> None:
    slot = entry["nic"].replace("net", "ipconfig")
    assert address_of(slot, address_text(entry, "")) == entry


@given(
    st.fixed_dictionaries(
        {
            "description": st.text(max_size=60),
            "ci_user": NAMES,
            "ci_search_domain": NAMES,
            "ci_ssh_keys": st.lists(LINES, unique=True, max_size=4),
            "ci_nameservers": st.lists(st.ip_addresses().map(str), max_size=3),
            "boot_order": st.lists(st.sampled_from(["scsi0", "net0", "ide2"]), unique=True),
            "tags": st.lists(NAMES.map(str.lower), unique=True).map(sorted),
            "agent": st.booleans(),
            "cores": st.integers(1, 64),
            "memory": st.integers(16, 1 << 20),
            "onboot": st.booleans(),
        }
    )
)
def test_fields_that_were_written_read_the_same(after: dict[str, Any]) -> None:
    values, gone = parameters_of(after, {})
    assert gone == []
    config = {name: int(value) if value is True else value for name, value in values.items()}
    read = fields_of(config)
    assert {name: read.get(name) for name in after} == after


@given(st.lists(NICS, min_size=2, max_size=2, unique_by=lambda nic: nic["slot"]))
def test_a_card_that_is_only_spelled_otherwise_is_not_written(nics: list[dict[str, Any]]) -> None:
    one, other = nics
    spelled = f"bridge={other['bridge']},macaddr={other['mac']},model={other['model']},firewall=0"
    config = {one["slot"]: nic_text(one, ""), other["slot"]: spelled}
    change = {**one, "bridge": one["bridge"] + "x"}
    values, gone = parameters_of({"nics": [change, nic_of(other["slot"], spelled)]}, config)
    assert (list(values), gone) == ([one["slot"]], [])


@given(st.lists(NAMES, max_size=5), st.lists(NAMES, max_size=5))
def test_the_users_spelling_adds_and_loses_nothing(desired: list[str], actual: list[str]) -> None:
    stored_tags = sorted({tag.lower() for tag in actual})
    written = as_written(desired, stored_tags, str.lower)
    assert {tag.lower() for tag in written} == set(stored_tags)
    assert all(tag in written for tag in desired if tag.lower() in stored_tags)


def test_what_is_emptied_is_deleted_where_it_is() -> None:
    after = {"description": "", "tags": [], "ci_ssh_keys": [], "ci_user": ""}
    assert parameters_of(after, {"description": "x", "sshkeys": "y"}) == (
        {},
        ["description", "sshkeys"],
    )


def test_a_cd_rom_is_no_disk_and_survives_exact() -> None:
    config = {"ide2": "nas:iso/x.iso,media=cdrom", "ide0": "none,media=cdrom", "sata0": "a:b"}
    assert [disk["slot"] for disk in fields_of(config)["disks"]] == ["sata0"]
    assert parameters_of({"disks": []}, config) == ({}, ["sata0"])
