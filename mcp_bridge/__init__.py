# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MCP bridge: each tool call becomes one ansible-runner invocation."""

from __future__ import annotations

__version__ = "0.1.0"
