# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the long suite: printed, and kept for `tools/long_results.py`, which asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "VIRTBRIDGE_RESULTS"


def record(name: str, figures: Mapping[str, Any]) -> None:
    """Print what a test has measured, and write it where that is wanted."""
    text = json.dumps({name: figures}, indent=2)
    print(text)
    folder = os.environ.get(FOLDER)
    if folder:
        Path(folder, f"{name}.json").write_text(text, encoding="utf-8")
