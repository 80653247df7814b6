# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section `approval` of the configuration."""

from __future__ import annotations

from pydantic import Field

from .config_section import Section


class Approval(Section):
    """How long plans and approvals hold."""

    plan_ttl: int = Field(
        default=900, ge=10, le=86_400, description="seconds in which a plan can be applied"
    )
    approval_ttl: int = Field(
        default=300, ge=10, le=86_400, description="seconds in which an approved plan is applied"
    )
    keep_days: int = Field(
        default=30, ge=1, le=3650, description="days after which an ended plan is forgotten"
    )
