# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text that came from a platform or a guest harmless to terminals and to readers."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 8192
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
        return clip(text)
    text = _ESCAPES.sub("", text)
    kept = (each for each in text if each in _KEPT or unicodedata.category(each) not in _DROPPED)
    return clip("".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in kept))


def clip(text: str, longest: int = LONGEST) -> str:
    """Return the text, or its beginning and how long it was."""
    if len(text) <= longest:
        return text
    note = f"… ({len(text)} characters)"
    return text[: longest - len(note)] + note
