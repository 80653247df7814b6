# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of kubevirt_vm."""

from __future__ import annotations

from ..module_utils.kubevirt.resources.vm import VM_RESOURCE
from ..plugin_utils import action


class ActionModule(action.ActionModule):
    """Runs kubevirt_vm."""

    # Imported once, with this plugin: each task's module is forked and has it.
    declaration = VM_RESOURCE
