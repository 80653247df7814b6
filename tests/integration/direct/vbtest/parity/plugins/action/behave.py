# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the fixture module as every module of virtbridge.core is run."""

from __future__ import annotations

from ansible_collections.virtbridge.core.plugins.plugin_utils.action import (
    ActionModule as _Ours,
)


class ActionModule(_Ours):
    """Runs behave."""
