# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be called by name: the collection's modules, and each vendor operation.

A vendor operation is run by the raw module of its platform. Its id says which one is meant:
``proxmox:GET /nodes/{node}/qemu``, ``cloudstack:listZones``, ``kubevirt:list core/Node``.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .catalog import Catalog
from .policy import RISKS, risk_of
from .tools.arguments import ArgumentCheck, suggestion
from .tools.spec import Refusal

TABLE = Path(__file__).parent / "_generated" / "operations.json"
_WORD = re.compile(r"[a-z]+|[0-9]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# What people say, and what the platforms call it.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "vm": ("qemu", "virtual", "machine", "instance", "virtualmachine"),
    "vms": ("qemu", "virtual", "machine", "instance", "virtualmachine"),
    "guest": ("qemu", "lxc", "virtual", "machine"),
    "container": ("lxc",),
    "backup": ("vzdump", "backups"),
    "reboot": ("restart", "reboot"),
    "remove": ("delete", "destroy"),
    "delete": ("destroy", "expunge"),
    "disk": ("volume", "datavolume", "disks"),
    "network": ("vnet", "bridge", "networks"),
    "user": ("users", "account"),
    "image": ("template", "iso", "datasource"),
    "move": ("migrate",),
}
_EMPTY = frozenset({"a", "all", "an", "and", "for", "from", "in", "it", "of", "on", "the", "to"})
_K, _B = 1.2, 0.6
_CURATED, _SYNONYM = 1.3, 0.5
_SLIP, _NEAR = 0.8, 3
# What opens a console, looks into a guest or tells its password is no mere read.
_INSIDE = re.compile(
    r"/agent/(?:exec|file)|(?:vnc|term|spice)(?:proxy|shell|ticket)|/vnc/|getVMPassword"
    r"|createConsoleEndpoint"
)


@dataclass(frozen=True)
class Operation:
    """One thing that can be called. ``platform`` is ``fleet`` for what runs on all of them."""

    id: str
    platform: str
    module: str
    summary: str
    base_risk: str
    facts: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def is_vendor(self) -> bool:
        """Whether it is an operation of a vendor's API, run by the raw module."""
        return "params" in self.facts


