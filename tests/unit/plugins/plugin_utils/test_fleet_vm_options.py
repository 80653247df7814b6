# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's words for a machine become each platform's own options."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.errors import ValidationFailed
from plugins.plugin_utils.fleet_platforms import PLATFORMS


def options(platform: str, facade: str = "vm", **given: Any) -> dict[str, Any]:
    translated: dict[str, Any] = PLATFORMS[platform].options[facade](given)
    return translated


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cpus": 2, "memory_mib": 512, "place": "n"}, {"cores": 2, "memory": 512, "node": "n"}),
        ({"image": "9000"}, {"clone": {"vmid": 9000, "full": True}}),
        (
            {"image": "debian", "storage": "nas", "disk_gib": 9},
            {
                "clone": {"name": "debian", "full": True, "storage": "nas"},
                "disks": [{"slot": "scsi0", "size_gib": 9}],
            },
        ),
        (
            {"storage": "nas", "disk_gib": 9},
            {"disks": [{"slot": "scsi0", "size_gib": 9, "storage": "nas"}]},
        ),
        (
            {"networks": ["vmbr0", "lan"]},
            {"nics": [{"slot": "net0", "bridge": "vmbr0"}, {"slot": "net1", "bridge": "lan"}]},
        ),
    ],
)
def test_on_proxmox_ve(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options("proxmox", **given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"namespace": "shop", "place": "z"}, {"project": "shop", "zone": "z"}),
        ({"image": "debian", "size": "small"}, {"template": "debian", "service_offering": "small"}),
        ({"networks": ["a", "b"]}, {"nics": [{"network": "a"}, {"network": "b"}]}),
        ({"disk_gib": 9}, {"root_disk_gib": 9}),
    ],
)
def test_on_cloudstack(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options("cloudstack", **given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"image": "docker://example.org/a:1"},
            {"disks": [{"name": "root", "container_image": "example.org/a:1"}]},
        ),
        (
            {"image": "docker://example.org/a:1", "disk_gib": 9},
            {"disks": [{"name": "root", "size_gib": 9, "image_url": "docker://example.org/a:1"}]},
        ),
        (
            {"image": "debian-12", "disk_gib": 9, "storage": "fast"},
            {
                "disks": [
                    {
                        "name": "root",
                        "size_gib": 9,
                        "data_source": "debian-12",
                        "storage_class": "fast",
                    }
                ]
            },
        ),
        ({"disk_gib": 9}, {"disks": [{"name": "root", "size_gib": 9}]}),
        (
            {"networks": ["pod", "infra/lab"]},
            {
                "nics": [
                    {"name": "default", "network": "pod"},
                    {"name": "lab", "network": "infra/lab"},
                ]
            },
        ),
        ({"size": "u1.small", "cpus": 2}, {"instancetype": "u1.small", "cpu_sockets": 2}),
    ],
)
def test_on_kubevirt(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options("kubevirt", **given) == expected


def test_an_image_that_is_imported_needs_a_size_on_kubevirt() -> None:
    with pytest.raises(ValidationFailed) as refused:
        options("kubevirt", image="debian-12")
    assert list(refused.value.fields) == ["disk_gib"]
