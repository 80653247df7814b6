# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known beforehand of a facade module on one platform, so that no run finds it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..targets import Target
from .spec import Refusal

_NEXT = "Correct the arguments and call again; nothing was run."


def check(entry: Mapping[str, Any] | None, arguments: Mapping[str, Any], target: Target) -> None:
    """Return when the target's platform can be asked this; else raise `Refusal`.

    ``entry`` is the module's part of the catalog; only facade modules are checked.
    """
    facts = (entry or {}).get("platforms", {}).get(target.platform)
    if facts is None:
        return
    for code, text in _problems(facts, arguments, target):
        raise Refusal(code, f"{text} (target {target.name}).", _NEXT)


def machine_of(ref: str, platform: str) -> tuple[str, ...]:
    """Return what two refs to one machine have in common, however they are written."""
    target, namespace, name = ref.split("/")
    if platform == "proxmox":
        return target, name.lstrip("0")
    # An id of CloudStack is unique whatever the project.
    return (target, name.lower()) if platform == "cloudstack" else (target, namespace, name)


def _problems(
    facts: Mapping[str, Any], arguments: Mapping[str, Any], target: Target
) -> Iterator[tuple[str, str]]:
    title = facts["title"]
    lacking = [name for name in facts["lacks"] if arguments.get(name) is not None]
    if lacking:
        yield "unsupported", f"{title} has no {' and no '.join(lacking)}; leave it out"
    state = arguments.get("state")
    if "state" in facts and state not in facts["state"]:
        able = ", ".join(facts["state"])
        yield "unsupported", f"{title} cannot bring a VM to state {state!r}; it can to {able}"
    ref = arguments.get("ref")
    if ref is not None and not re.fullmatch(facts["ref"], ref):
        example = f"{target.name}/{facts['example']}"
        yield "invalid_args", f"ref is {ref!r}; on {title} it looks like {example}"
    name = arguments.get("name")
    if name is not None and "name" in facts and not re.fullmatch(facts["name"], name):
        pattern = facts["name"].removeprefix("^(?:").removesuffix(")$")
        yield "invalid_args", f"name is {name!r}; on {title} it must match {pattern}"
