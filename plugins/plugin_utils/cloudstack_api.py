# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look up and check a raw command against the CloudStack catalog, on the controller.

The server ignores parameters that it does not know, so a typing error there does something else
than was meant: every name is checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..module_utils.engine.errors import ValidationFailed
from .api_secrets import apart
from .risks import risk_of
from .schema_check import nearest

_LONGEST = 255
_INDEXED = re.compile(r"([a-z0-9]+)\[\d+\]\..+", re.IGNORECASE)
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False}
_WHOLE = re.compile(r"[+-]?\d+")
_OURS = frozenset({"command", "response", "apikey", "signature", "signatureversion", "expires"})


def resolve(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with ``operation``, maps in the encoding that the command wants.

    Raises ValidationFailed for an unknown command and for every wrong parameter at once.
    """
    name = arguments.get("command")
    if not isinstance(name, str) or name.lower() not in commands():
        hint = nearest(name, [each["name"] for each in commands().values()])
        text = f"CloudStack has no command {name}{hint}"
        raise ValidationFailed(f"{text} Nothing was sent.", fields={"command": text})
    record = commands()[name.lower()]
    given = {**(arguments.get("params") or {}), **(arguments.get("secret_params") or {})}
    wrong = dict(_problems(record, given))
    if wrong:
        what = "; ".join(f"{param}: {text}" for param, text in wrong.items())
        raise ValidationFailed(
            f"{record['name']}: {what}. Nothing was sent.",
            fields={f"params.{param}": text for param, text in wrong.items()},
        )
    parted = apart(arguments, frozenset(record.get("secret_params", ())))
    for option in ("params", "secret_params"):
        if option in parted:
            parted[option] = _spelled(record, parted[option])
    operation = {
        "risk": risk_of(record, given),
        "hidden": [f"**.{field}" for field in record.get("secret_response", ())],
        "job": bool(record["async"]),
        "list": bool(record.get("list") and record.get("paged")),
        "since": record.get("since"),
    }
    return {**parted, "command": record["name"], "operation": operation}


@cache
def commands() -> Mapping[str, Mapping[str, Any]]:
    """Return the catalog's records by lower-case name, as the server finds them."""
    file = Path(__file__).parents[1] / "module_utils" / "cloudstack" / "catalog.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    return {record["name"].lower(): record for record in content["commands"]}


def _problems(record: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = {each["name"].lower(): each for each in record["params"]}
    seen: set[str] = set()
    for name, value in given.items():
        indexed = _INDEXED.fullmatch(name)
        stem = (indexed[1] if indexed else name).lower()
        seen.add(stem)
        if stem in _OURS:
            yield name, "is set by the module"
        elif stem not in known:
            yield (
                name,
                f"unknown parameter{nearest(name, [each['name'] for each in known.values()])}",
            )
        elif value is not None and not indexed and (text := _problem(known[stem], value)):
            yield name, text
    for stem, facts in known.items():
        if facts.get("required") and stem not in seen:
            yield facts["name"], "is required"


def _problem(facts: Mapping[str, Any], value: Any) -> str | None:
    kind = facts["type"]
    if kind == "map":
        fits = isinstance(value, (Mapping, list))
        return None if fits else "must be a mapping, or a list of mappings"
    if isinstance(value, Mapping):
        return f"must be of type {kind}, not a mapping"
    if isinstance(value, list):
        return None if kind == "list" else f"must be one {kind}, not a list"
    return _scalar(kind, facts, value)


def _scalar(kind: str, facts: Mapping[str, Any], value: Any) -> str | None:
    text = str(value)
    if kind == "boolean":
        return None if text.lower() in _TRUTHS else "must be true or false"
    if isinstance(value, bool) and kind != "string":
        return f"must be of type {kind}, not true or false"
    if kind in {"integer", "long", "short"} and not _WHOLE.fullmatch(text):
        return "must be a whole number"
    longest = int(facts.get("length") or _LONGEST)
    if kind == "string" and len(text) > longest:
        return f"must have at most {longest} characters"
    return None


def _spelled(record: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with maps in their encoding: flat, key and value, or records."""
    known = {each["name"].lower(): each for each in record["params"]}
    flat: dict[str, Any] = {}
    for name, value in given.items():
        facts = known.get(name.lower(), {})
        if facts.get("type") == "map" and isinstance(value, (Mapping, list)):
            flat |= dict(_encoded(name, str(facts.get("map")), value))
        elif facts.get("type") == "boolean":
            flat[name] = _TRUTHS[str(value).lower()]
        else:
            flat[name] = value
    return flat


def _encoded(name: str, form: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from ((f"{name}[{index}].{key}", each) for key, each in dict(entry).items())
    elif form == "kv":
        for index, (key, each) in enumerate(value.items()):
            yield f"{name}[{index}].key", key
            yield f"{name}[{index}].value", each
    else:
        yield from ((f"{name}[0].{key}", each) for key, each in value.items())
