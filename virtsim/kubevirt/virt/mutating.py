# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mutating webhooks make of a machine and of a clone (virt-api v1.9.0)."""

from __future__ import annotations

import uuid

from ..kinds import Catalog
from ..status import denied
from ..store import Object
from .gates import Gates
from .inferring import infer
from .reviews import Review, refused
from .rules import cause
from .typing_rules import NoQuantityError, faults, filled

WEBHOOK = "virtualmachines-mutator.kubevirt.io"
_TYPE = "v1.VirtualMachine"
_WITH_PCI = ("amd64", "arm64")
_MACHINES = {"arm64": "virt", "s390x": "s390-ccw-virtio"}


def mutate(review: Review, catalog: Catalog) -> None:
    """Change a machine in place; ApiError where it cannot be read or understood."""
    obj = review.obj
    try:
        wrong = list(faults(catalog, _TYPE, obj))
    except NoQuantityError as error:
        raise refused(WEBHOOK, str(error)) from None
    if wrong:
        raise denied(WEBHOOK, [{"message": each} for each in wrong])
    obj["spec"] = filled(catalog, _TYPE, obj["spec"])
    if review.live is None:
        infer(review.store, obj, WEBHOOK)
        _defaults(obj["spec"], review.gates)
        return
    for which in ("instancetype", "preference"):
        _check_revision(review, which)


def _check_revision(review: Review, which: str) -> None:
    new, old = (each.get(which) or {} for each in (review.spec, review.old))
    kept = new.get("revisionName") and new["revisionName"] == old.get("revisionName")
    if kept and new.get("name") != old.get("name"):
        text = "the Matcher Name has been updated without updating the RevisionName"
        raise denied(WEBHOOK, [cause(f"spec.{which}.revisionName", text)])


def _defaults(spec: Object, gates: Gates) -> None:
    template = spec.get("template")
    if not isinstance(template, dict):
        return
    inner = template.setdefault("spec", {})
    arch = inner.setdefault("architecture", "amd64")
    domain = inner.setdefault("domain", {})
    for name in ("resources", "devices"):
        domain.setdefault(name, {})
    if not (domain.get("machine") or {}).get("type"):
        default = _MACHINES.get(arch, "q35")
        kind = gates.setting("architectureConfiguration", arch, "machineType", default=default)
        domain["machine"] = {"type": kind}
    if arch in _WITH_PCI and not domain["machine"]["type"].startswith(_MACHINES["s390x"]):
        annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
        annotations.setdefault("kubevirt.io/pci-topology-version", "v3")
    if domain.get("features") is not None:
        domain["features"].setdefault("acpi", {})
    firmware = domain.setdefault("firmware", {})
    firmware.setdefault("uuid", str(uuid.uuid4()))
    firmware.setdefault("serial", str(uuid.uuid4()))


def aim(obj: Object) -> None:
    """Give a clone that says no target one with a name of its own."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    source, target = (spec.get(name) or {} for name in ("source", "target"))
    read = isinstance(source, dict) and isinstance(target, dict)
    # What is of a wrong type is refused by the schema, later.
    if not read or not source or target.get("name"):
        return
    name = f"clone-{source.get('name', '')}-{uuid.uuid4().hex[:5]}"
    machine = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine"}
    obj["spec"] = {**spec, "target": {**machine, **target, "name": name}, "template": {}}
