# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job writes, as far as its arguments say: by these keys, writers wait for each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .base import Job

_READERS = ("_info",)
_GUEST = re.compile(r"/(?:qemu|lxc)/(\d+)(?:/|$)")
_VENDOR_IDS = ("virtualmachineid", "id")
# By falling precision: what names one object on its target.
_NAMES = (
    ("vmid",),
    ("id",),
    ("instance_id",),
    ("namespace", "vm_name"),
    ("namespace", "name"),
    ("vm_name",),
    ("instance_name",),
    ("name",),
)


def written(job: Job) -> frozenset[str]:
    """Return a key for each object that the job writes, the same for the same object.

    An id and a name of one object are two keys: only the platform knows that they are one.
    """
    return frozenset(_keys(job))


def _keys(job: Job) -> Iterator[str]:
    for part in job.parts or (job,):
        if part.writes and not part.check and not part.module.endswith(_READERS):
            for target in part.targets:
                yield json.dumps([target.name, *_what(part.module, part.args, target.platform)])


def _what(module: str, args: Mapping[str, Any], platform: str) -> list[str]:
    if args.get("ref"):
        namespace, _slash, name = str(args["ref"]).partition("/")[2].partition("/")
        return [namespace, name] if platform == "kubevirt" else [name]
    if "path" in args or "command" in args:
        return _vendor_call(args)
    for names in _NAMES:
        if all(args.get(name) not in (None, "") for name in names):
            return [str(args[name]) for name in names]
    return [module, json.dumps(args, sort_keys=True, default=str)]


def _vendor_call(args: Mapping[str, Any]) -> list[str]:
    """Return what a raw call is about: a guest in its path, an id in its parameters, or all."""
    guest = _GUEST.search(str(args.get("path") or ""))
    if guest:
        return [guest.group(1)]
    params = {str(key).lower(): value for key, value in dict(args.get("params") or {}).items()}
    for name in _VENDOR_IDS:
        if "command" in args and params.get(name):
            return [str(params[name])]
    return ["call", str(args.get("path") or json.dumps([args["command"], params], default=str))]
