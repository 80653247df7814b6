# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the one-task play of a job. Arguments are data in it, never templates.

The parts of a job are hosts of that play, so that all go on at once and none waits for another.
What each of them calls stands in a variable, from which the task takes its action and arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import JobRefused
from .base import Job

UNSAFE = "__ansible_unsafe"
GROUP = "virtbridge_targets"
MAX_ARGUMENTS = 4 * 1024 * 1024
_MAX_DEPTH = 32
_FULL_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*){2,}")
_TARGET = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_RESERVED_KEYS = ("_ansible_", "__ansible_")
_RESERVED_HOSTS = frozenset({"all", "ungrouped", GROUP})
_CALLS = "virtbridge_calls"
_ANY_CALL = {
    "name": "call",
    "action": f"{{{{ {_CALLS}[inventory_hostname].module }}}}",
    "args": f"{{{{ {_CALLS}[inventory_hostname].args }}}}",
}


def play(job: Job) -> str:
    """Return the play as JSON. Raises JobRefused for what no play can carry literally.

    Every text of the arguments is marked unsafe, so that it arrives byte for byte; the one template
    is our own and hands each of several hosts its target's name.
    """
    content: dict[str, Any] = {
        "name": "virtbridge",
        "hosts": GROUP,
        "gather_facts": False,
        "check_mode": job.check,
        "diff": job.diff,
    }
    if job.parts:
        content |= {"vars": {_CALLS: _calls(job)}, "tasks": [_ANY_CALL]}
    else:
        # A template costs a run more time and memory than all its arguments.
        alone = len(job.targets) == 1
        target = literal(job.targets[0].name, "target") if alone else "{{ inventory_hostname }}"
        arguments = {"target": target, **_arguments(job)}
        content["tasks"] = [{"name": "call", job.module: arguments}]
    text = json.dumps([content])
    if len(text) > MAX_ARGUMENTS:
        raise JobRefused(f"the arguments are larger than {MAX_ARGUMENTS} bytes")
    return text


def inventory(job: Job, interpreter: str) -> str:
    """Return the inventory as JSON: one local host for each target, its interpreter fixed."""
    names = job.hosts
    for name in (*names, *(target.name for target in job.targets)):
        if not _TARGET.fullmatch(name) or name in _RESERVED_HOSTS:
            raise JobRefused(f"a target cannot be named {name!r}")
    if not names or len(set(names)) != len(names):
        raise JobRefused("a job needs at least one target, and each only once")
    fixed = {"ansible_connection": "local", "ansible_python_interpreter": interpreter}
    return json.dumps({GROUP: {"hosts": dict.fromkeys(names, fixed)}})


def _calls(job: Job) -> dict[str, Any]:
    """Return what each part calls, by the host that it is."""
    return {
        host: {
            "module": part.module,
            "args": {**_arguments(part), "target": literal(part.targets[0].name, "target")},
        }
        for host, part in zip(job.hosts, job.parts, strict=True)
    }


def _arguments(job: Job) -> dict[str, Any]:
    if not _FULL_NAME.fullmatch(job.module):
        raise JobRefused(f"{job.module!r} is not the full name of a module, as in a.b.module")
    if "target" in job.args:
        raise JobRefused("target is not an argument of a job; the job names its targets")
    return {key: literal(value, key) for key, value in checked_keys(job.args, "")}


def literal(value: Any, where: str, depth: int = 0) -> Any:
    """Return the value with every text marked as no template; JobRefused for what JSON is not."""
    if depth > _MAX_DEPTH:
        raise JobRefused(f"{where}: nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value, where)
        return {UNSAFE: value}
    if isinstance(value, Mapping):
        pairs = checked_keys(value, where)
        return {key: literal(part, f"{where}.{key}", depth + 1) for key, part in pairs}
    if isinstance(value, (list, tuple)):
        return [literal(part, f"{where}[{n}]", depth + 1) for n, part in enumerate(value)]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    raise JobRefused(f"{where}: {type(value).__name__} is not a value that JSON can carry")


def checked_keys(mapping: Mapping[Any, Any], where: str) -> list[tuple[str, Any]]:
    """Return the pairs of a mapping; JobRefused for a key that Ansible would take as its own."""
    for key in mapping:
        if not isinstance(key, str):
            raise JobRefused(f"{where or 'arguments'}: the key {key!r} is not text")
        _check_text(key, where or "arguments")
        if key.startswith(_RESERVED_KEYS):
            raise JobRefused(f"{where or 'arguments'}: the key {key} is reserved by Ansible")
    return list(mapping.items())


def _check_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise JobRefused(f"{where}: holds a lone surrogate, which is no valid Unicode") from None
