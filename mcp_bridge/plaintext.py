# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text that came from a platform or a guest harmless to terminals and to readers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST = 8192
# Of longer text only this much is looked at; more would be cut off anyway.
_READ = 4 * LONGEST
_ESCAPES = re.compile(  # CSI, OSC, the other strings, and two-character sequences
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|[ -/]*[0-~])"
)
# Joiners are part of emoji and of several scripts; the other format characters only hide things.
_KEPT = frozenset("\n\t\u200c\u200d")
_DROPPED = frozenset({"Cc", "Cf"})


def clean_text(text: str) -> str:
    """Return the text without escape sequences, control and bidi characters, at most 8 KiB long.

    A lone surrogate, which is no text at all, becomes U+FFFD. Cleaning twice changes nothing more.
    """
    if text.isascii() and text.isprintable():
        return clip(text, len(text))
    start = _ESCAPES.sub("", text[:_READ])
    kept = (each for each in start if each in _KEPT or unicodedata.category(each) not in _DROPPED)
    cleaned = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in kept)
    return clip(cleaned, len(text) if len(text) > _READ else len(cleaned))


def clean_content(value: Any) -> Any:
    """Return a copy of plain JSON content with every text in it clean, also the keys."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean_content(part) for key, part in value.items()}
    if isinstance(value, list):
        return [clean_content(part) for part in value]
    return value


def clip(text: str, length: int) -> str:
    """Return the text, or its beginning and how long the whole was."""
    if max(len(text), length) <= LONGEST:
        return text
    note = f"… ({length} characters)"
    return text[: LONGEST - len(note)] + note
