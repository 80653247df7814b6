# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of vm."""

from __future__ import annotations

from ..plugin_utils import fleet


class ActionModule(fleet.ActionModule):
    """Runs vm."""
