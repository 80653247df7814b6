# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look up and check a raw call against the Proxmox VE catalog, on the controller."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ..module_utils.engine.errors import Unsupported, ValidationFailed
from .api_secrets import apart
from .proxmox_params import problems, spelled
from .risks import risk_of

METHODS = ("GET", "POST", "PUT", "DELETE")
_SLOT = re.compile(r"\{([^}]+)\}")
# A volume's id holds slashes of its own (PVE::Storage::parse_volume_id).
_GREEDY = "volume"


def resolve(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with ``operation``: path, risk, and where secrets stand.

    Raises ValidationFailed for an unknown path or method and for every wrong parameter at once,
    Unsupported for a websocket, which a module cannot use.
    """
    method, path = str(arguments.get("method") or "GET").upper(), arguments.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise _refused("path", f"path must be one such as /nodes/pve1/qemu, not {path!r}")
    record, values = found(method, path)
    given = {**(arguments.get("params") or {}), **(arguments.get("secret_params") or {})}
    slots = [name for name in _SLOT.findall(record["path"]) if name not in values]
    values |= {name: str(given.pop(name)) for name in slots if given.get(name) is not None}
    wrong = problems(record, {**given, **values})
    if wrong:
        what = "; ".join(f"{name}: {text}" for name, text in wrong.items())
        raise ValidationFailed(
            f"{method} {record['path']}: {what}. Nothing was sent.",
            fields={f"params.{name}": text for name, text in wrong.items()},
        )
    if record["path"].endswith("websocket"):
        raise Unsupported(f"{method} {record['path']} opens a websocket; a module cannot use it.")
    return {**_params(arguments, record, slots), "operation": _operation(record, values, given)}


def found(method: str, path: str) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Return the catalog's record of a call and the values in its path.

    ``path`` is concrete (``/nodes/pve1/qemu``), or the catalog's own with its placeholders.
    """
    parts = [part for part in path.split("/") if part]
    by_method: dict[str, tuple[Mapping[str, Any], dict[str, str]]] = {}
    for record in catalog()["endpoints"]:
        values = _match(record["path"].strip("/").split("/"), parts)
        if values is None:
            continue
        known = by_method.get(record["method"])
        # /pools/{poolid} and a word in its place may both match; the word is meant.
        if known is None or len(values) < len(known[1]):
            by_method[record["method"]] = (record, values)
    if method in by_method:
        return by_method[method]
    if by_method:
        raise _refused("method", f"{path} has no {method}; it has {', '.join(sorted(by_method))}")
    raise _refused("path", f"the API has no path {path}; did you mean {_near(parts)}?")


@cache
def catalog() -> Mapping[str, Any]:
    """Return the vendor's catalog."""
    file = Path(__file__).parents[1] / "module_utils" / "proxmox" / "catalog.json"
    content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for index, expected in enumerate(template):
        slot = _SLOT.fullmatch(expected)
        if index >= len(parts) or (not slot and expected != parts[index]):
            return None
        if slot and parts[index] != expected:
            last = slot[1] == _GREEDY and index == len(template) - 1
            values[slot[1]] = unquote("/".join(parts[index:]) if last else parts[index])
            if last:
                return values
    return values if len(template) == len(parts) else None


def _near(parts: list[str]) -> str:
    """Return the catalog's path that is most like these parts, as the end of a message."""
    paths: set[str] = {record["path"] for record in catalog()["endpoints"]}
    return max(sorted(paths), key=lambda each: _likeness(each.strip("/").split("/"), parts))


def _likeness(template: list[str], parts: list[str]) -> float:
    filled = [
        given if _SLOT.fullmatch(expected) else expected
        for expected, given in zip_longest(template, parts[: len(template)], fillvalue="")
    ]
    return difflib.SequenceMatcher(None, "/".join(filled), "/".join(parts)).ratio()


def _params(
    arguments: Mapping[str, Any], record: Mapping[str, Any], slots: list[str]
) -> dict[str, Any]:
    parted = apart(arguments, frozenset(record.get("secret_params", ())))
    for option in ("params", "secret_params"):
        if option in parted:
            kept = {name: value for name, value in parted[option].items() if name not in slots}
            parted[option] = spelled(record, kept)
    return {**parted, "method": record["method"]}


def _operation(
    record: Mapping[str, Any], values: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    path = _SLOT.sub(lambda slot: quote(values[slot[1]], safe=""), record["path"])
    return {
        "path": path,
        "risk": risk_of(record, given),
        "hidden": list(record.get("secret_response", ())),
        "since": record["since"],
    }


def _refused(option: str, text: str) -> ValidationFailed:
    return ValidationFailed(f"{text}. Nothing was sent.".replace("?.", "?"), fields={option: text})
