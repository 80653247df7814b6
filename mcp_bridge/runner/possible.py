# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this platform has what a fork server needs: processes that end with their parents."""

from __future__ import annotations

import ctypes
import sys

_PARENT_DIES = 2  # PR_GET_PDEATHSIG


def why_not() -> str:
    """Return why no fork server is possible here; nothing when it is."""
    if sys.platform != "linux":
        return f"there is no prctl on {sys.platform}"
    signal = ctypes.c_int()
    try:
        prctl = ctypes.CDLL(None).prctl
        answer = prctl(_PARENT_DIES, ctypes.byref(signal), 0, 0, 0)
    except (OSError, AttributeError):
        return "the C library of this system has no prctl"
    return "" if answer == 0 else "the kernel of this system refuses prctl"
