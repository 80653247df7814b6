# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded clusters: a small hand-made one with every state, and large counted ones."""

from __future__ import annotations

from typing import Any

from ..core.seeds import Seed, host_name
from ..core.seeds import guests as counted
from .store import Cluster, Object, Store, copied
from .virt import conditions, names
from .virt.guests import AGENT

IMAGE = "quay.io/containerdisks/fedora:latest"
_TYPES = (("u1.small", 1, "2Gi"), ("u1.medium", 1, "4Gi"), ("u1.large", 2, "8Gi"))


def build(seed: Seed, now: float) -> Cluster:
    """Return the cluster of a seed."""
    cluster = Cluster()
    store = Store(cluster, lambda: now)
    _furnish(store, seed)
    if seed.name == "small":
        _small(store)
    for guest in counted(seed) if seed.name != "small" else ():
        vm = machine(
            store,
            "default",
            guest.name,
            running=guest.running,
            memory=f"{guest.memory_mib}Mi",
            cpus=guest.cpus,
            labels=dict.fromkeys(guest.tags, "true"),
        )
        if guest.running:
            _boot(store, vm, host_name(guest.host), guest.n)
    # A fresh cluster has no history to watch.
    cluster.dropped = cluster.version
    cluster.events.clear()
    return cluster


def machine(
    store: Store,
    namespace: str,
    name: str,
    *,
    running: bool,
    memory: str = "1Gi",
    cpus: int = 1,
    labels: dict[str, str] | None = None,
) -> Object:
    """Add a machine whose disk comes from a container image."""
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    spec = {
        "runStrategy": "Always" if running else "Halted",
        "template": {
            "metadata": {"labels": {"kubevirt.io/domain": name}},
            "spec": _template(memory, cpus),
        },
    }
    obj: Object = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {**metadata, "finalizers": [names.FINALIZER]},
        "spec": spec,
        "status": {
            "printableStatus": "Running" if running else "Stopped",
            "created": running,
            "ready": running,
            "observedGeneration": 1,
            "desiredGeneration": 1,
        },
    }
    why = () if running else ("VMINotExists", "VMI does not exist")
    conditions.put(obj, "Ready", "True" if running else "False", store.stamp(), *why)
    return store.create(names.VM, obj)


def _template(memory: str, cpus: int) -> Object:
    return {
        "architecture": "amd64",
        "domain": {
            "cpu": {"cores": 1, "sockets": cpus, "threads": 1},
            "memory": {"guest": memory},
            "machine": {"type": "q35"},
            "resources": {},
            "firmware": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"},
            "devices": {
                "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", "containerDisk": {"image": IMAGE}}],
        "terminationGracePeriodSeconds": 180,
    }


def _boot(store: Store, vm: Object, node: str, number: int, *, paused: bool = False) -> None:
    """Add the running instance of a machine."""
    metadata, stamp = vm["metadata"], store.stamp()
    high, low = (number >> 8) & 255, number & 255
    address = f"10.244.{high}.{low}"
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "controller": True}
    interface = {
        "name": "default",
        "mac": f"02:00:00:00:{high:02x}:{low:02x}",
        "ipAddress": address,
        "ipAddresses": [address],
    }
    annotations = vm["spec"]["template"]["metadata"].get("annotations") or {}
    vmi: Object = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": {"vm.kubevirt.io/name": metadata["name"]},
            "annotations": annotations,
            "ownerReferences": [{**owner, "name": metadata["name"], "uid": metadata["uid"]}],
        },
        "spec": vm["spec"]["template"]["spec"],
        "status": {"phase": "Running", "nodeName": node, "interfaces": [interface]},
    }
    if AGENT in annotations:
        conditions.put(vmi, "AgentConnected", "True", stamp)
        vmi["status"]["guestOSInfo"] = {"name": "fedora", "prettyName": annotations[AGENT]}
    conditions.put(vmi, "Ready", "True", stamp)
    conditions.put(vmi, "LiveMigratable", "True", stamp)
    if paused:
        conditions.put(vmi, "Paused", "True", stamp, "PausedByUser", "VMI was paused by user")
    store.create(names.VMI, vmi)