class Operations:
    """The index of all operations, with search, and the way from an id to a module's call."""

    def __init__(self, catalog: Catalog, path: Path = TABLE) -> None:
        self._catalog, self._path = catalog, path

    @cached_property
    def all(self) -> Mapping[str, Operation]:
        """Return the operations by id."""
        found = {}
        for name, entry in self._catalog.modules.items():
            if entry["kind"] != "api":
                risk = str(entry["risk"]["base"])
                found[name] = Operation(
                    name, entry["platform"], name, entry["summary"], risk, entry
                )
        for row in json.loads(self._path.read_text(encoding="utf-8"))["operations"]:
            module = f"{row['platform']}_api"
            ident = str(row["id"])
            if _INSIDE.search(ident):
                row["risk"] = max(row["risk"], "disruptive", key=RISKS.index)
            text = f"{ident.partition(':')[2]} of {row['platform']}"
            found[ident] = Operation(ident, row["platform"], module, text, row["risk"], row)
        return found

    def get(self, ident: str) -> Operation:
        """Return one operation; `Refusal` with the nearest names when there is none."""
        found = self.all.get(ident)
        if found is None:
            # A slip of the pen is near by its letters, a guess by its words.
            near = difflib.get_close_matches(ident, self.all, n=1, cutoff=_SLIP)
            near += [row.id for row in self.search(ident, limit=_NEAR) if row.id not in near]
            hint = f" (did you mean {', '.join(near[:_NEAR])}?)" if near else ""
            raise Refusal(
                "invalid_args",
                f"There is no operation {ident!r}{hint}.",
                "Find the operation with tool_search and pass its id unchanged; nothing was run.",
            )
        return found

    def search(
        self, text: str, *, platform: str | None = None, risk: str | None = None, limit: int = 10
    ) -> list[Operation]:
        """Return the operations that fit a description best, best first (BM25)."""
        query = _expanded(text)
        scores: list[tuple[float, str]] = []
        for ident, words in self._index.items():
            operation = self.all[ident]
            if not _wanted(operation, platform, risk):
                continue
            # A word and its synonyms count once: the best of them.
            score = sum(
                max(self._weight(word, words) * weight for word, weight in group) for group in query
            )
            if score > 0:
                scores.append((score * (1 if operation.is_vendor else _CURATED), ident))
        scores.sort(key=lambda pair: (-pair[0], pair[1]))
        return [self.all[ident] for _score, ident in scores[:limit]]

    def risk(self, operation: Operation, arguments: Mapping[str, Any]) -> str:
        """Return the risk class of a call with these arguments; the worst that applies."""
        if not operation.is_vendor:
            return risk_of(operation.facts, arguments)
        worst = RISKS.index(operation.facts["risk"])
        for rule in operation.facts["raises"]:
            value = arguments.get(rule["param"])
            if value is not None and ("when" not in rule or _means(value, rule["when"])):
                worst = max(worst, RISKS.index(rule["to"]))
        return RISKS[worst]

    def check(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Raise `Refusal` that names everything wrong with the arguments."""
        if not operation.is_vendor:
            facts = operation.facts
            ArgumentCheck(operation.id, facts["options"], facts.get("secrets", ()))(arguments)
            return
        known, required = operation.facts["params"], operation.facts["required"]
        wrong = [
            f"unknown argument {name}{suggestion(name, known)}"
            for name in sorted(arguments)
            if not operation.facts.get("open") and not _known(name, known)
        ]
        wrong += [f"missing argument {name}" for name in required if arguments.get(name) is None]
        if wrong:
            raise Refusal(
                "invalid_args",
                f"{operation.id}: {'; '.join(wrong[:10])}.",
                "tool_describe shows its arguments; nothing was run.",
            )

    def module_call(
        self, operation: Operation, arguments: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Return the module that runs an operation, and its options."""
        if not operation.is_vendor:
            return operation.module, dict(arguments)
        verb, _space, rest = operation.id.partition(":")[2].partition(" ")
        if operation.platform == "proxmox":
            return operation.module, {"method": verb, "path": rest, "params": dict(arguments)}
        if operation.platform == "cloudstack":
            return operation.module, {"command": verb, "params": dict(arguments)}
        kind, _slash, sub = rest.partition("/")[2].partition("/")
        options = {**arguments, "kind": kind, "verb": "get" if verb == "call" else verb}
        return operation.module, options | ({"subresource": sub} if sub else {})

    @cached_property
    def _index(self) -> Mapping[str, Counter[str]]:
        return {ident: _words_of(operation) for ident, operation in self.all.items()}

    @cached_property
    def _spread(self) -> Counter[str]:
        return Counter(word for words in self._index.values() for word in words)

    @cached_property
    def _length(self) -> float:
        return sum(sum(words.values()) for words in self._index.values()) / len(self._index)

    def _weight(self, word: str, words: Counter[str]) -> float:
        count = words.get(word, 0)
        if not count:
            return 0.0
        total, spread = len(self._index), self._spread[word]
        rare = math.log(1 + (total - spread + 0.5) / (spread + 0.5))
        length = sum(words.values()) / self._length
        return rare * count * (_K + 1) / (count + _K * (1 - _B + _B * length))


def _wanted(operation: Operation, platform: str | None, risk: str | None) -> bool:
    """Whether an operation is asked for; what runs on all platforms always is."""
    fits = platform in (None, operation.platform)
    return (fits or operation.platform == "fleet") and risk in (None, operation.base_risk)


def _words_of(operation: Operation) -> Counter[str]:
    """Return the words of an operation: its name counts three times, its arguments once."""
    names = operation.facts.get("params") or operation.facts.get("options", {}).get(
        "properties", {}
    )
    words: Counter[str] = Counter()
    for text, weight in ((operation.id, 3), (operation.summary, 2), (" ".join(names), 1)):
        for word in _words(text):
            words[word] += weight
    return words


def _words(text: str) -> list[str]:
    found = _WORD.findall(_CAMEL.sub(" ", text).lower())
    # A plural is its singular, too.
    return [*found, *(word[:-1] for word in found if len(word) > 3 and word.endswith("s"))]


def _expanded(text: str) -> list[list[tuple[str, float]]]:
    """Return for each word that matters the words that may stand for it, with their weight."""
    words = [word for word in _WORD.findall(_CAMEL.sub(" ", text).lower()) if word not in _EMPTY]
    groups = []
    for word in dict.fromkeys(words):
        singular = [(word[:-1], 0.9)] if len(word) > 3 and word.endswith("s") else []
        others = [(other, _SYNONYM) for other in _SYNONYMS.get(word, ())]
        groups.append([(word, 1.0), *singular, *others])
    return groups


def _known(name: str, known: Mapping[str, Any]) -> bool:
    stem = re.sub(r"[0-9]+$", "[n]", name)
    indexed = re.match(r"([A-Za-z0-9]+)\[\d+\]\.", name)
    return name in known or stem in known or bool(indexed and indexed[1] in known)


def _means(value: Any, when: Any) -> bool:
    if isinstance(when, bool):
        true = str(value).lower() in ("1", "true", "yes", "on")
        return true == when
    return str(value) == str(when)
