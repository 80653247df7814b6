# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Call one operation of the vendor's catalog."""

from __future__ import annotations

from typing import Any

from .resource import Calling


def call_api(operations: Calling, *, check: bool) -> dict[str, Any]:
    """Return the result of a raw module; in check mode only what reads is called."""
    changed = operations.risk() != "read"
    if check and changed:
        return {"changed": True, "result": None}
    return {"changed": changed, "result": operations.call()}
