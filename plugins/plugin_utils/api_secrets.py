# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the secret parameters of a raw call apart from those that may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apart(arguments: Mapping[str, Any], secret: frozenset[str]) -> dict[str, Any]:
    """Return the arguments with the parameters of those names moved to ``secret_params``."""
    params = dict(arguments.get("params") or {})
    moved = {name: params.pop(name) for name in tuple(params) if name in secret}
    hidden = {**(arguments.get("secret_params") or {}), **moved}
    parted = {name: value for name, value in arguments.items() if name != "secret_params"}
    parted["params"] = params
    if hidden:
        parted["secret_params"] = hidden
    return parted
