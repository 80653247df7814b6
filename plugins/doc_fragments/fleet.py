# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options of fleet; written by tools/gen_docs.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared text."""

    DOCUMENTATION = r"""
---
options:
  target:
    description:
      - Name of the endpoint in C(targets.yml), which holds its platform,
        address and credentials.
      - The file is E(VIRTBRIDGE_TARGETS), else C($XDG_CONFIG_HOME/virtbridge/targets.yml),
        on the controller.
    type: str
    required: true
"""