def _furnish(store: Store, seed: Seed) -> None:
    for name in ("default", "apps", "kubevirt"):
        store.create("namespaces", _plain("v1", "Namespace", name, status={"phase": "Active"}))
    for number in range(1, seed.hosts + 1):
        labels = {"kubevirt.io/schedulable": "true", "kubernetes.io/hostname": host_name(number)}
        store.create("nodes", _plain("v1", "Node", host_name(number), labels=labels))
    for name, cpus, memory in _TYPES:
        spec = {"cpu": {"guest": cpus}, "memory": {"guest": memory}}
        kind = "VirtualMachineClusterInstancetype"
        obj = _plain("instancetype.kubevirt.io/v1beta1", kind, name, spec=spec)
        store.create("virtualmachineclusterinstancetypes.instancetype.kubevirt.io", obj)
    for key, obj in _OTHERS.items():
        store.create(key, copied(obj))


def _plain(version: str, kind: str, name: str, namespace: str = "", **more: Any) -> Object:
    labels = more.pop("labels", None)
    metadata: Object = {"name": name, **({"namespace": namespace} if namespace else {})}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


_BRIDGE = '{"cniVersion": "0.3.1", "type": "bridge", "bridge": "br1"}'
_SOURCE = {"pvc": {"name": "debian-12", "namespace": "default"}}
_OTHERS: dict[str, Object] = {
    "storageclasses.storage.k8s.io": _plain(
        "storage.k8s.io/v1",
        "StorageClass",
        "fast",
        provisioner="csi.virtsim",
        volumeBindingMode="Immediate",
        reclaimPolicy="Delete",
    ),
    "virtualmachineclusterpreferences.instancetype.kubevirt.io": _plain(
        "instancetype.kubevirt.io/v1beta1", "VirtualMachineClusterPreference", "fedora", spec={}
    ),
    "datasources.cdi.kubevirt.io": _plain(
        "cdi.kubevirt.io/v1beta1",
        "DataSource",
        "debian-12",
        namespace="default",
        spec={"source": _SOURCE},
        status={"conditions": [{"type": "Ready", "status": "True"}]},
    ),
    "network-attachment-definitions.k8s.cni.cncf.io": _plain(
        "k8s.cni.cncf.io/v1",
        "NetworkAttachmentDefinition",
        "lab-net",
        namespace="default",
        spec={"config": _BRIDGE},
    ),
    "kubevirts.kubevirt.io": _plain(
        "kubevirt.io/v1",
        "KubeVirt",
        "kubevirt",
        namespace="kubevirt",
        spec={"configuration": {}},
        status={"phase": "Deployed", "observedKubeVirtVersion": "v1.9.0"},
    ),
}


def _small(store: Store) -> None:
    web1 = machine(
        store, "default", "web1", running=True, memory="2Gi", cpus=2, labels={"env": "prod"}
    )
    web1["spec"]["template"]["metadata"]["annotations"] = {AGENT: "Fedora Linux 42"}
    _boot(store, store.update(names.VM, web1), "node1", 11)
    machine(store, "default", "web2", running=False, labels={"env": "test"})
    _boot(store, machine(store, "default", "db1", running=True), "node2", 12)
    paused = machine(store, "default", "db2", running=True)
    paused["status"]["printableStatus"] = "Paused"
    _boot(store, store.update(names.VM, paused), "node3", 13, paused=True)
    machine(store, "default", "app", running=False)
    machine(store, "apps", "app", running=False)
    manual = machine(store, "default", "manual1", running=False)
    manual["spec"]["runStrategy"] = "Manual"
    store.update(names.VM, manual)
