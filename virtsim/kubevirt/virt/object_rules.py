# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the validating webhooks refuse in instances, migrations, snapshots, restores and exports.

Each function yields causes, or raises ApiError 400 where the real webhook names none (v1.9.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..store import Object
from . import names
from .reviews import Review, refused
from .rules import Cause, Scope, cause
from .rules_template import template

MIGRATION_WEBHOOK = "migration-create-validator.kubevirt.io"
_DONE = ("Succeeded", "Failed")
_IMMUTABLE = "spec in immutable after creation"
_POLICIES = ("InPlace", "PrefixTargetName", "RandomizeNames")
_RESERVED = frozenset(
    {
        "kubevirt.io/created-by",
        "kubevirt.io/migrationJobUID",
        "kubevirt.io/nodeName",
        "kubevirt.io/migrationTargetNodeName",
        "kubevirt.io/schedulable",
        "kubevirt.io/install-strategy",
        "kubevirt.io",
    }
)


def instance(review: Review) -> Iterator[Cause]:
    """Check an instance that a client writes, and not its controller."""
    if review.live is not None:
        if review.spec != review.old:
            yield _unplaced("update of VMI object is restricted", "FieldValueNotSupported")
        return
    metadata = review.obj["metadata"]
    annotations = metadata.get("annotations") or {}
    yield from template(Scope(review.spec, "spec", review.gates, annotations))
    if _RESERVED & set(metadata.get("labels") or ()):
        text = "creation of the following reserved kubevirt.io/ labels on a VMI object is"
        yield cause("metadata.labels", f"{text} prohibited", "FieldValueNotSupported")


def _unplaced(text: str, reason: str) -> Cause:
    """Return a cause that names no field."""
    return {"reason": reason, "message": text}


def migration(review: Review) -> Iterator[Cause]:
    """Check a migration."""
    if review.live is not None:
        yield from _same_label(review)
        return
    name = review.spec.get("vmiName")
    if not name:
        yield cause("spec.vmiName", "vmiName is missing", "FieldValueRequired")
        return
    gated = review.spec.get("sendTo") or review.spec.get("receive")
    if gated and not review.gates.on("DecentralizedLiveMigration"):
        text = "DecentralizedLiveMigration feature gate is not enabled in kubevirt resource"
        yield _unplaced(text, "FieldValueNotSupported")
        return
    if review.spec.get("priority"):
        text = "Migration priority queue, only virt-controller is allowed to set priority field"
        yield cause("spec.migrationPriority", text, "FieldValueForbidden")
        return
    why = _not_now(review, name)
    if why:
        raise refused(MIGRATION_WEBHOOK, why)


def _same_label(review: Review) -> Iterator[Cause]:
    key = "kubevirt.io/vmi-name"
    new, old = (
        (each["metadata"].get("labels") or {}).get(key) for each in (review.obj, review.live or {})
    )
    if old and not new and _phase(review.live or {}) not in _DONE:
        text = "selector label can't be removed from an in-flight migration"
        yield _unplaced(text, "FieldValueNotSupported")


def _phase(obj: Object) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


def _not_now(review: Review, name: str) -> str | None:
    """Return why an instance cannot be migrated."""
    vmi = review.store.get(names.VMI, review.place, name)
    if vmi is None:
        return f'the VMI "{review.place}/{name}" does not exist'
    if _phase(vmi) in _DONE:
        return "Cannot migrate VMI in finalized state."
    for each in (vmi.get("status") or {}).get("conditions") or ():
        if each["type"] == "LiveMigratable" and each["status"] == "False":
            why = f"Reason: {each.get('reason', '')}, Message: {each.get('message', '')}"
            return f"Cannot migrate VMI, {why}"
    for each in review.store.list(names.MIGRATION, review.place):
        if each["spec"].get("vmiName") == name and _phase(each) not in _DONE:
            text = f"in-flight migration detected. Active migration job ({each['metadata']['uid']})"
            return f"{text} is currently already in progress for VMI {name}."
    return None


def snapshot(review: Review) -> Iterator[Cause]:
    """Check a snapshot; whether its machine exists is not asked."""
    if not review.gates.on("Snapshot"):
        hook = "virtualmachinesnapshot-validator.snapshot.kubevirt.io"
        raise refused(hook, "snapshot feature gate not enabled")
    if review.live is not None:
        yield from unchanged(review)
        return
    yield from _machine_reference(review.spec.get("source") or {}, "spec.source")


def unchanged(review: Review) -> Iterator[Cause]:
    """Check that an update leaves the spec alone."""
    if review.spec != review.old:
        yield cause("spec", _IMMUTABLE)


def _machine_reference(given: Object, field: str) -> Iterator[Cause]:
    if not given.get("apiGroup"):
        yield cause(f"{field}.apiGroup", "missing apiGroup", "FieldValueNotFound")
    elif given["apiGroup"] != "kubevirt.io":
        yield cause(f"{field}.apiGroup", "invalid apiGroup")
    elif given.get("kind") != "VirtualMachine":
        yield cause(f"{field}.kind", "invalid kind")


def restore(review: Review) -> Iterator[Cause]:
    """Check a restore; whether its snapshot is there and ready is not asked."""
    if not review.gates.on("Snapshot"):
        hook = "virtualmachinerestore-validator.snapshot.kubevirt.io"
        raise refused(hook, "Snapshot/Restore feature gate not enabled")
    if review.live is not None:
        yield from unchanged(review)
        return
    target = review.spec.get("target") or {}
    yield from _machine_reference(target, "spec.target")
    yield from _patches(review.spec.get("patches") or ())
    policy = review.spec.get("volumeRestorePolicy")
    if policy and policy not in _POLICIES:
        text = f'volume restore policy "{policy}" doesn\'t exist'
        yield cause("spec.volumeRestorePolicy", text)
    for row, each in enumerate(review.spec.get("volumeRestoreOverrides") or ()):
        if not any(each.get(name) for name in ("restoreName", "labels", "annotations")):
            text = "must provide at least one overriden field"  # codespell:ignore
            yield cause(f"spec.volumeRestoreOverrides[{row}]", text, "FieldValueRequired")
    for other in review.store.list(names.RESTORE, review.place):
        same = (other.get("spec") or {}).get("target") == target
        if same and not (other.get("status") or {}).get("complete"):
            text = f'VirtualMachineRestore "{other["metadata"]["name"]}" in progress'
            yield cause("spec.target", text)


def _patches(patches: list[str] | tuple[str, ...]) -> Iterator[Cause]:
    """Check patches as the server does, which reads them as text and not as JSON."""
    for patch in patches:
        for pair in patch.strip("{} ").split(","):
            key, *value = pair.split(":")
            if len(value) != 1:
                text = 'patch format is not valid - one ":" expected in a single key-value json'
                yield cause("spec.patches", f"{text} patch: {pair}")
                return
            if key.strip().strip('"') == "path" and not value[0].strip(' "').startswith("/spec/"):
                text = f"patching is valid only for elements under /spec/ only: {pair}"
                yield cause("spec.patches", text)
                return


def export(review: Review) -> Iterator[Cause]:
    """Check an export."""
    if review.live is not None:
        yield from unchanged(review)
        return
    source = review.spec.get("source") or {}
    group, kind = source.get("apiGroup") or "", source.get("kind")
    known = {
        "PersistentVolumeClaim": ("PVC", ("", "v1")),
        "VirtualMachineSnapshot": ("VMSnapshot", ("snapshot.kubevirt.io",)),
        "VirtualMachine": ("VM", ("kubevirt.io",)),
    }
    if kind not in known:
        yield cause("spec.source.kind", "invalid kind")
        return
    shown, groups = known[kind]
    if group not in groups:
        yield cause("spec.source.APIGroup", f"{shown} API group must be {groups[-1]}")
    elif not source.get("name"):
        yield cause("spec.source.name", f"{shown} name must not be empty")
