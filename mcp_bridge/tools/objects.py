# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call's arguments tell of its object, and how to look up what they do not tell. Pure.

Only what is sure is told. A call whose object cannot be made out leaves everything unknown, which
policy judges with care.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..policy_facts import OBJECT_PARTS

Facts = dict[str, tuple[str, ...]]
_NOTHING: Facts = dict.fromkeys(OBJECT_PARTS, ())
# Which options of a platform's modules are the id and the name of the machine.
_MACHINE: Mapping[str, tuple[str, str]] = {
    "proxmox_vm": ("vmid", "name"),
    "proxmox_vm_power": ("vmid", "name"),
    "proxmox_vm_snapshot": ("vmid", "vm_name"),
    "cloudstack_instance": ("id", "name"),
    "cloudstack_instance_power": ("id", "name"),
    "cloudstack_instance_snapshot": ("instance_id", "instance_name"),
    "kubevirt_vm": ("", "name"),
    "kubevirt_vm_power": ("", "name"),
    "kubevirt_vm_snapshot": ("", "vm_name"),
}
_FACADE = ("vm", "vm_power", "vm_snapshot")
_MAKERS = ("vm", "proxmox_vm", "cloudstack_instance", "kubevirt_vm")
_LIST = re.compile(r"[;, ]+")
_QEMU = re.compile(r"/nodes/\{node\}/qemu/\{vmid\}(/|$)")
_MACHINE_KINDS = ("VirtualMachine", "VirtualMachineInstance")


@dataclass(frozen=True)
class Subject:
    """The object of a call: what is known, what finds the rest, and what the call would change.

    ``look`` are options of `vm_info` that find it, None when nothing does. ``tags`` are those
    that the call sets; with ``replaces`` no other tag stays.
    """

    about: Facts = field(default_factory=dict)
    look: Mapping[str, Any] | None = None
    name: str | None = None
    tags: tuple[str, ...] | None = None
    replaces: bool = False

    def after(self, about: Facts) -> Facts:
        """Return the parts that the call changes, as it leaves them, by what is known before."""
        changed: dict[str, tuple[str, ...]] = {}
        if self.name is not None:
            changed["name"] = (self.name,)
        if self.tags is not None:
            # Of key=value there is one value for each key; a plain tag stands beside others.
            keys = {tag.partition("=")[0] for tag in self.tags if "=" in tag}
            before = () if self.replaces else about.get("tags", ())
            kept = (tag for tag in before if "=" not in tag or tag.partition("=")[0] not in keys)
            changed["tags"] = (*kept, *self.tags)
        return changed


def subject_of(
    module: str, arguments: Mapping[str, Any], target: str, platform: str, operation: str
) -> Subject:
    """Return what a module's options tell of the object of a call on one target.

    ``operation`` is the id of the vendor's operation that a raw module runs.
    """
    if module.endswith("_api"):
        return _raw(arguments, target, platform, operation)
    if module in _MACHINE:
        ident, named = _MACHINE[module]
        ref, name = _ref(target, arguments.get(ident)), arguments.get(named)
        if platform == "kubevirt":
            ref = _ref(target, name, arguments.get("namespace"))
    elif module in _FACADE or (module == "vm_info" and arguments.get("ref")):
        ref, name = arguments.get("ref"), arguments.get("name")
    else:
        return Subject()
    tags, renamed = None, None
    if module in _MAKERS:
        tags = _tags(arguments.get("labels" if module == "kubevirt_vm" else "tags"))
        renamed = str(name) if ref and name and platform != "kubevirt" else None
    known = Subject({}, None, renamed, tags, arguments.get("exact") is True)
    if module in _MAKERS and arguments.get("existing") == "forbidden" and name:
        # There is none yet, so it is what the call makes it.
        made = {"name": (str(name),), "tags": tags or (), **_place(arguments, platform)}
        return Subject({**_NOTHING, **made})
    if ref:
        return replace(known, about=facts_of_ref(ref, platform), look={"ref": ref})
    if not isinstance(name, str) or not name:
        return known
    about = {"name": (name,), **_place(arguments, platform)}
    return replace(known, about=about, look={"name": name})


def facts_of_ref(ref: str, platform: str) -> Facts:
    """Return what a ref alone tells."""
    _target, space, ident = ref.split("/", 2)
    if platform == "kubevirt":
        return {"ref": (ref,), "namespace": (space,), "name": (ident,), "project": (), "pool": ()}
    # A project in a ref is for people; the id alone names the instance.
    return {"ref": (ref,), "namespace": (), **({"project": ()} if platform == "proxmox" else {})}


