# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Paths of requests that mean what they say."""

from __future__ import annotations

from urllib.parse import unquote

from .engine.errors import ValidationFailed


def straight(path: str, label: str) -> None:
    """Raise ValidationFailed for a path with a segment `.` or `..`, also a quoted one.

    Quoting does not help: libraries and servers resolve such segments, so that a name of two dots
    would turn the call into another one.
    """
    steps = unquote(path.partition("?")[0]).replace("\\", "/").split("/")
    if "." in steps or ".." in steps:
        raise ValidationFailed(f"{label}: a name that is part of the path must not be . or ..")
