# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the user of this process is, as the kernel knows it."""

from __future__ import annotations

import os
import pwd


def os_user() -> str:
    """Return the principal of this process: `os:NAME`, whatever its environment says."""
    number = os.getuid()
    try:
        return f"os:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"os:{number}"