def facts_found(rows: Sequence[Mapping[str, Any]], subject: Subject, platform: str) -> Facts:
    """Return what a look-up found: nothing to know of an object that is not there."""
    if subject.look and "name" in subject.look:
        rows = [row for row in rows if row.get("name") == subject.look["name"]]
        space = subject.about.get("namespace")
        if space:
            rows = [row for row in rows if str(row.get("ref")).split("/")[1] in space]
    if not rows:
        return {**_NOTHING, "tags": subject.tags or (), **subject.about}
    if len(rows) > 1:
        return subject.about
    row, raw = rows[0], rows[0].get("raw") or {}
    found = dict(facts_of_ref(str(row["ref"]), platform))
    found |= {"name": (str(row["name"]),), "tags": tuple(map(str, row.get("tags") or ()))}
    for part, values in {
        "pool": [raw.get("pool")] if platform == "proxmox" else [],
        "project": [raw.get("project")] if platform == "cloudstack" else [],
        "zone": [raw.get("zone") if platform == "cloudstack" else row.get("host")],
    }.items():
        found[part] = tuple(str(value) for value in values if value)
    return found


def _place(arguments: Mapping[str, Any], platform: str) -> dict[str, tuple[str, ...]]:
    options = {"namespace": "namespace", "project": "project", "pool": "pool", "zone": "zone"}
    options |= {"place": "zone", "node": "zone"}
    if platform == "cloudstack":
        options["namespace"] = "project"
    return {
        part: (str(arguments[option]),) for option, part in options.items() if arguments.get(option)
    }


def _raw(arguments: Mapping[str, Any], target: str, platform: str, operation: str) -> Subject:
    if platform == "kubevirt":
        return _raw_kubevirt(arguments, target)
    given = arguments.get("params") or {}
    if platform == "proxmox":
        return _raw_proxmox(given, target, operation)
    command = operation.partition(":")[2]
    ident = given.get("id" if "VirtualMachine" in command else "virtualmachineid")
    tagged = given.get("resourceids")
    if command.endswith("Tags") and tagged is not None:
        ids = tagged if isinstance(tagged, list) else str(tagged).split(",")
        ident = ids[0] if len(ids) == 1 else None
    name = given.get("name") if command == "updateVirtualMachine" else None
    return _known(_ref(target, ident), platform, name, () if command == "deleteTags" else None)


def _raw_proxmox(given: Mapping[str, Any], target: str, operation: str) -> Subject:
    ref = _ref(target, given.get("vmid")) if _QEMU.search(operation) else None
    if not operation.endswith("/config"):
        return _known(ref, "proxmox", None, None)
    dropped = {"tags", "name"} & set(_LIST.split(str(given.get("delete", ""))))
    tags = _LIST.split(str(given["tags"])) if "tags" in given else None
    name = "" if "name" in dropped else given.get("name")
    return _known(ref, "proxmox", name, () if "tags" in dropped else tags)


def _raw_kubevirt(arguments: Mapping[str, Any], target: str) -> Subject:
    space, name = arguments.get("namespace"), arguments.get("name")
    about: Facts = {"project": (), "pool": ()}
    about |= {"namespace": (str(space),)} if space else {}
    about |= {"name": (str(name),)} if name else {}
    ref = _ref(target, name, space) if arguments.get("kind") in _MACHINE_KINDS else None
    if ref is None:
        return Subject(about)
    tags = _labels_left(arguments.get("verb"), arguments.get("body"))
    return _known(ref, "kubevirt", None, tags)


def _labels_left(verb: Any, body: Any) -> tuple[str, ...] | None:
    """Return the labels that a body surely leaves; None when it does not touch labels."""
    if body is None or verb == "create":
        return None
    metadata = body.get("metadata", {}) if isinstance(body, Mapping) else None
    if verb in {"patch", "apply"} and isinstance(metadata, Mapping) and "labels" not in metadata:
        return None
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return _tags(labels if isinstance(labels, Mapping) else {})


def _known(ref: str | None, platform: str, name: Any, tags: Sequence[str] | None) -> Subject:
    about = facts_of_ref(ref, platform) if ref else {}
    renamed = None if name is None else str(name)
    left = None if tags is None else tuple(tags)
    return Subject(about, {"ref": ref} if ref else None, renamed, left, replaces=True)


def _ref(target: str, ident: Any, space: Any = "-") -> str | None:
    if ident in (None, "") or not space:
        return None
    return f"{target}/{space}/{ident}"


def _tags(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, Mapping):
        return tuple(f"{key}={text}" for key, text in value.items())
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else None
