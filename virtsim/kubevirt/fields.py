# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of field paths, as managedFields keeps them: which exist, which changed, how to cut them.

A path is a tuple of steps: ``f:name`` a field, ``k:{...}`` an element of a list by its keys,
``v:...`` an element of a set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .schema import Schema
from .store import Object

Path = tuple[str, ...]
_NOT_OWNED = frozenset({"apiVersion", "kind"})
_SERVERS = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "managedFields",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
        "selfLink",
    }
)
MISSING = object()


def walk(schema: Schema, obj: Object) -> Iterator[tuple[Path, Any, bool]]:
    """Yield each path of an object that can be owned, its value, and whether it is a leaf."""
    for name, value in obj.items():
        if name in _NOT_OWNED:
            continue
        if name == "metadata":
            known = {key: each for key, each in value.items() if key not in _SERVERS}
            yield from _inside(schema, "metadata", ("f:metadata",), known)
        else:
            yield from _below(schema, name, (f"f:{name}",), value)


def _inside(schema: Schema, place: str, path: Path, value: Any) -> Iterator[tuple[Path, Any, bool]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _below(schema, f"{place}.{name}", (*path, f"f:{name}"), each)
        return
    kind, keys = schema.list_type(place)
    for each in value:
        if kind == "set":
            yield (*path, f"v:{_text(each)}"), each, True
        else:
            step = key_of(each, keys)
            yield from _below(schema, f"{place}[]", (*path, step), each)


def _below(schema: Schema, place: str, path: Path, value: Any) -> Iterator[tuple[Path, Any, bool]]:
    if isinstance(value, dict):
        leaf = not value or schema.is_value(place)
    elif isinstance(value, list):
        leaf = not value or schema.list_type(place)[0] == "atomic"
    else:
        leaf = True
    yield path, value, leaf
    if not leaf:
        yield from _inside(schema, place, path, value)


def key_of(element: Any, keys: tuple[str, ...]) -> str:
    """Return the step to an element of a list that is merged by keys."""
    found = element if isinstance(element, dict) else {}
    return f"k:{_text({key: found[key] for key in keys if key in found})}"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def owned(schema: Schema, config: Object) -> set[Path]:
    """Return what an applied configuration owns: leaves, and elements of lists."""
    return {
        path for path, _value, leaf in walk(schema, config) if leaf or path[-1].startswith("k:")
    }


def changed(schema: Schema, live: Object | None, obj: Object) -> tuple[set[Path], set[Path]]:
    """Return the paths that were added or changed, and those that are gone."""
    before = {path: (value, leaf) for path, value, leaf in walk(schema, live or {})}
    fresh: set[Path] = set()
    seen: set[Path] = set()
    for path, value, leaf in walk(schema, obj):
        seen.add(path)
        old = before.get(path)
        if old is None or (leaf and old != (value, True)):
            fresh.add(path)
    return fresh, before.keys() - seen


def encode(paths: Iterable[Path]) -> Object:
    """Return paths as FieldsV1."""
    fields: Object = {}
    every = set(paths)
    parents = {path[:end] for path in every for end in range(1, len(path))}
    for path in sorted(every):
        here = fields
        for step in path:
            here = here.setdefault(step, {})
        if path in parents:
            here["."] = {}
    return fields


def decode(fields: Object, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of FieldsV1."""
    for step, below in fields.items():
        if step == ".":
            yield path
        elif below:
            yield from decode(below, (*path, step))
        else:
            yield (*path, step)


def shown(path: Path) -> str:
    """Return a path as messages have it: .spec.ports[port=80]."""
    text = ""
    for step in path:
        kind, rest = step[:2], step[2:]
        if kind == "f:":
            text += f".{rest}"
        elif kind == "v:":
            text += f"[={rest}]"
        else:
            pairs = json.loads(rest).items()
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in pairs) + "]"
    return text


def tops(gone: set[Path], kept: set[Path]) -> Iterator[Path]:
    """Yield what is to be cut of paths that nobody owns any more, each subtree once.

    A place stays where somebody owns something in it, and with it the keys of an element.
    """
    done: set[Path] = set()
    for path in sorted(gone, key=len):
        inside = any(path[: len(each)] == each for each in done)
        held = any(each[: len(path)] == path for each in kept)
        if not inside and not held and not _is_key(path):
            done.add(path)
            yield path


def _is_key(path: Path) -> bool:
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def cut(value: Any, path: Path) -> Any:
    """Return a value without what a path leads to; containers left empty go, too."""
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        name = step[2:]
        if name not in value:
            return value
        inner = cut(value[name], rest) if rest else MISSING
        left = {key: each for key, each in value.items() if key != name}
        empty = inner is MISSING or (rest and inner in ({}, []) and value[name] != inner)
        return left if empty else {**left, name: inner}
    if isinstance(value, list):
        kept = []
        for each in value:
            if not _leads(step, each):
                kept.append(each)
            elif rest:
                kept.append(cut(each, rest))
        return kept
    return value


def _leads(step: str, element: Any) -> bool:
    wanted = json.loads(step[2:])
    if step.startswith("v:"):
        return bool(element == wanted)
    return isinstance(element, dict) and all(element.get(k) == v for k, v in wanted.items())
