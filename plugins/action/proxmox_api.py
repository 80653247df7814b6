# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of proxmox_api."""

from __future__ import annotations

from ..module_utils.proxmox.resources.api import API
from ..plugin_utils import api


class ActionModule(api.ActionModule):
    """Runs proxmox_api."""

    # Imported once, with this plugin: each task's module is forked and has it.
    declaration = API
