# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the validating webhook refuses in a machine (virt-api v1.9.0)."""

from __future__ import annotations

from collections.abc import Iterator

from ..status import denied
from ..store import Object
from . import instancetypes
from .reviews import Review
from .rules import Cause, Scope, cause
from .rules_compute import growth
from .rules_template import template

WEBHOOK = "virtualmachine-validator.kubevirt.io"
STATUS_WEBHOOK = "kubevirt-crd-status-validator.kubevirt.io"
_STRATEGIES = ("Halted", "Manual", "Always", "RerunOnFailure", "Once", "WaitAsReceiver")
_DEPRECATED = "spec.running is deprecated, please use spec.runStrategy instead."
_REQUESTS = "Status.volumeRequests"
_BUSY = "FieldValueNotSupported"


def validate(review: Review) -> list[str]:
    """Return the warnings about a machine; ApiError 422 where it is refused."""
    if review.obj["metadata"].get("deletionTimestamp"):
        return []
    for check in (_instancetype, _spec, _requests, _busy):
        found = list(check(review))
        if found:
            raise denied(WEBHOOK, found)
    return [_DEPRECATED] if review.spec.get("running") is not None else []


def validate_status(review: Review) -> None:
    """Refuse a status that asks for what cannot be; ApiError 422."""
    found = list(_requests(review))
    if found:
        raise denied(STATUS_WEBHOOK, found)


def _instancetype(review: Review) -> Iterator[Cause]:
    """Yield what conflicts with an instance type, or falls short of a preference."""
    if not isinstance(review.spec.get("template"), dict):
        return
    kind, preference = _matched(review)
    found = [
        cause(where, f"VM field(s) {where} conflicts with selected instance type")
        for where in instancetypes.conflicts(review.obj, kind)
    ]
    yield from found or instancetypes.requirements(review.obj, kind, preference)


def _matched(review: Review) -> tuple[Object | None, Object | None]:
    """Return instance type and preference; neither where one is missing, which is no refusal."""
    try:
        kind = instancetypes.find(review.store, review.obj, "instancetype")
        return kind, instancetypes.find(review.store, review.obj, "preference")
    except instancetypes.NotFoundError:
        # The controller says so later, in a condition of the machine.
        return None, None


def _spec(review: Review) -> Iterator[Cause]:
    inner = review.spec.get("template")
    if not isinstance(inner, dict):
        text = "missing virtual machine template."
        yield cause("spec.template", text, "FieldValueRequired")
        return
    annotations = (inner.get("metadata") or {}).get("annotations") or {}
    merged = instancetypes.expanded(inner.get("spec") or {}, *_matched(review))
    scope = Scope(merged, gates=review.gates, annotations=annotations)
    yield from template(scope)
    yield from _disk_templates(review.spec, scope)
    yield from _power(review)
    yield from growth(scope)


def _disk_templates(spec: Object, scope: Scope) -> Iterator[Cause]:
    used = {(each.get("dataVolume") or {}).get("name") for each in scope.volumes}
    claimed = {(each.get("persistentVolumeClaim") or {}).get("claimName") for each in scope.volumes}
    for row, each in enumerate(spec.get("dataVolumeTemplates") or ()):
        # The real paths of these are in the singular.
        here, wanted = f"spec.dataVolumeTemplate[{row}]", each.get("spec") or {}
        given = wanted.get("pvc"), wanted.get("storage")
        if all(part is not None for part in given):
            text = "Duplicate storage definition, both target storage and target pvc defined"
            yield cause(f"{here}.PVC.Storage", text)
        elif not any(part is not None for part in given):
            yield cause(f"{here}.PVC.Storage", "Missing Data volume PVC or Storage")
        yield from _disk_source(wanted, here)
        if each.get("metadata", {}).get("name") not in used | claimed:
            text = f"DataVolumeTemplate entry {here} must be referenced in the VMI template's"
            yield cause(here, f"{text} 'volumes' list", "FieldValueRequired")


def _disk_source(wanted: Object, here: str) -> Iterator[Cause]:
    claim = wanted.get("pvc") or wanted.get("storage") or {}
    populated = claim.get("dataSource") or claim.get("dataSourceRef")
    if not any(wanted.get(name) for name in ("source", "sourceRef")) and not populated:
        text = "Data volume should have either Source, SourceRef, or be externally populated"
        yield cause(f"{here}.source.sourceRef", text)


def _power(review: Review) -> Iterator[Cause]:
    running, strategy = review.spec.get("running"), review.spec.get("runStrategy")
    if running is not None and strategy is not None:
        text = "Running and RunStrategy are mutually exclusive. Note that Running is deprecated,"
        yield cause("spec.running", f"{text} please use RunStrategy instead")
    elif running is None and strategy is None:
        yield cause("spec.running", "RunStrategy must be specified")
    elif strategy is not None and strategy not in _STRATEGIES:
        yield cause("spec.runStrategy", f"Invalid RunStrategy ({strategy})")
    elif strategy == "WaitAsReceiver" and not review.gates.on("DecentralizedLiveMigration"):
        text = f"Invalid RunStrategy ({strategy}), DecentralizedLiveMigration feature gate is not"
        yield cause("spec.runStrategy", f"{text} enabled in kubevirt resource")


def _requests(review: Review) -> Iterator[Cause]:
    inner = (review.spec.get("template") or {}).get("spec") or {}
    present = {each.get("name") for each in inner.get("volumes") or ()}
    for request in (review.obj.get("status") or {}).get("volumeRequests") or ():
        add, remove = request.get("addVolumeOptions"), request.get("removeVolumeOptions")
        if not add and not remove:
            text = "VolumeRequests require one of either addVolumeOptions or removeVolumeOptions"
            yield cause(_REQUESTS, f"{text} to be set")
        elif add and add.get("name") in present:
            text = f"AddVolume request for [{add['name']}] conflicts with an existing volume of"
            yield cause(_REQUESTS, f"{text} the same name on the vmi template.")


def _busy(review: Review) -> Iterator[Cause]:
    """Yield the edits that a snapshot or a restore under way forbids."""
    if review.live is None:
        return
    status = review.obj.get("status") or {}
    snapshot, restore = (status.get(f"{name}InProgress") for name in ("snapshot", "restore"))
    power = any(
        review.spec.get(name) != review.old.get(name) for name in ("runStrategy", "running")
    )
    disks = _disks(review.spec) != _disks(review.old)
    if snapshot and (power or disks):
        what = "running state" if power else "disks or volumes"
        yield cause("spec", f'Cannot update vm {what} until snapshot "{snapshot}" completes', _BUSY)
    elif restore and power:
        text = f'Cannot update VM runStrategy until restore "{restore}" completes'
        yield cause("spec", text, _BUSY)


def _disks(spec: Object) -> tuple[object, set[object]]:
    inner = (spec.get("template") or {}).get("spec") or {}
    rows = ((inner.get("domain") or {}).get("devices") or {}).get("disks") or ()
    return inner.get("volumes"), {each.get("name") for each in rows}
