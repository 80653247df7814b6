# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What expand-spec answers: a machine with its instance type and preference merged in (v1.9.0)."""

from __future__ import annotations

import json

from ...core.http import Request, Response
from ..kinds import Catalog
from ..routes import VirtTarget
from ..status import ApiError
from ..store import Object, Store, copied
from . import instancetypes
from .calls import unreadable
from .typing_rules import NoQuantityError, faults


class CannotExpandError(Exception):
    """Something that the machine names is not there, or they contradict each other."""


def stored(store: Store, vm: Object) -> Response:
    """Answer GET expand-spec of a stored machine."""
    try:
        return Response.json(_expanded(store, vm))
    except CannotExpandError as error:
        details = {"causes": [{"message": str(error)}]}
        raise ApiError(500, f"Internal error occurred: {error}", details=details) from None


def sent(store: Store, catalog: Catalog, request: Request, target: VirtTarget) -> Response:
    """Answer PUT expand-vm-spec of a machine in the body."""
    vm = _read(request)
    try:
        wrong = list(faults(catalog, "v1.VirtualMachine", vm))
    except NoQuantityError as error:
        wrong = [str(error)]
    if wrong:
        details = {"causes": [{"message": each} for each in wrong]}
        raise ApiError(400, "Object is not a valid VirtualMachine", details=details)
    metadata = vm.setdefault("metadata", {})
    if metadata.setdefault("namespace", target.namespace) != target.namespace:
        raise ApiError(400, f"VM namespace must be empty or {target.namespace}")
    try:
        return Response.json({"status": {}, **_expanded(store, vm)})
    except CannotExpandError as error:
        raise ApiError(400, str(error)) from None


def _read(request: Request) -> Object:
    try:
        found = json.loads(request.body)
    except json.JSONDecodeError as error:
        text = f"Can not unmarshal Request body to struct, error: {unreadable(error)}"
        raise ApiError(400, text) from None
    return found if isinstance(found, dict) else {}


def _expanded(store: Store, vm: Object) -> Object:
    try:
        kind, preference = (
            instancetypes.find(store, vm, which) for which in ("instancetype", "preference")
        )
    except instancetypes.NotFoundError as error:
        raise CannotExpandError(str(error)) from None
    found = list(instancetypes.conflicts(vm, kind))
    if found:
        text = f"VM field(s) {', '.join(found)} conflicts with selected instance type"
        raise CannotExpandError(text)
    made: Object = copied(vm)
    if kind is None and preference is None:
        return made
    template = made["spec"]["template"]
    template["spec"] = _complete(instancetypes.expanded(template["spec"], kind, preference))
    for which in ("instancetype", "preference"):
        made["spec"].pop(which, None)
    return made


def _complete(spec: Object) -> Object:
    """Return a spec with the defaults that an instance would get."""
    spec.setdefault("evictionStrategy", "None")
    for volume in spec.get("volumes") or ():
        disk = volume.get("containerDisk")
        if disk:
            fixed = "@" in disk["image"] or ":" in disk["image"].rpartition("/")[2]
            latest = not fixed or disk["image"].endswith(":latest")
            disk.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    return spec
