# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""KubeVirt's virtual machines: their state in the fleet's words, and the normalised object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..engine.errors import OperationFailed

STATES: Mapping[str, str] = {
    "Running": "running",
    "Paused": "paused",
    "Stopped": "stopped",
    "Starting": "starting",
    "Provisioning": "provisioning",
    "WaitingForVolumeBinding": "provisioning",
    "Stopping": "stopping",
    "Terminating": "stopping",
    "Migrating": "migrating",
    "CrashLoopBackOff": "error",
    "ErrorUnschedulable": "error",
    "ErrImagePull": "error",
    "ImagePullBackOff": "error",
    "ErrorPvcNotFound": "error",
    "DataVolumeError": "error",
}
"""``printableStatus`` of KubeVirt v1.9.0 in the fleet's words."""
FAILURES = frozenset(word for word, state in STATES.items() if state == "error")
_UNITS: Mapping[str, float] = {
    "": 1,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)")
_MIB, _GIB = 2**20, 2**30

Object = Mapping[str, Any]


def label(vm: Object) -> str:
    """Return how to name a machine to a person."""
    return f"VM {vm['metadata']['namespace']}/{vm['metadata']['name']}"


def strategy_of(vm: Object) -> str:
    """Return the run strategy; the deprecated ``running`` means one of two."""
    spec = vm["spec"]
    if spec.get("runStrategy"):
        return str(spec["runStrategy"])
    return "Always" if spec.get("running") else "Halted"


def state_of(vm: Object) -> str:
    """Return the power state in the fleet's words."""
    word = (vm.get("status") or {}).get("printableStatus")
    if word:
        return STATES.get(str(word), "unknown")
    # A controller has not looked at it yet.
    return "stopped" if strategy_of(vm) in ("Halted", "Manual") else "starting"


def refuse_failure(vm: Object | None) -> None:
    """Raise OperationFailed when a machine that is to run will not by itself."""
    status = (vm or {}).get("status") or {}
    word = status.get("printableStatus")
    if vm is None or word not in FAILURES:
        return
    said = [
        f"{each.get('type')}: {each['message']}"
        for each in status.get("conditions") or ()
        if each.get("message") and each.get("status") == "False"
    ]
    raise OperationFailed(
        f"{label(vm)} does not start: {word}. {' '.join(said)} See its events.".replace("  ", " "),
        log=(str(word), *said),
    )


def has(obj: Object, kind: str) -> bool:
    """Whether a condition of an object is True."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)


def size(text: Any) -> float | None:
    """Return a quantity such as ``2Gi`` as a number."""
    found = _QUANTITY.fullmatch(str(text)) if text is not None else None
    return float(found[1]) * _UNITS[found[2]] if found else None


def mib(text: Any) -> int | None:
    """Return a quantity in whole MiB."""
    found = size(text)
    return None if found is None else int(found // _MIB)


def gib(text: Any) -> float | None:
    """Return a quantity in GiB."""
    found = size(text)
    return None if found is None else round(found / _GIB, 3)


def normalised(vm: Object, vmi: Object | None, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object as every platform returns it; ``sizes`` are those of claims by name."""
    running = vmi is not None
    spec = (vmi or vm["spec"]["template"])["spec"]
    domain, status = spec["domain"], (vmi or {}).get("status") or {}
    cpu = domain.get("cpu") or {}
    cpus = 1
    for part in ("sockets", "cores", "threads"):
        cpus *= int(cpu.get(part) or 1)
    matcher = vm["spec"].get("instancetype") or {}
    known = bool(cpu) or running or not matcher
    return {
        "namespace": vm["metadata"]["namespace"],
        "uid": vm["metadata"].get("uid"),
        "run_strategy": strategy_of(vm),
        "instancetype": matcher.get("name"),
        "platform": "kubevirt",
        "name": vm["metadata"]["name"],
        "state": state_of(vm),
        "cpus": cpus if known else None,
        "memory_mib": mib((domain.get("memory") or {}).get("guest") or _requested(domain)),
        "disks": _disks(spec, sizes),
        "nics": _nics(spec, status),
        "host": status.get("nodeName"),
        "tags": sorted(f"{k}={v}" for k, v in (vm["metadata"].get("labels") or {}).items()),
        "os": (status.get("guestOSInfo") or {}).get("prettyName"),
    }


def _requested(domain: Object) -> Any:
    return ((domain.get("resources") or {}).get("requests") or {}).get("memory")


def _disks(spec: Object, sizes: Mapping[str, Any]) -> list[dict[str, Any]]:
    volumes = {each["name"]: each for each in spec.get("volumes") or ()}
    rows = []
    for number, disk in enumerate((spec["domain"].get("devices") or {}).get("disks") or ()):
        volume = volumes.get(disk["name"], {})
        claim = claim_of(volume)
        source = claim or next((key for key in volume if key != "name"), None)
        boots = disk.get("bootOrder") == 1 or (number == 0 and "bootOrder" not in disk)
        row = {"name": disk["name"], "size_gib": gib(sizes.get(claim or ""))}
        rows.append({**row, "storage": source, "boot": boots})
    return rows


def claim_of(volume: Object) -> str | None:
    """Return the name of the claim that a volume is on, if it is on one."""
    if "dataVolume" in volume:
        return str(volume["dataVolume"]["name"])
    if "persistentVolumeClaim" in volume:
        return str(volume["persistentVolumeClaim"]["claimName"])
    return None


def _nics(spec: Object, status: Object) -> list[dict[str, Any]]:
    networks = {each["name"]: each for each in spec.get("networks") or ()}
    seen = {each.get("name"): each for each in status.get("interfaces") or ()}
    rows = []
    for interface in (spec["domain"].get("devices") or {}).get("interfaces") or ():
        network, now = networks.get(interface["name"], {}), seen.get(interface["name"], {})
        addresses = now.get("ipAddresses") or ([now["ipAddress"]] if now.get("ipAddress") else [])
        rows.append(
            {
                "name": interface["name"],
                "mac": now.get("mac") or interface.get("macAddress"),
                "network": network_of(network),
                "addresses": list(addresses),
            }
        )
    return rows


def network_of(network: Object) -> str:
    """Return ``pod``, or the name of the network attachment definition."""
    return str((network.get("multus") or {}).get("networkName") or "pod")
