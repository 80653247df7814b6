# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this checkout importable as ``ansible_collections.virtbridge.core`` for the tests."""

from __future__ import annotations

import sys
import types
from pathlib import Path

ROOT = Path(__file__).parent


def _register(name: str, path: list[str]) -> None:
    module = sys.modules.setdefault(name, types.ModuleType(name))
    module.__path__ = path


_register("ansible_collections", [])
_register("ansible_collections.virtbridge", [])
_register("ansible_collections.virtbridge.core", [str(ROOT)])
