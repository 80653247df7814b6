# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What is refused before anything is written, in check mode as in the real run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...engine.errors import NotFound, ValidationFailed

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-+.]*")


def check_options(desired: Mapping[str, Any]) -> None:
    """Refuse values that the server would store as something else."""
    wrong = {
        f"tags[{tag}]": "is no tag: letters, digits, '_', '-', '+' and '.', not starting with "
        "one of the last three"
        for tag in desired.get("tags") or ()
        if not _TAG.fullmatch(str(tag))
    }
    if wrong:
        raise _refused("", wrong)


def check_deletion(actual: Mapping[str, Any], desired: Mapping[str, Any]) -> None:
    """Refuse to delete what is protected, or not stopped unless forced."""
    if actual.get("protection"):
        raise ValidationFailed(
            f"{actual['_label']} is protected against deletion. Give protection: false in a run "
            "of its own first, if you mean it. Nothing was changed.",
            fields={"protection": "is on"},
        )
    if actual["state"] != "stopped" and not desired.get("force"):
        raise ValidationFailed(
            f"{actual['_label']} is {actual['state']}, and only a stopped machine can be "
            "deleted. Stop it first, or give force: true to switch it off and delete it.",
            fields={"force": "needed to delete a machine that is not stopped"},
        )


def check_disks(actual: Mapping[str, Any], desired: Mapping[str, Any]) -> None:
    """Refuse new disks that lack something, and what cannot be done to those that are there.

    ``actual`` is the machine, the source of its clone, or empty for a new one.
    """
    present = {disk["slot"]: disk for disk in actual.get("disks") or ()}
    config = actual.get("_config") or {}
    wrong: dict[str, str] = {}
    for disk in desired.get("disks") or ():
        slot = disk["slot"]
        if disk.get("state") == "absent":
            continue
        if slot in present:
            wrong |= _impossible(present[slot], disk)
        elif slot in config:
            wrong[f"disks[{slot}]"] = "holds a CD-ROM or cloud-init drive; take another slot"
        else:
            wrong |= _lacking(disk)
    if wrong:
        raise _refused(str(actual.get("_label") or ""), wrong)


def _impossible(was: Mapping[str, Any], disk: Mapping[str, Any]) -> dict[str, str]:
    where, size = f"disks[{was['slot']}]", disk.get("size_gib")
    wrong = {}
    if disk.get("storage") not in {None, was["storage"]}:
        wrong[f"{where}.storage"] = f"is {was['storage']}; moving a disk is not supported here"
    if size is not None and was["size_gib"] is not None and size < was["size_gib"]:
        wrong[f"{where}.size_gib"] = f"is {was['size_gib']}; a disk cannot shrink to {size}"
    return wrong


def _lacking(disk: Mapping[str, Any]) -> dict[str, str]:
    where = f"disks[{disk['slot']}]"
    wrong = {}
    if not disk.get("storage"):
        wrong[f"{where}.storage"] = "is needed for a new disk"
    if disk.get("size_gib") is None and not disk.get("import_from"):
        wrong[f"{where}.size_gib"] = "or import_from is needed for a new disk"
    return wrong


def growth(actual: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new size in GiB of each disk that grows."""
    present = {disk["slot"]: disk["size_gib"] for disk in actual.get("disks") or ()}
    return {
        disk["slot"]: disk["size_gib"]
        for disk in after.get("disks") or ()
        if disk["slot"] in present and disk.get("size_gib") not in {None, present[disk["slot"]]}
    }


def check_node(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise NotFound for a node that the cluster does not have, with the nearest right name."""
    names = sorted(str(row["node"]) for row in rows)
    if name not in names:
        near = difflib.get_close_matches(name, names, 1, 0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise NotFound(f"The cluster has no node {name!r}.{hint} Its nodes: {', '.join(names)}.")


def _refused(label: str, wrong: Mapping[str, str]) -> ValidationFailed:
    text = "; ".join(f"{path} {why}" for path, why in wrong.items())
    start = f"{label}: " if label else ""
    return ValidationFailed(f"{start}{text}. Nothing was changed.", fields=dict(wrong))
