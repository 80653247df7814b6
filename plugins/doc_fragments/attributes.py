# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the attributes; written by tools/gen_docs.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared text."""

    DOCUMENTATION = r"""
---
attributes:
  check_mode:
    description:
      - Says what would change, and sends nothing that writes.
  diff_mode:
    description:
      - Says what changes, before and after; O(ignore:diff) is returned
        in any case.
  platform:
    description:
      - Where the module runs; it talks to the endpoint over HTTPS.
  action_group:
    description:
      - Groups for C(module_defaults).
"""
