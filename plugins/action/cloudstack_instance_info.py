# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of cloudstack_instance_info."""

from __future__ import annotations

from ..module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from ..plugin_utils import action


class ActionModule(action.ActionModule):
    """Runs cloudstack_instance_info."""

    # Imported once, with this plugin: each task's module is forked and has it.
    declaration = INSTANCE_INFO
