# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet's words for a machine and its snapshots, in each platform's own options. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils.engine.errors import ValidationFailed

Options = dict[str, Any]
_SAME = ("name", "state", "existing", "force", "restart", "exact", "wait", "wait_timeout")
_DOCKER = "docker://"


def proxmox_vm(given: Mapping[str, Any]) -> Options:
    """Return options of proxmox_vm."""
    found = _taken(given, *_SAME, "vmid", "tags", cpus="cores", memory_mib="memory", place="node")
    image = given.get("image")
    if image:
        key: tuple[str, Any] = ("vmid", int(image)) if str(image).isdecimal() else ("name", image)
        found["clone"] = {key[0]: key[1], "full": True}
        if given.get("storage"):
            found["clone"]["storage"] = given["storage"]
    if given.get("disk_gib"):
        disk: Options = {"slot": "scsi0", "size_gib": given["disk_gib"]}
        if given.get("storage") and not image:
            disk["storage"] = given["storage"]
        found["disks"] = [disk]
    if given.get("networks"):
        bridges = enumerate(given["networks"])
        found["nics"] = [{"slot": f"net{number}", "bridge": name} for number, name in bridges]
    return found


def cloudstack_instance(given: Mapping[str, Any]) -> Options:
    """Return options of cloudstack_instance."""
    found = _taken(
        given,
        *_SAME,
        "id",
        "cpus",
        "memory_mib",
        "user_data",
        "tags",
        namespace="project",
        place="zone",
        image="template",
        size="service_offering",
        disk_gib="root_disk_gib",
    )
    if given.get("networks"):
        found["nics"] = [{"network": name} for name in given["networks"]]
    return found


def kubevirt_vm(given: Mapping[str, Any]) -> Options:
    """Return options of kubevirt_vm."""
    found = _taken(
        given,
        *_SAME,
        "namespace",
        "memory_mib",
        "user_data",
        "labels",
        cpus="cpu_sockets",
        size="instancetype",
    )
    image = str(given.get("image") or "")
    if image.startswith(_DOCKER) and not given.get("disk_gib"):
        found["disks"] = [{"name": "root", "container_image": image.removeprefix(_DOCKER)}]
    elif image or given.get("disk_gib"):
        found["disks"] = [_root(image, given)]
    if given.get("networks"):
        names = given["networks"]
        found["nics"] = [{"name": _card(name), "network": name} for name in names]
    return found


def _root(image: str, given: Mapping[str, Any]) -> Options:
    if not given.get("disk_gib"):
        raise ValidationFailed(
            "disk_gib: needed with an image that is no container image, on KubeVirt. Nothing was "
            "sent.",
            fields={"disk_gib": "needed with this image"},
        )
    root: Options = {"name": "root", "size_gib": given["disk_gib"]}
    if image:
        root["image_url" if image.startswith(_DOCKER) else "data_source"] = image
    if given.get("storage"):
        root["storage_class"] = given["storage"]
    return root


def _card(network: str) -> str:
    return "default" if network == "pod" else network.rpartition("/")[2]


def proxmox_vm_snapshot(given: Mapping[str, Any]) -> Options:
    """Return options of proxmox_vm_snapshot."""
    return _taken(
        given,
        "state",
        "description",
        "vmid",
        "wait",
        "wait_timeout",
        snapshot="name",
        name="vm_name",
        memory="vmstate",
    )


def cloudstack_instance_snapshot(given: Mapping[str, Any]) -> Options:
    """Return options of cloudstack_instance_snapshot."""
    return _taken(
        given,
        "state",
        "description",
        "memory",
        "wait",
        "wait_timeout",
        snapshot="name",
        name="instance_name",
        id="instance_id",
        namespace="project",
    )


def kubevirt_vm_snapshot(given: Mapping[str, Any]) -> Options:
    """Return options of kubevirt_vm_snapshot."""
    return _taken(
        given, "state", "namespace", "wait", "wait_timeout", snapshot="name", name="vm_name"
    )


def _taken(given: Mapping[str, Any], *same: str, **renamed: str) -> Options:
    names = {**{name: name for name in same}, **renamed}
    return {theirs: given[ours] for ours, theirs in names.items() if given.get(ours) is not None}
