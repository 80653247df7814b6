# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A machine's template and the options of the module, each from the other. Pure.

Disks, volumes, interfaces and networks are lists that every way of patching replaces whole
(they have no list type in the CRD of v1.9.0), so they are merged here, by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import ValidationFailed
from . import machines

CLOUD_INIT = "cloudinit"
_LONGEST_USERDATA = 2048
_KINDS = {
    "cluster": "VirtualMachineClusterInstancetype",
    "namespaced": "VirtualMachineInstancetype",
}
_PREFERENCES = {
    "cluster": "VirtualMachineClusterPreference",
    "namespaced": "VirtualMachinePreference",
}
Spec = dict[str, Any]


def fields_of(vm: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options say of a machine whose template's (or instance's) spec this is."""
    domain, metadata = inner["domain"], vm["metadata"]
    cpu = domain.get("cpu") or {}
    return {
        "labels": dict(metadata.get("labels") or {}),
        "annotations": dict(metadata.get("annotations") or {}),
        "cpu_sockets": cpu.get("sockets"),
        "cpu_cores": cpu.get("cores"),
        "cpu_threads": cpu.get("threads"),
        "memory_mib": machines.mib((domain.get("memory") or {}).get("guest")),
        "instancetype": (vm["spec"].get("instancetype") or {}).get("name"),
        "preference": (vm["spec"].get("preference") or {}).get("name"),
        "hostname": inner.get("hostname"),
        "termination_grace_seconds": inner.get("terminationGracePeriodSeconds"),
        "node_selector": dict(inner.get("nodeSelector") or {}),
        "eviction_strategy": inner.get("evictionStrategy"),
        "user_data": _user_data(inner),
        "disks": _disks(inner),
        "nics": _nics(inner),
    }


def _disks(inner: Mapping[str, Any]) -> list[dict[str, Any]]:
    volumes = {each["name"]: each for each in inner.get("volumes") or ()}
    found = []
    for disk in (inner["domain"].get("devices") or {}).get("disks") or ():
        volume = volumes.get(disk["name"], {})
        if "cloudInitNoCloud" in volume:
            continue
        target: Mapping[str, Any] = next(
            (disk[kind] for kind in ("disk", "lun", "cdrom") if disk.get(kind)), {}
        )
        found.append(
            {
                "name": disk["name"],
                "bus": target.get("bus"),
                "boot_order": disk.get("bootOrder"),
                "container_image": (volume.get("containerDisk") or {}).get("image"),
                "claim": machines.claim_of(volume),
            }
        )
    return found


def _nics(inner: Mapping[str, Any]) -> list[dict[str, Any]]:
    networks = {each["name"]: each for each in inner.get("networks") or ()}
    return [
        {
            "name": each["name"],
            "network": machines.network_of(networks.get(each["name"], {})),
            "model": each.get("model"),
            "mac": each.get("macAddress"),
            "binding": next(
                (kind for kind in ("masquerade", "bridge", "sriov") if kind in each), None
            ),
        }
        for each in (inner["domain"].get("devices") or {}).get("interfaces") or ()
    ]


def _user_data(inner: Mapping[str, Any]) -> str | None:
    for volume in inner.get("volumes") or ():
        source = volume.get("cloudInitNoCloud") or {}
        if source.get("userData"):
            return str(source["userData"])
    return None


def new(name: str, after: Mapping[str, Any], strategy: str) -> Spec:
    """Return the spec of a new machine."""
    # Without a type or a CPU of its own, a machine gets one socket with one core.
    inner: Spec = {"domain": {"devices": {}}}
    spec: Spec = {
        "runStrategy": strategy,
        "template": {"metadata": {"labels": {"kubevirt.io/domain": name}}, "spec": inner},
    }
    templates = [_data_volume(name, disk) for disk in after.get("disks") or () if _makes(disk)]
    if templates:
        spec["dataVolumeTemplates"] = templates
    whole = dict(after)
    whole.setdefault("nics", [{"name": "default", "network": "pod"}])
    change(name, spec, whole)
    return spec


def change(name: str, spec: Spec, after: Mapping[str, Any]) -> None:
    """Write into a spec what the options say; lists are given whole."""
    inner = spec["template"]["spec"]
    domain = inner["domain"]
    for part in ("sockets", "cores", "threads"):
        if f"cpu_{part}" in after:
            domain.setdefault("cpu", {})[part] = after[f"cpu_{part}"]
    if "memory_mib" in after:
        domain.setdefault("memory", {})["guest"] = f"{after['memory_mib']}Mi"
    for option, kinds in (("instancetype", _KINDS), ("preference", _PREFERENCES)):
        if option in after:
            scope = after.get("types_scope") or "cluster"
            spec[option] = {"kind": kinds[scope], "name": after[option]}
    for option, key in (
        ("hostname", "hostname"),
        ("termination_grace_seconds", "terminationGracePeriodSeconds"),
        ("node_selector", "nodeSelector"),
        ("eviction_strategy", "evictionStrategy"),
    ):
        if option in after:
            inner[key] = after[option]
    if "disks" in after:
        _set_disks(name, inner, after["disks"])
    if "nics" in after:
        _set_nics(inner, after["nics"])
    if "user_data" in after:
        _set_user_data(inner, after["user_data"])


def _set_disks(name: str, inner: Spec, wanted: Sequence[Mapping[str, Any]]) -> None:
    devices = inner["domain"].setdefault("devices", {})
    old_disks = {each["name"]: each for each in devices.get("disks") or ()}
    old_volumes = {each["name"]: each for each in inner.get("volumes") or ()}
    kept = [each for each in old_volumes.values() if "cloudInitNoCloud" in each]
    disks, volumes = [], []
    for disk in wanted:
        slot = disk["name"]
        found = dict(
            old_disks.get(slot) or {"name": slot, "disk": {"bus": disk.get("bus") or "virtio"}}
        )
        kind = next(key for key in ("disk", "lun", "cdrom") if key in found)
        if disk.get("bus"):
            found[kind] = {**found[kind], "bus": disk["bus"]}
        if disk.get("boot_order") is not None:
            found["bootOrder"] = disk["boot_order"]
        disks.append(found)
        volumes.append(old_volumes.get(slot) or _volume(name, disk))
    hidden = [old_disks[each["name"]] for each in kept if each["name"] in old_disks]
    devices["disks"] = [*disks, *hidden]
    inner["volumes"] = [*volumes, *kept]


def _volume(name: str, disk: Mapping[str, Any]) -> Spec:
    slot = disk["name"]
    if disk.get("container_image"):
        return {"name": slot, "containerDisk": {"image": disk["container_image"]}}
    if disk.get("claim"):
        return {"name": slot, "persistentVolumeClaim": {"claimName": disk["claim"]}}
    if _makes(disk):
        return {"name": slot, "dataVolume": {"name": f"{name}-{slot}"}}
    raise ValidationFailed(
        f"disks[{slot}]: give container_image, claim, or size_gib for a new disk. Nothing was "
        "changed.",
        fields={f"disks[{slot}]": "has no source"},
    )


def _makes(disk: Mapping[str, Any]) -> bool:
    """Whether a data volume is made for a disk."""
    others = disk.get("container_image") or disk.get("claim")
    return not others and disk.get("size_gib") is not None


def _data_volume(name: str, disk: Mapping[str, Any]) -> Spec:
    source: Spec = {"source": {"blank": {}}}
    if disk.get("image_url"):
        url = str(disk["image_url"])
        registry = url.startswith("docker://")
        source = {"source": {"registry" if registry else "http": {"url": url}}}
    elif disk.get("data_source"):
        space, _slash, ident = str(disk["data_source"]).rpartition("/")
        reference = {"kind": "DataSource", "name": ident, **({"namespace": space} if space else {})}
        source = {"sourceRef": reference}
    storage: Spec = {"resources": {"requests": {"storage": f"{disk['size_gib']}Gi"}}}
    if disk.get("storage_class"):
        storage["storageClassName"] = disk["storage_class"]
    return {"metadata": {"name": f"{name}-{disk['name']}"}, "spec": {**source, "storage": storage}}


def _set_nics(inner: Spec, wanted: Sequence[Mapping[str, Any]]) -> None:
    devices = inner["domain"].setdefault("devices", {})
    old = {each["name"]: each for each in devices.get("interfaces") or ()}
    interfaces, networks = [], []
    for nic in wanted:
        network = nic.get("network") or "pod"
        binding = nic.get("binding") or ("masquerade" if network == "pod" else "bridge")
        was = {
            key: value
            for key, value in old.get(nic["name"], {}).items()
            if key not in ("masquerade", "bridge", "sriov")
        }
        found = {**was, "name": nic["name"], binding: {}}
        if nic.get("model"):
            found["model"] = nic["model"]
        if nic.get("mac"):
            found["macAddress"] = nic["mac"]
        interfaces.append(found)
        kind = {"pod": {}} if network == "pod" else {"multus": {"networkName": network}}
        networks.append({"name": nic["name"], **kind})
    devices["interfaces"] = interfaces
    inner["networks"] = networks


def _set_user_data(inner: Spec, text: str) -> None:
    if len(text.encode()) > _LONGEST_USERDATA:
        raise ValidationFailed(
            f"user_data: KubeVirt takes at most {_LONGEST_USERDATA} bytes in a machine; put more "
            "into a Secret. Nothing was changed.",
            fields={"user_data": f"longer than {_LONGEST_USERDATA} bytes"},
        )
    devices = inner["domain"].setdefault("devices", {})
    volumes = inner.setdefault("volumes", [])
    for volume in volumes:
        if "cloudInitNoCloud" in volume:
            volume["cloudInitNoCloud"] = {"userData": text}
            return
    volumes.append({"name": CLOUD_INIT, "cloudInitNoCloud": {"userData": text}})
    devices.setdefault("disks", []).append({"name": CLOUD_INIT, "disk": {"bus": "virtio"}})
