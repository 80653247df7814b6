# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the secret parameters of a raw call apart from those that may be shown."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from typing import Any

# Below this many signs a text is a plain word, and to hide it would blank others.
_SHORTEST = 8


def apart(arguments: Mapping[str, Any], secret: frozenset[str]) -> dict[str, Any]:
    """Return the arguments with the parameters of those names moved to ``secret_params``."""
    params = dict(arguments.get("params") or {})
    moved = {name: params.pop(name) for name in tuple(params) if name in secret}
    hidden = {**(arguments.get("secret_params") or {}), **moved}
    parted = {name: value for name, value in arguments.items() if name != "secret_params"}
    parted["params"] = params
    if hidden:
        parted["secret_params"] = hidden
    return parted


def texts_under(content: Any, names: Collection[str]) -> list[str]:
    """Return the texts that stand under any of the names, however deep, and what they encode."""
    found = [text for each in _under(content, names) for text in (each, *_decoded(each))]
    return [text for text in dict.fromkeys(found) if len(text) >= _SHORTEST]


def _under(content: Any, names: Collection[str], *, inside: bool = False) -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, part in content.items():
            yield from _under(part, names, inside=inside or name in names)
    elif isinstance(content, (list, tuple)):
        for part in content:
            yield from _under(part, names, inside=inside)
    elif inside and isinstance(content, str):
        yield content


def _decoded(text: str) -> Iterator[str]:
    """Yield what a text of base64 stands for; nothing when it is none, or no text is in it."""
    try:
        yield base64.b64decode(text, validate=True).decode()
    except ValueError:
        return
