# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every generated file: its place and its whole text, made from the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from plugins.module_utils.engine.resource import Api
from tools.declarations import Declared

from .operations import operations
from .pages import index, page
from .table import table
from .text import attributes_fragment, documentation, fragment, groups, return_text

HEADER = """\
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
PLACEHOLDER = "# Write examples here: they are checked, and run against the simulators.\n"
RUNTIME_MARK = "# Written by tools/gen_docs.py from here on.\n"
_BASES = {"api": "api"}
"""What stands behind an action plugin, by the kind of the declaration; else ``action``."""
_EXAMPLES = re.compile(r'^EXAMPLES = r"""\n(.*?)"""$', re.S | re.M)
_DOC_TEXT = re.compile(r'^(?:DOCUMENTATION|RETURN) = r"""\n(.*?)"""$', re.S | re.M)


class GenerationError(Exception):
    """The declarations or the files by hand do not allow to generate."""


def render(root: Path, everything: Sequence[Declared]) -> Iterator[tuple[Path, str]]:
    """Yield the path and text of every generated file."""
    for each in everything:
        path = root / "plugins" / "modules" / f"{each.name}.py"
        examples = examples_of(path)
        yield path, _module(each, examples)
        yield root / "plugins" / "action" / f"{each.name}.py", _action(each)
        yield root / "docs" / "modules" / f"{each.name}.md", page(each, examples)
    yield from _fragments(root, everything)
    yield root / "docs" / "modules" / "index.md", index(everything)
    generated = root / "mcp_bridge" / "_generated"
    raw = {each.platform for each in everything if isinstance(each.declaration, Api)}
    yield generated / "modules.json", table(everything)
    yield generated / "operations.json", operations(root, raw)
    yield root / "meta" / "runtime.yml", _runtime(root / "meta" / "runtime.yml", everything)


def orphans(root: Path, rendered: set[Path]) -> list[Path]:
    """Return the files that stand where generated ones do, and belong to no declaration."""
    places = (
        "plugins/modules/*.py",
        "plugins/action/*.py",
        "plugins/doc_fragments/*.py",
        "docs/modules/*.md",
    )
    return sorted(path for place in places for path in root.glob(place) if path not in rendered)


def examples_of(path: Path) -> str:
    """Return the examples that stand in a module, or the placeholder when it is new."""
    if not path.exists():
        return PLACEHOLDER
    found = _EXAMPLES.search(path.read_text(encoding="utf-8"))
    if not found:
        raise GenerationError(f'{path}: EXAMPLES = r"""…""" is missing')
    return found.group(1)


def lacks_examples(text: str) -> bool:
    """Whether a module's examples are still the placeholder, or hold no task."""
    found = _EXAMPLES.search(text)
    return not found or not re.search(r"^\s*- ", found.group(1), re.M)


def _module(declared: Declared, examples: str) -> str:
    declaration = declared.declaration
    text = (
        f"#!/usr/bin/python\n{HEADER}\nfrom __future__ import annotations\n\n"
        f'DOCUMENTATION = r"""\n{documentation(declared)}"""\n\n'
        f'EXAMPLES = r"""\n{examples}"""\n\n'
        f'RETURN = r"""\n{return_text(declaration)}"""\n'
    )
    for content in _DOC_TEXT.findall(text):
        if '"""' in content:
            raise GenerationError(f'{declared.name}: documentation text holds """')
    if declared.is_facade:
        return text
    imports = sorted(
        (
            "from ..module_utils.engine.module import run",
            f"from ..{declared.module} import {declared.variable}",
        )
    )
    return (
        text + "\n" + "\n".join(imports) + "\n\n\n"
        f"def main() -> None:\n    run({declared.variable})\n\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )


def _action(declared: Declared) -> str:
    base = "fleet" if declared.is_facade else _BASES.get(declared.declaration.kind, "action")
    imports = [f"from ..plugin_utils import {base}\n"]
    body = ""
    if not declared.is_facade:
        imports.insert(0, f"from ..{declared.module} import {declared.variable}\n")
        body = (
            "\n    # Imported once, with this plugin: each task's module is forked and has it.\n"
            f"    declaration = {declared.variable}\n"
        )
    return (
        f'{HEADER}"""The controller\'s side of {declared.name}."""\n\n'
        "from __future__ import annotations\n\n"
        f"{''.join(imports)}\n\n"
        f"class ActionModule({base}.ActionModule):\n"
        f'    """Runs {declared.name}."""\n{body}'
    )


def _fragments(root: Path, everything: Sequence[Declared]) -> Iterator[tuple[Path, str]]:
    folder = root / "plugins" / "doc_fragments"
    yield folder / "attributes.py", _fragment("attributes", attributes_fragment())
    for name in sorted({each.platform for each in everything}):
        declaration = next(each for each in everything if each.platform == name).declaration
        yield folder / f"{name}.py", _fragment(name, fragment(declaration.platform, declaration))


def _fragment(name: str, text: str) -> str:
    what = "the attributes" if name == "attributes" else f"the connection options of {name}"
    return (
        f'{HEADER}"""Documentation of {what}; written by tools/gen_docs.py."""\n\n'
        "from __future__ import annotations\n\n\n"
        f'class ModuleDocFragment:\n    """Shared text."""\n\n'
        f'    DOCUMENTATION = r"""\n{text}"""\n'
    )


def _runtime(path: Path, everything: Sequence[Declared]) -> str:
    by_hand = path.read_text(encoding="utf-8").split(RUNTIME_MARK)[0]
    members: dict[str, list[str]] = {}
    for each in everything:
        for group in groups(each):
            members.setdefault(group.rsplit(".", 1)[-1], []).append(each.name)
    lines = ["action_groups:"]
    for group in sorted(members):
        lines += [f"  {group}:", *(f"    - {name}" for name in members[group])]
    return by_hand + RUNTIME_MARK + "\n".join(lines) + "\n"
