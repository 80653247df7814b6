# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Read objects: keep as many as the limit says, count the rest."""

from __future__ import annotations

from typing import Any

from .resource import Reading


def read_rows(operations: Reading, limit: int) -> dict[str, Any]:
    """Return the result of an info module; ``limit`` 0 keeps all. Memory is bound by ``limit``."""
    kept: list[Any] = []
    total = 0
    for row in operations.rows():
        total += 1
        if not limit or total <= limit:
            kept.append(dict(row))
    return {"changed": False, "objects": kept, "total": total, "truncated": total > len(kept)}
