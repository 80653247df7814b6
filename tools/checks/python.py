# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the Python code and the texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.checks.steps import ROOT, Found, Step, call
from tools.tree import tracked

AVOID = {"manager", "helper", "util", "utils", "handler", "entity", "misc"}
_FORBIDDEN = re.compile(
    r"(?<![\w.])/(?:work|root|home/\w+)/|pypi" + r"\.org|registry\.npm" + r"js|python" + r"hosted",
)
_MAX_FUNCTION = 40
_OVERRIDES = {"proxy_manager_for"}
"""Methods of libraries that have to be called what they are called."""


def sources() -> list[Path]:
    """Return the Python files that git tracks or would track."""
    return [name for name in tracked() if name.suffix == ".py"]


def _counted(pattern: str, *command: str) -> Found:
    code, output = call(command)
    found = re.search(pattern, output)
    return code == 0, int(found.group(1)) if found else 0, output


def _format() -> Found:
    code, output = call(["ruff", "format", "--check", "."])
    return code == 0, len(sources()), output


def _lint() -> Found:
    code, output = call(["ruff", "check", "."])
    return code == 0, len(sources()), output


def _types() -> Found:
    return _counted(r"in (\d+) source files", "mypy")


def _layers() -> Found:
    return _counted(r"Contracts: (\d+) kept, 0 broken", "lint-imports", "--no-cache")


def _spelling() -> Found:
    # The tests misspell names on purpose, to see the nearest right one suggested.
    names = [
        str(name)
        for name in tracked()
        if name.suffix in {".py", ".md", ".yml", ".toml"} and name.parts[0] != "tests"
    ]
    code, output = call(["codespell", *names])
    return code == 0, len(names), output


def _drift() -> Found:
    return _counted(r"(\d+) modules", "python", "tools/gen_docs.py", "--check")


def _lengths(name: Path, text: str) -> Iterator[str]:
    limit = 400 if name.parts[0] == "tests" else 300
    lines = text.count("\n")
    if lines > limit and "plugins/modules" not in str(name):
        yield f"{name}: {lines} lines, at most {limit}"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        words = set(re.findall(r"[A-Z]?[a-z]+", node.name)) & {*AVOID, *map(str.title, AVOID)}
        if words and node.name not in _OVERRIDES:
            yield f"{name}:{node.lineno}: {node.name} holds the avoided word {words.pop()!r}"
        size = (node.end_lineno or node.lineno) - node.lineno + 1
        if not isinstance(node, ast.ClassDef) and size > _MAX_FUNCTION:
            yield f"{name}:{node.lineno}: {node.name} has {size} lines, at most {_MAX_FUNCTION}"


def _sizes() -> Found:
    names = sources()
    problems = [
        problem for name in names for problem in _lengths(name, (ROOT / name).read_text("utf-8"))
    ]
    return not problems, len(names), "\n".join(problems)


def _strings() -> Found:
    problems, count = [], 0
    for name in tracked():
        if name.suffix in {".py", ".md", ".yml", ".toml", ".txt", ".json", ""}:
            count += 1
            text = (ROOT / name).read_text("utf-8", errors="replace")
            problems += [
                f"{name}: {found.group()!r} must not be in the repository"
                for found in _FORBIDDEN.finditer(text)
            ]
    return not problems, count, "\n".join(problems)


LANES = (
    (
        Step("format", "files", _format),
        Step("lint", "files", _lint),
        Step("layers", "contracts kept", _layers),
        Step("spelling", "files", _spelling),
        Step("generated files", "modules", _drift),
        Step("sizes and words", "files", _sizes),
        Step("forbidden strings", "files", _strings),
        Step("types", "files", _types),
    ),
)
