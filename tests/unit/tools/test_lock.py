# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks can be installed tomorrow: what is asked for with extras is pinned with them."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

FOLDER = Path(__file__).parents[3] / "requirements"
LOCKS = [FOLDER / "dev.txt", *sorted(FOLDER.glob("core-*.txt"))]
_PIN = re.compile(r"^([a-z0-9.-]+)(?:\[([a-z0-9,-]+)\])?==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_extras_are_pinned(lock: Path) -> None:
    """Red with --strip-extras: pip takes the newest release for the extra, and has no hash of it.

    What the packages ask for is read from those that are installed here.
    """
    pins = {
        name: set(filter(None, (extras or "").split(",")))
        for name, extras, _version in _PIN.findall(lock.read_text("utf-8"))
    }
    assert pins
    missing = []
    for found in distributions():
        if found.name.lower().replace("_", "-") not in pins:
            continue
        for text in found.requires or ():
            asked = Requirement(text)
            name = asked.name.lower().replace("_", "-")
            needed = asked.marker is None or asked.marker.evaluate({"extra": ""})
            if needed and name in pins and not asked.extras <= pins[name]:
                missing.append(f"{found.name} asks for {asked.name}{sorted(asked.extras)}")
    assert not missing
