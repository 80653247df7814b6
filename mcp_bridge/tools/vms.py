# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vm_list` and `vm_get`: one VM object over all platforms."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..envelope import ok, rows
from .arguments import suggestion
from .door import Door
from .ends import Run
from .paging import RowSet, RowStore
from .spec import FIELDS, REF, TARGETS, Call, Refusal, Tool, schema

STATES = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "paused",
    "migrating",
    "provisioning",
    "error",
    "unknown",
)
VM_FIELDS = (
    "ref",
    "target",
    "platform",
    "name",
    "state",
    "cpus",
    "memory_mib",
    "disks",
    "nics",
    "host",
    "tags",
    "os",
)
_SHOWN = ("ref", "name", "state", "cpus", "memory_mib", "host", "tags")
_WHERE = ("platform", "host", "os", "cpus", "memory_mib")
_DEFAULT_LIMIT = 200
_PAGE_ARGUMENTS = ("cursor", "limit")
# What costs the platform a request for each VM, so it is read only when asked for.
_DETAILS = frozenset({"disks", "nics", "os"})

_LIST_SCHEMA = schema(
    {
        "targets": TARGETS,
        "name": {
            "type": "string",
            "description": "exact name, or a pattern with * and ?",
            "minLength": 1,
            "maxLength": 253,
        },
        "state": {"type": "string", "enum": list(STATES)},
        "tags": {
            "type": "array",
            "description": "the VM has all of these",
            "items": {"type": "string", "maxLength": 200},
            "maxItems": 20,
        },
        "where": {
            "type": "object",
            "description": "other fields: exact value, text also a pattern with * and ?",
            "properties": {
                name: {"type": "integer" if name in ("cpus", "memory_mib") else "string"}
                for name in _WHERE
            },
            "additionalProperties": False,
        },
        "fields": FIELDS,
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": _DEFAULT_LIMIT},
        "cursor": {
            "type": "string",
            "description": "page.next of the last answer; leave the filters out or repeat them",
            "maxLength": 300,
        },
    }
)
_GET_SCHEMA = schema(
    {"ref": REF, "raw": {"type": "boolean", "description": "also what the platform itself says"}},
    required=("ref",),
)


class _Vms:
    """The two read tools, and the rows that their pages are cut from."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._store = RowStore()

    def list(self, call: Call) -> Mapping[str, Any]:
        cursor = call.arguments.get("cursor")
        if cursor:
            kept, offset = self._store.page(cursor, call.caller.principal)
            _same_filters(call.arguments, kept)
        else:
            kept, offset = self._read(call), 0
        end = offset + call.arguments.get("limit", _DEFAULT_LIMIT)
        return rows(
            [{name: row.get(name) for name in kept.fields} for row in kept.rows[offset:end]],
            run_id=kept.run_id,
            total=len(kept.rows),
            offset=offset,
            cursor=lambda at: self._store.cursor(kept, at),
            budget=self._door.max_bytes,
            warnings=kept.warnings,
        )

    def _read(self, call: Call) -> RowSet:
        given = call.arguments
        fields = _columns(given.get("fields"))
        where = given.get("where", {})
        wanted = {name: given[name] for name in ("name", "tags") if name in given}
        if "state" in given:
            wanted["state"] = [given["state"]]
        details = bool(_DETAILS & {*fields, *where})
        targets = self._door.pick(given.get("targets"), call.caller)
        run = self._door.run(call, "vm_info", wanted | {"limit": 0, "details": details}, targets)
        kept = RowSet(
            run_id=run.run_id,
            principal=call.caller.principal,
            filters=_filters(given),
            fields=fields,
            rows=[row for row in _objects(run) if _matches(row, where)],
            warnings=run.warnings,
        )
        self._store.keep(kept)
        return kept

    def get(self, call: Call) -> Mapping[str, Any]:
        ref = call.arguments["ref"]
        target = self._door.target_of(ref)
        arguments = {"ref": ref, "raw": call.arguments.get("raw", False), "details": True}
        run = self._door.run(call, "vm_info", arguments, (target,))
        found = list(_objects(run))
        if not found:
            raise Refusal(
                "not_found",
                f"There is no VM {ref}.",
                "Find its ref with vm_list; ids change when a VM is made anew.",
            )
        return ok(found[0], run_id=run.run_id, warnings=run.warnings)


def tools(door: Door) -> tuple[Tool, ...]:
    """Return the two tools in their order."""
    vms = _Vms(door)
    return (
        Tool(
            name="vm_list",
            title="List virtual machines",
            description=(
                "Lists VMs of all or some targets, filtered, as rows with their refs. A target "
                "that does not answer becomes a warning. Large lists come in pages: pass "
                "page.next as cursor."
            ),
            input_schema=_LIST_SCHEMA,
            answer=vms.list,
        ),
        Tool(
            name="vm_get",
            title="Show one virtual machine",
            description="Shows one VM with its disks, network cards and addresses, by its ref.",
            input_schema=_GET_SCHEMA,
            answer=vms.get,
        ),
    )


def _objects(run: Run) -> Iterable[Mapping[str, Any]]:
    for result in run.answered.values():
        yield from result.get("objects", ())


def _columns(wanted: Sequence[str] | None) -> tuple[str, ...]:
    if wanted is None:
        return _SHOWN
    for name in wanted:
        if name not in VM_FIELDS:
            raise Refusal(
                "invalid_args",
                f"vm_list: fields has no {name!r}{suggestion(name, VM_FIELDS)}.",
                f"Choose from {', '.join(VM_FIELDS)}; nothing was run.",
            )
    return ("ref", *(name for name in wanted if name != "ref"))


def _matches(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(_fits(row.get(name), value) for name, value in where.items())


def _fits(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual == wanted or fnmatch.fnmatchcase(actual, wanted.replace("[", "[[]"))
    return bool(actual == wanted)


def _filters(arguments: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in arguments.items() if key not in _PAGE_ARGUMENTS}
    return json.dumps(kept, sort_keys=True)


def _same_filters(arguments: Mapping[str, Any], kept: RowSet) -> None:
    given = _filters(arguments)
    if given not in ("{}", kept.filters):
        raise Refusal(
            "invalid_args",
            "vm_list: the filters or fields are not those that the cursor was made with.",
            "Leave them out, or start anew without cursor.",
        )
